"""Tools for an album that a person made: name, order, cover, photos, deletion."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.sections.albums.put_in_album import album_tools, put_selection
from pages.sections.messages import counted, error_markdown
from pages.sections.query_line import order_name
from pages.sections.selection import select
from pages.sections.undo_button import note_edit
from pages.state.address import note_action
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.albums.album_edits import (
    MAX_NAME_LENGTH,
    Step,
    clean_album_name,
    delete_album,
    move_in_album,
    remove_from_album,
    rename_album,
    set_album_cover,
    set_album_sort,
)
from scene_model.library.albums.own_albums import OwnAlbum
from scene_model.library.edits import EditResult
from scene_model.library.sort_order import BEST_MATCH, Sort
from scene_model.library.stacks.stack_rows import photos_behind

PAGE = "albums"
_ERROR_KEY = "album_error"
_ORDERS = (None, Sort.read("taken"), Sort.read("-taken"))
_STEPS = {
    Step.FIRST: ("Move to start", ":material/first_page:"),
    Step.EARLIER: ("Move earlier", ":material/chevron_left:"),
    Step.LATER: ("Move later", ":material/chevron_right:"),
    Step.LAST: ("Move to end", ":material/last_page:"),
}


def edit_album(edit: Callable[[], EditResult], then: Callable[[], None] = lambda: None) -> None:
    """Make an edit and note its result, or its error. then: called after it was made."""
    note_action(PAGE)
    try:
        note_edit(edit())
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
    else:
        then()


def show_edit_error() -> None:
    """Show the error of the last edit."""
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message)


def change_control(album: OwnAlbum, on_rename: Callable[[str], None]) -> None:
    """Show the menu that renames, orders and deletes an album.

    on_rename: called with the new name, and with an empty one after the album was deleted.
    """
    with st.popover("Change", icon=":material/edit:", key="change_album"):
        _name_form(album, on_rename)
        if album.query is None:
            _order_field(album)
        st.button(
            "Delete album",
            icon=":material/delete:",
            key="delete_album",
            on_click=_delete,
            args=(album, on_rename),
            help="Its photos stay in the library. Undo brings the album back.",
        )


def selection_tools(album: OwnAlbum | None, album_ids: frozenset[str]) -> None:
    """Show the tools for the selected photos in a bar at the lower edge of the screen.

    album: the person's album that is open, if it is one of chosen photos. album_ids: its photos.
    """
    gallery = get_gallery()
    selected = [photo_id for photo_id in gallery.selection if photo_id in album_ids]
    if not selected:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="album_selection"):
        st.markdown(f"**{len(selected):,} selected**", width="content")
        if album is not None:
            behind = photos_behind(gallery.library, selected)
            _placing_tools(album, selected, [id_ for id_ in behind if id_ in album_ids])
        others = st.popover("Album", icon=":material/photo_album:", key="album_to_album")
        with others:
            album_tools("albums", _put)
        st.button(
            "Clear",
            icon=":material/deselect:",
            on_click=select,
            args=(PAGE, []),
            key="album_clear",
            help="Select no photo",
        )


def _placing_tools(album: OwnAlbum, selected: list[str], behind: list[str]) -> None:
    library = get_gallery().library
    if album.order is None:
        with st.popover("Move", icon=":material/swap_horiz:", key="album_move"):
            for step, (label, icon) in _STEPS.items():
                st.button(
                    label,
                    icon=icon,
                    key=f"album_move_{step}",
                    on_click=edit_album,
                    args=(partial(move_in_album, library, album.id, behind, step),),
                    width="stretch",
                )
    st.button(
        "Cover",
        icon=":material/image:",
        disabled=len(selected) != 1,
        key="album_cover",
        on_click=edit_album,
        args=(partial(set_album_cover, library, album.id, selected[0]),),
        help="Make the selected photo the cover of the album; select one",
    )
    st.button(
        "Remove",
        icon=":material/remove_circle:",
        key="album_remove",
        on_click=_remove,
        args=(album, behind),
        help=f"Take {counted(len(behind), 'photo')} out of the album; they stay in the library",
    )


def _name_form(album: OwnAlbum, on_rename: Callable[[str], None]) -> None:
    key = f"album_name_{album.id}_{album.name}"

    def rename() -> None:
        new_name = st.session_state[key]
        edit_album(
            lambda: rename_album(get_gallery().library, album.id, new_name),
            lambda: on_rename(clean_album_name(new_name)),
        )

    with st.form("rename_album", border=False):
        st.text_input("Name", value=album.name, key=key, max_chars=MAX_NAME_LENGTH)
        st.form_submit_button("Rename", on_click=rename)


def _order_field(album: OwnAlbum) -> None:
    key = f"album_order_{album.id}_{album.sort}"

    def choose() -> None:
        chosen = st.session_state[key]
        get_gallery().sort = BEST_MATCH  # the order of the album
        edit_album(lambda: set_album_sort(get_gallery().library, album.id, chosen))

    st.selectbox(
        "Order of the photos",
        _ORDERS,
        index=_ORDERS.index(album.order) if album.order in _ORDERS else 0,
        format_func=lambda sort: "By hand" if sort is None else order_name(sort),
        key=key,
        on_change=choose,
        help="By hand: select photos, then choose Move in the bar at the lower edge.",
    )


def _delete(album: OwnAlbum, on_rename: Callable[[str], None]) -> None:
    edit_album(lambda: delete_album(get_gallery().library, album.id), lambda: on_rename(""))


def _remove(album: OwnAlbum, selected: list[str]) -> None:
    gallery = get_gallery()
    others = [photo_id for photo_id in gallery.selection if photo_id not in selected]
    edit_album(
        lambda: remove_from_album(gallery.library, album.id, selected),
        lambda: gallery.select(others),
    )


def _put(name: str) -> None:
    edit_album(lambda: put_selection(name))
