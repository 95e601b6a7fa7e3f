"""The list of albums: those that people made, then those of the rules."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.sections.albums.album_cards import album_cards
from pages.sections.albums.own_album_tools import PAGE, edit_album, show_edit_error
from pages.sections.albums.rule_editor import rule_editor
from pages.sections.messages import counted, escape_markdown
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery
from scene_model.library.albums.album_edits import (
    MAX_NAME_LENGTH,
    clean_album_name,
    create_album,
)
from scene_model.library.edits import EditResult, latest_edit_id
from scene_model.search.albums import AlbumEntry, AlbumKind

_NEW_KEY = "new_album"


def show_albums(entries: Sequence[AlbumEntry], open_album: Callable[[str], None]) -> None:
    """Show all albums. open_album: called with the `AlbumEntry.word` of the one that is opened."""
    st.title("Albums")
    show_edit_error()
    with st.container(horizontal=True, vertical_alignment="center"):
        _new_album_control()
        undo_button()
    own = [entry for entry in entries if entry.kind is not AlbumKind.RULES]
    if own:
        st.header("Your albums")
        album_cards(own, "own", open_album)
    else:
        st.info(
            "You have no albums of your own yet. Select photos in the Gallery and choose Album in "
            "the bar at the lower edge. Or save a search, and make an album that follows it.",
            icon=":material/photo_album:",
        )
        st.page_link("gallery.py", label="Select photos", icon=":material/photo_library:")
    _rule_albums([entry for entry in entries if entry.kind is AlbumKind.RULES], open_album)


def _rule_albums(entries: Sequence[AlbumEntry], open_album: Callable[[str], None]) -> None:
    st.header("Albums by rules")
    filled = [entry for entry in entries if entry.count or entry.word is None]
    if filled:
        album_cards(filled, "rules", open_album)
    else:
        st.caption("No photo matches a rule yet.")
    empty = [entry for entry in entries if entry not in filled]
    if empty:
        lines = (f"- **{escape_markdown(e.name)}**: {escape_markdown(e.why)}" for e in empty)
        with st.expander(f"{counted(len(empty), 'album')} without photos"):
            st.markdown("\n".join(lines))
    rule_editor(PAGE)


def _new_album_control() -> None:
    def create() -> None:
        edit_album(
            lambda: _create(st.session_state[_NEW_KEY]),
            lambda: st.session_state.update({_NEW_KEY: ""}),
        )

    with (
        st.popover("New album", icon=":material/add:", key="new_album_menu"),
        st.form("new_album_form", border=False),
    ):
        st.text_input("Name of the album", key=_NEW_KEY, max_chars=MAX_NAME_LENGTH)
        st.form_submit_button("Make album", on_click=create)


def _create(name: str) -> EditResult:
    library = get_gallery(is_storing=True).library
    create_album(library, name)
    return EditResult(f"Album “{clean_album_name(name)}” made", 0, latest_edit_id(library))
