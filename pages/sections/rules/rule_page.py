"""What the sections of the page Rules share: making a change, and which rule is open."""

from collections.abc import Callable

import streamlit as st

from pages.sections.messages import error_markdown
from pages.sections.undo_button import note_text
from scene_model.errors import SceneError

TRIED_KEY, EDITED_KEY = "tried_rule", "edited_rule"
NEW_RULE = 0
_ERROR_KEY = "rule_error"


def change_rules(change: Callable[[], str | None]) -> bool:
    """Make a change, and note the text that it returns, or its error; returns whether it worked."""
    try:
        text = change()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
        return False
    if text is not None:
        note_text(text)
    return True


def show_change_error() -> None:
    """Show the error of the last change."""
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message, icon=":material/error:")


def open_rule(key: str, rule_id: int | None) -> None:
    """Open the dry run of a rule (TRIED_KEY) or its form (EDITED_KEY), or close both."""
    st.session_state[TRIED_KEY] = st.session_state[EDITED_KEY] = None
    if rule_id is not None:
        st.session_state[key] = rule_id
