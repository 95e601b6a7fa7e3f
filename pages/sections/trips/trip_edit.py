"""Make edits of trips on a page, and say what they did."""

from collections.abc import Callable

import streamlit as st

from pages.sections.messages import error_markdown
from pages.sections.undo_button import note_edit, note_text
from pages.state.address import note_action
from scene_model.errors import SceneError
from scene_model.library.edits import EditResult

PAGE = "trips"
_ERROR_KEY = "trip_error"


def edit_trips(edit: Callable[[], EditResult], then: Callable[[], None] = lambda: None) -> None:
    """Make an edit and note its result, or its error. then: called after it was made."""
    note_action(PAGE)
    try:
        done = edit()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
        return
    if done.photo_count:
        note_edit(done)
    else:  # a change of the trip alone
        note_text(f"{done.description}.", done.edit_id)
    then()


def show_edit_error() -> None:
    """Show the error of the last edit."""
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message)
