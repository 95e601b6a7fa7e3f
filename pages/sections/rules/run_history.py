"""What the rules did, the newest first, each with an Undo of its own."""

import datetime

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.sections.rules.rule_page import change_rules
from pages.state.session import get_gallery, get_services
from scene_model.library.rules.run_files import FileState
from scene_model.library.rules.run_rows import (
    RuleRun,
    copies_in_words,
    latest_runs,
    sidecars_in_words,
)

_STEP, _SHOWN_KEY = 20, "rule_runs_shown"


def run_history() -> None:
    """Show the latest runs; without any, nothing."""
    shown = int(st.session_state.get(_SHOWN_KEY, _STEP))
    runs = latest_runs(get_gallery().library, shown + 1)
    if not runs:
        return
    st.header("What the rules did")
    for run in runs[:shown]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_line(run), width="stretch")
            if run.can_undo or FileState.UNDOING in (run.copy_state, run.sidecar_state):
                st.button(
                    "Undo",
                    icon=":material/undo:",
                    key=f"undo_run_{run.id}",
                    on_click=_undo,
                    args=(run,),
                    help="Takes back what this run did. What you changed since stays.",
                )
    if len(runs) > shown:
        st.button("Show earlier runs", on_click=_show_more, args=(shown,), key="more_rule_runs")


def _line(run: RuleRun) -> str:
    at = datetime.datetime.fromisoformat(run.at).astimezone()
    on_all = " (run on all photos)" if run.is_on_all else ""
    undone = " :gray-badge[undone]" if run.is_undone else ""
    copies = copies_in_words(run)
    what_of = f"  \nCopies: {escape_markdown(copies)}" if copies else ""
    if sidecars := sidecars_in_words(run):
        what_of += f"  \nSidecars: {escape_markdown(sidecars)}"
    return (
        f"**{escape_markdown(run.rule_name)}**{on_all}: {escape_markdown(run.words)}, "
        f"{counted(run.photo_count, 'photo')}{undone}{what_of}  \n{at:%Y-%m-%d %H:%M}"
    )


def _undo(run: RuleRun) -> None:
    def undo() -> str:
        undone = get_services().rules.undo(run.id)
        text = (
            f"Undone: rule “{run.rule_name}”, {counted(undone.photo_count, 'photo')} changed back"
        )
        if undone.run.copy_state is not None:
            copies = "copy" if undone.copy_count == 1 else "copies"
            text += f", {undone.copy_count:,} {copies} removed"
        if undone.run.sidecar_state is not None:
            text += f", {counted(undone.sidecar_count, 'sidecar')} removed"
        return f"{text}."

    change_rules(undo)


def _show_more(shown: int) -> None:
    st.session_state[_SHOWN_KEY] = shown + _STEP
