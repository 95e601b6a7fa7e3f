"""An open album: its photos, with the tools to change it and to take it away."""

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from pages.sections.albums.own_album_tools import (
    PAGE,
    change_control,
    selection_tools,
    show_edit_error,
)
from pages.sections.browse import browse, density_control, reset_to_first_page
from pages.sections.messages import counted, escape_markdown
from pages.sections.query_line import order_control
from pages.sections.selection import grid_selection
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery
from scene_model.library.albums.own_albums import OwnAlbum
from scene_model.search.albums import AlbumEntry, AlbumKind

_EXPORT_KEY = "export_q"


def show_album(entry: AlbumEntry, open_album: Callable[[str], None]) -> None:
    """Show an album. open_album: called with a name, or with an empty one for the list."""
    gallery, line = get_gallery(), entry.line or ""
    own = _own(entry)
    with st.container(horizontal=True, vertical_alignment="center", key="album_header"):
        st.button(
            "Albums",
            icon=":material/arrow_back:",
            on_click=open_album,
            args=("",),
            key="all_albums",
        )
        st.title(escape_markdown(entry.name), width="content")
    st.caption(f"{counted(entry.count, 'photo')} · {escape_markdown(entry.why)}")
    show_edit_error()
    with st.container(horizontal=True, vertical_alignment="center", key="album_tools"):
        if own is not None:
            change_control(own, open_album)
        if entry.count:
            _take_away(line)
            order_control(PAGE, line)
            density_control(PAGE)
        undo_button()
    if entry.error is not None:
        st.error(escape_markdown(entry.error), icon=":material/error:")
    elif not entry.count:
        _no_photos(entry)
    else:
        gallery.query = line
        browse(line, PAGE, grid_selection(PAGE))
        album_ids = frozenset(gallery.ids(line) if gallery.selection else ())
        selection_tools(own if entry.kind is AlbumKind.OWN else None, album_ids)


def _own(entry: AlbumEntry) -> OwnAlbum | None:
    if entry.kind is AlbumKind.RULES:
        return None
    albums = get_gallery().own_albums()
    return next((album for album in albums if str(album.id) == entry.id), None)


def _take_away(line: str) -> None:
    parameters = {"q": line, "sort": str(get_gallery().sort)}
    with st.popover("Export", icon=":material/download:", key="export_album"):
        st.link_button(
            "Download ZIP",
            f"/api/library/export.zip?{urlencode(parameters)}",
            icon=":material/folder_zip:",
            width="stretch",
            help="The original files in folders by class, and a table, in this order",
        )
        if st.button("Tables and options", icon=":material/table_view:", width="stretch"):
            st.session_state[_EXPORT_KEY] = line
            st.switch_page("export.py", query_params={})


def _no_photos(entry: AlbumEntry) -> None:
    reset_to_first_page(PAGE)
    texts = {
        AlbumKind.OWN: "This album is empty. Select photos in the Gallery and choose Album in the "
        "bar at the lower edge.",
        AlbumKind.SEARCH: "No photo matches the search that this album follows.",
        AlbumKind.RULES: "No photo matches the rule of this album.",
    }
    st.info(texts[entry.kind], icon=":material/photo_album:")
    st.page_link("gallery.py", label="Open the Gallery", icon=":material/photo_library:")
