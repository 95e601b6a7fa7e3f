"""What went wrong, in words for whoever looks at the page."""

import streamlit as st

from pages.state.session import get_settings
from scene_model.errors import SceneError
from scene_model.jobs.job import Skipped


def told(error: SceneError | Skipped) -> str:
    """What went wrong; visitors of a shared server are not told where things lie on its disk."""
    # Only then: the error may be that the settings cannot be read.
    has_places = error.message_outside != error.message
    return error.message_outside if has_places and get_settings().is_shared else error.message


def show_problem(error: SceneError) -> None:
    """Show an error in its place on the page."""
    st.error(told(error), icon=":material/error:")
