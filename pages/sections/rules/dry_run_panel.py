"""The dry run of a rule: how many photos it would change, and which; then it can be made active."""

from typing import Any

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.sections.rules.rule_page import TRIED_KEY, change_rules, open_rule
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery, get_services
from pages.widgets.thumbnails import thumbnails
from scene_model.library.rules.dry_run import ActionPreview, DryRun
from scene_model.library.rules.rule_actions import ActionKind
from scene_model.library.rules.rule_rows import Rule
from scene_model.library.rules.run_rows import copies_in_words, sidecars_in_words

_CACHE_KEY = "rule_dry_run"
_MAX_FOLDERS = 6
_LEFT = {ActionKind.COPY: "copied before", ActionKind.SIDECAR: "handled before"}


def dry_run_panel(rule: Rule) -> None:
    """Show what a rule would do, and the buttons that make it active or run it now."""
    shown = _dry_run(rule)
    with st.container(border=True):
        if shown.failure is not None:
            st.error(f"The rule cannot run. {escape_markdown(shown.failure)}")
            _close_button(rule)
            return
        match = "matches" if shown.matching == 1 else "match"
        st.markdown(
            f"**Dry run: {counted(shown.matching, 'photo')} {match} now.** Trying changes nothing."
        )
        if shown.matching:
            lines = [
                *map(_preview_line, shown.actions),
                *_copy_lines(shown),
                *_sidecar_lines(shown),
            ]
            st.markdown("\n".join(f"- {line}" for line in lines))
            thumbnails(list(get_gallery().library.records(shown.examples)), height_rem=6)
            more = shown.matching - len(shown.examples)
            if more > 0:
                st.caption(f"and {counted(more, 'more photo')}")
        _buttons(shown)


def _dry_run(rule: Rule) -> DryRun:
    """Return the dry run of a rule; it is made again when the library changed."""
    key = (cache_key(), rule)
    cached: tuple[Any, DryRun] | None = st.session_state.get(_CACHE_KEY)
    if cached is None or cached[0] != key:
        shown = get_services().rules.dry_run(rule.id)
        cached = st.session_state[_CACHE_KEY] = (key, shown)
    return cached[1]


def _preview_line(action: ActionPreview) -> str:
    count, words = action.count, escape_markdown(action.words)
    parts = [f"{words[:1].upper()}{words[1:]}: {counted(count.changed, 'photo')}"]
    if count.by_person:
        parts.append(f"{count.by_person:,} left as you decided")
    if count.by_rules:
        parts.append(f"{count.by_rules:,} {_LEFT.get(action.kind, 'left as a rule set them')}")
    return "; ".join(parts)


def _copy_lines(shown: DryRun) -> list[str]:
    """Say how many files would go into which folders."""
    lines = []
    if shown.folders:
        by_folder = [
            f"{counted(count, 'file')} in {'the folder itself' if folder == '.' else f'`{folder}`'}"
            for folder, count in shown.folders[:_MAX_FOLDERS]
        ]
        more = len(shown.folders) - _MAX_FOLDERS
        by_folder += [f"and {counted(more, 'more folder')}"] if more > 0 else []
        lines.append("Copies: " + ", ".join(by_folder))
    if shown.in_place:
        lines.append(f"{counted(shown.in_place, 'file')} already there")
    if shown.first_reason is not None:
        reason = escape_markdown(shown.first_reason)
        lines.append(f"{counted(shown.not_copied, 'photo')} cannot be copied: {reason}")
    return lines


def _sidecar_lines(shown: DryRun) -> list[str]:
    """Say how many sidecars would be written, and which photos would get none."""
    counts = shown.sidecars
    if counts is None:
        return []
    parts = [f"Sidecars: {counts.written:,} would be written"]
    if counts.existing:
        have = "photo has" if counts.existing == 1 else "photos have"
        parts.append(f"{counts.existing:,} {have} one already, which stays")
    if counts.empty:
        have = "photo has" if counts.empty == 1 else "photos have"
        parts.append(f"{counts.empty:,} {have} no tags to write")
    if counts.stored:
        lie = "is" if counts.stored == 1 else "are"
        stored = f"{counts.stored:,} {lie} stored in the library or at URLs"
        parts.append(f"{stored}, where none are written")
    lines = ["; ".join(parts)]
    if counts.first_reason is not None:
        reason = escape_markdown(counts.first_reason)
        lines.append(f"{counted(counts.not_written, 'sidecar')} cannot be written: {reason}")
    return lines


def _buttons(shown: DryRun) -> None:
    rule = shown.rule
    with st.container(horizontal=True):
        if not rule.is_active:
            st.button(
                "Make active",
                icon=":material/play_arrow:",
                type="primary",
                on_click=_activate,
                args=(shown,),
                help="From now on the rule runs on photos that come in. Those that are here stay "
                "as they are.",
                key=f"activate_rule_{rule.id}",
            )
        st.button(
            f"Run on {counted(shown.changed, 'photo')} now",
            icon=":material/bolt:",
            disabled=not shown.changed,
            on_click=_run_now,
            args=(rule,),
            help="Runs the rule once on all photos that match now. You can undo it below.",
            key=f"run_rule_{rule.id}",
        )
        _close_button(rule)


def _close_button(rule: Rule) -> None:
    st.button(
        "Close",
        icon=":material/close:",
        type="tertiary",
        on_click=open_rule,
        args=(TRIED_KEY, None),
        key=f"close_rule_{rule.id}",
    )


def _activate(shown: DryRun) -> None:
    def activate() -> str:
        get_services().rules.activate(shown)
        return f"Rule “{shown.rule.name}” is active for photos that come in from now on."

    if change_rules(activate):
        open_rule(TRIED_KEY, None)


def _run_now(rule: Rule) -> None:
    def run() -> str:
        runs = get_services().rules.run_all([rule.id])
        count = sum(run.photo_count for run in runs)
        files = [words(run) for run in runs for words in (copies_in_words, sidecars_in_words)]
        written = "; ".join(words.rstrip(".") for words in files if words)
        done = f"Rule “{rule.name}” changed {counted(count, 'photo')}"
        if written:
            done = f"Rule “{rule.name}” handled {counted(count, 'photo')}: {written}"
        return f"{done}."

    change_rules(run)
