"""Clutter: screenshots, documents and failed shots, by kind, to be set apart from the photos."""

import streamlit as st

from pages.sections.clutter.clutter_groups import set_all_apart, show_group
from pages.sections.messages import counted, show_error
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.clutter.clutter_rows import (
    ClutterGroup,
    clutter_groups,
    count_unjudged,
    judge_unjudged,
)

_STYLE = ".clutter-card {font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere}"
_PROPOSED, _APART = "proposed", "apart"
_SHOWN_KEY = "clutter_shown"


def _page() -> None:
    library = get_gallery().library
    head, tools = st.columns([3, 1], vertical_alignment="bottom")
    with head:
        st.title("Clutter")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        undo_button()
    if not library.count():
        st.info("No photos yet. Add some on the Classify page.", icon=":material/inventory_2:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    st.html(f"<style>{_STYLE}</style>")
    st.caption(
        "Screenshots, documents, memes and failed shots. What you set apart leaves the timeline of "
        "the gallery. It stays in the library, in albums and trips, in searches and in exports."
    )
    _judge()
    groups = clutter_groups(library.database)
    proposed = [group for group in groups if not group.is_apart]
    apart = [group for group in groups if group.is_apart]
    names = {_PROPOSED: f"Proposed ({_count(proposed):,})", _APART: f"Apart ({_count(apart):,})"}
    st.session_state.setdefault(_SHOWN_KEY, _APART if apart and not proposed else _PROPOSED)
    shown = st.segmented_control(
        "Show",
        list(names),
        format_func=lambda name: names[name],
        key=_SHOWN_KEY,
        required=True,
        label_visibility="collapsed",
    )
    if shown == _APART:
        _apart(apart)
    else:
        _proposed(proposed, bool(apart))


def _judge() -> None:
    """Judge the photos of earlier versions, if the background has not done so yet."""
    database = get_gallery().library.database
    missing = count_unjudged(database)
    if missing:
        bar = st.progress(0.0, f"Looking for clutter in {counted(missing, 'photo')} …")
        for done in judge_unjudged(database):
            bar.progress(min(1.0, done / missing))
        bar.empty()


def _proposed(groups: list[ClutterGroup], has_apart: bool) -> None:
    if not groups:
        text = "No more proposals." if has_apart else "No photo looks like clutter."
        st.success(text, icon=":material/check_circle:")
        return
    if len(groups) > 1:
        st.button(
            f"Set all {_count(groups):,} apart",
            icon=":material/done_all:",
            type="primary",
            key="all_apart",
            on_click=set_all_apart,
            args=(groups,),
            help="Look through them first. You can undo this; nothing is deleted.",
        )
    for group in groups:
        show_group(group)


def _apart(groups: list[ClutterGroup]) -> None:
    if not groups:
        st.info("No photo is apart.", icon=":material/inventory_2:")
    for group in groups:
        show_group(group)


def _count(groups: list[ClutterGroup]) -> int:
    return sum(len(group.photo_ids) for group in groups)


try:
    _page()
except SceneError as error:
    show_error(error)
