"""What the pages that edit photos share: what became of an edit, and a way back."""

from collections.abc import Callable

import streamlit as st

from pages.state.session import get_gallery
from scene_model.library import edits

_NOTICE = "edit_notice"


def say(done: edits.EditDone) -> None:
    """Tell of an edit on the next run."""
    photos = "photo" if done.photo_count == 1 else "photos"
    st.session_state[_NOTICE] = f"{done.description}: {done.photo_count:,} {photos}."


def undo_button(after: Callable[[], None] = lambda: None) -> None:
    """Show what an edit did, and a button (or Ctrl+Z) that takes the latest back.

    after: what the page does then.
    """
    library = get_gallery().library
    if notice := st.session_state.pop(_NOTICE, None):
        st.toast(notice)
    latest = edits.latest_edit(library)
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=latest is None,
        help=f"Take back: {latest}" if latest else "Nothing to take back",
        shortcut="Ctrl+Z",
        on_click=_undo,
        args=(after,),
    )


def _undo(after: Callable[[], None]) -> None:
    done = edits.undo(get_gallery().library)
    if done is not None:
        st.session_state[_NOTICE] = f"Taken back: {done.description}."
        after()
