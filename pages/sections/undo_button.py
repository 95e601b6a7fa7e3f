"""The Undo button, and the notice of an edit with an Undo of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.state.session import get_gallery
from pages.widgets.notice import NoticeText, notice
from scene_model.library import edits

_NOTICE, _KEY = "latest_edit_notice", "edit_notice"
_FRESH_S = 5.0


@dataclass(frozen=True)
class _Notice:
    """number: another one for each notice of the session. edit_id: of the edit it can undo.

    at_s: of the monotonic clock.
    """

    number: int
    text: str
    edit_id: int | None
    at_s: float


def note_edit(done: edits.EditResult) -> None:
    """Store the result of an edit, to be shown on the next run with a button that undoes it."""
    note_text(f"{done.description}: {counted(done.photo_count, 'photo')}.", done.edit_id)


def note_result(result: str, done: edits.EditResult | None) -> None:
    """Store that an edit was undone or redone. result: what happened to it."""
    if done is not None:
        note_text(f"{result}: {done.description}.")


def note_text(text: str, edit_id: int | None = None) -> None:
    """Store a text to be shown on the next run. edit_id: of an edit that can be undone there."""
    st.session_state[_NOTICE] = _Notice(
        _latest_notice().number + 1, text, edit_id, time.monotonic()
    )


def show_edit_notice(on_undo: Callable[[], None] = lambda: None) -> None:
    """Show the latest notice once. on_undo: called after its edit was undone."""
    latest, library = _latest_notice(), get_gallery().library
    can_undo = latest.edit_id is not None and latest.edit_id == edits.latest_edit_id(library)
    is_fresh = latest.number > 0 and time.monotonic() - latest.at_s < _FRESH_S
    shown = NoticeText(latest.number, latest.text, is_fresh, can_undo)
    notice(shown, _KEY, lambda: _undo(on_undo, latest.edit_id))


def undo_button(on_undo: Callable[[], None] = lambda: None) -> None:
    """Show the notice of an edit, and a button (Ctrl+Z) that undoes the latest edit.

    on_undo: called after an edit was undone.
    """
    show_edit_notice(on_undo)
    latest = edits.latest_edit(get_gallery().library)
    st.button(
        "Undo",
        icon=":material/undo:",
        disabled=latest is None,
        help=f"Undo: {escape_markdown(latest)}" if latest else "Nothing to undo",
        shortcut="Ctrl+Z",
        key="undo",
        on_click=_undo,
        args=(on_undo,),
    )


def _latest_notice() -> _Notice:
    latest: _Notice = st.session_state.get(_NOTICE, _Notice(0, "", None, 0.0))
    return latest


def _undo(on_undo: Callable[[], None], edit_id: int | None = None) -> None:
    done = edits.undo(get_gallery().library, edit_id)
    note_result("Undone", done)
    if done is not None:
        on_undo()
