"""The Undo button and edit notices of the Review and Duplicates pages."""

from collections.abc import Callable

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.state.session import get_gallery
from scene_model.library import edits

_NOTICE = "edit_notice"


def note_edit(done: edits.EditResult) -> None:
    """Store the result of an edit, to be shown on the next run."""
    description = escape_markdown(done.description)
    st.session_state[_NOTICE] = f"{description}: {counted(done.photo_count, 'photo')}."


def undo_button(on_undo: Callable[[], None] = lambda: None) -> None:
    """Show the stored edit notice and a button (Ctrl+Z) that undoes the latest edit.

    on_undo: called after an edit was undone.
    """
    library = get_gallery().library
    if notice := st.session_state.pop(_NOTICE, None):
        st.toast(notice)
    latest = edits.latest_edit(library)
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=latest is None,
        help=f"Undo: {escape_markdown(latest)}" if latest else "Nothing to undo",
        shortcut="Ctrl+Z",
        on_click=_undo,
        args=(on_undo,),
    )


def _undo(on_undo: Callable[[], None]) -> None:
    done = edits.undo(get_gallery().library)
    if done is not None:
        st.session_state[_NOTICE] = f"Undone: {escape_markdown(done.description)}."
        on_undo()
