"""The rules in their order: what each does, what it did lately, and buttons to change it."""

import datetime
from collections.abc import Sequence
from functools import partial

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.sections.rules.dry_run_panel import dry_run_panel
from pages.sections.rules.rule_form import rule_form
from pages.sections.rules.rule_page import EDITED_KEY, TRIED_KEY, change_rules, open_rule
from pages.state.session import get_gallery
from scene_model.library.rules.rule_rows import Rule, delete_rule, move_rule, pause_rule
from scene_model.library.rules.run_rows import count_by_rule


def rule_list(rules: Sequence[Rule]) -> None:
    """Show the rules; the one that is open has its dry run or its form below it."""
    library = get_gallery().library
    today = count_by_rule(library, since=datetime.date.today().isoformat())
    ever = count_by_rule(library)
    for place, rule in enumerate(rules):
        with st.container(border=True, key=f"rule_{rule.id}"):
            _rule(rule, place, len(rules), today.get(rule.id, 0), ever.get(rule.id, 0))
        if st.session_state.get(TRIED_KEY) == rule.id:
            dry_run_panel(rule)
        elif st.session_state.get(EDITED_KEY) == rule.id:
            rule_form(rule)


def _rule(rule: Rule, place: int, rule_count: int, today: int, ever: int) -> None:
    words = escape_markdown(rule.words)
    st.markdown(
        f"**{place + 1}. {escape_markdown(rule.name)}** {_state(rule)}  \n"
        f"Photos that match `{rule.query.replace('`', ' ')}`: {words}"
    )
    if rule.pause_reason is not None:
        st.warning(
            f"Paused itself: {escape_markdown(rule.pause_reason)} Photos that came in since were "
            "not handled. Edit the rule, or try it again.",
            icon=":material/warning:",
        )
    st.caption(_did(today, ever))
    with st.container(horizontal=True):
        _main_buttons(rule)
        _order_buttons(rule, place, rule_count)
        _button("Delete", ":material/delete:", "delete", rule, partial(_delete, rule))


def _main_buttons(rule: Rule) -> None:
    _button("Try", ":material/visibility:", "try", rule, partial(open_rule, TRIED_KEY, rule.id))
    if rule.is_active:
        _button("Pause", ":material/pause:", "pause", rule, partial(_pause, rule))
    _button("Edit", ":material/edit:", "edit", rule, partial(open_rule, EDITED_KEY, rule.id))


def _order_buttons(rule: Rule, place: int, rule_count: int) -> None:
    up, down = partial(_move, rule, place - 1), partial(_move, rule, place + 1)
    _button("Earlier", ":material/arrow_upward:", "up", rule, up, is_disabled=place == 0)
    is_last = place == rule_count - 1
    _button("Later", ":material/arrow_downward:", "down", rule, down, is_disabled=is_last)


def _button(
    label: str,
    icon: str,
    key: str,
    rule: Rule,
    on_click: partial[None],
    is_disabled: bool = False,
) -> None:
    st.button(
        label,
        icon=icon,
        key=f"{key}_rule_{rule.id}",
        on_click=on_click,
        disabled=is_disabled,
        type="tertiary",
        help=f"{label}: {escape_markdown(rule.name)}",
    )


def _state(rule: Rule) -> str:
    return ":green-badge[active]" if rule.is_active else ":gray-badge[paused]"


def _did(today: int, ever: int) -> str:
    if not ever:
        return "It has not changed any photo yet."
    lately = f"Changed {counted(today, 'photo')} today" if today else "Changed no photo today"
    return f"{lately}, {counted(ever, 'photo')} in all."


def _pause(rule: Rule) -> None:
    def pause() -> str:
        pause_rule(get_gallery().library, rule.id)
        return f"Rule “{rule.name}” is paused. Photos that come in stay as they are."

    change_rules(pause)


def _move(rule: Rule, to: int) -> None:
    def move() -> None:
        move_rule(get_gallery().library, rule.id, to)

    change_rules(move)


def _delete(rule: Rule) -> None:
    def delete() -> str:
        delete_rule(get_gallery().library, rule.id)
        return f"Rule “{rule.name}” deleted. What it did stays; undo it below."

    change_rules(delete)
