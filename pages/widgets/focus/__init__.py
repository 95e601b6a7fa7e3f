"""Keep the keyboard's place after an action that takes away the button that had the focus."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.widgets.scripts import component_script

_focus = st.components.v2.component(
    "scene_gallery_focus", js=component_script(Path(__file__).parent / "focus.js")
)


def restore_focus(key: str, action: int, selectors: Sequence[str]) -> None:
    """Give the focus to the first element there is, if an action has left it nowhere.

    action: another number after each such action. selectors: of CSS;
    "outer >>> inner" finds an element in a component of ours.
    """
    _focus(key=key, data={"number": action, "selectors": list(selectors)})
