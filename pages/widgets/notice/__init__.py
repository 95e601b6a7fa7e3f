"""A notice in a corner of the screen, with a button that undoes what it tells."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from pages.widgets.scripts import component_script, join_files

_HERE = Path(__file__).parent
_notice = st.components.v2.component(
    "scene_gallery_notice",
    css=join_files(_HERE / "notice.css"),
    js=component_script(_HERE / "notice.js"),
)


@dataclass(frozen=True)
class NoticeText:
    """What a notice says.

    number: another one for each notice. is_fresh: whether it was made a moment ago. can_undo:
    whether it has a button.
    """

    number: int
    text: str
    is_fresh: bool
    can_undo: bool


def notice(shown: NoticeText, key: str, on_undo: Callable[[], None]) -> None:
    """Show a new notice for some seconds, longer while it is pointed at or has the focus.

    on_undo: called by its button.
    """

    def receive() -> None:
        if st.session_state[key].get("undo") == shown.number:
            on_undo()

    _notice(
        key=key,
        data=asdict(shown),
        on_undo_change=receive,
    )
