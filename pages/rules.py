"""The page Rules: what happens from now on with photos that come in."""

import streamlit as st

from pages.sections.messages import show_error
from pages.sections.rules.rule_form import rule_form
from pages.sections.rules.rule_list import rule_list
from pages.sections.rules.rule_page import EDITED_KEY, NEW_RULE, open_rule, show_change_error
from pages.sections.rules.run_history import run_history
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.rules.rule_rows import all_rules

_HOW = """
Rules run on photos that come in, in this order, once the photos are tagged and their places and
trips are known. Each rule handles each photo once, and sees what the rules before it did. What a
rule changes never starts a rule. Where two rules disagree on a class or a rating, the first in the
order decides, and what a rule has set already stays. What you decided yourself, no rule changes.
"""


def _page() -> None:
    st.title("Rules")
    st.caption("What happens from now on with photos that come in.")
    show_change_error()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "New rule",
            icon=":material/add:",
            type="primary",
            on_click=open_rule,
            args=(EDITED_KEY, NEW_RULE),
            key="new_rule",
        )
        undo_button()
    rules = all_rules(get_gallery().library)
    if st.session_state.get(EDITED_KEY) == NEW_RULE:
        rule_form(None)
    elif not rules:
        st.info(
            "No rules yet. For example: photos with a dog get the tag Rex, or go into an album. "
            "Make one, look at what it would do, then make it active.",
            icon=":material/playlist_add_check:",
        )
    rule_list(rules)
    if rules:
        with st.expander("How rules work", icon=":material/help:"):
            st.markdown(_HOW)
    run_history()


try:
    _page()
except SceneError as error:
    show_error(error)
