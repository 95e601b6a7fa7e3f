"""A tag of one's own from a few examples: learned in seconds, tried before it is kept."""

import streamlit as st

from pages.sections.corrections import show_corrections
from pages.sections.escape_markdown import escape_markdown
from pages.sections.problem import show_problem, told
from pages.sections.thumbnails import thumbnails
from pages.state.session import get_gallery, get_services
from pages.state.visitor import is_shared
from pages.widgets.photo_grid import Selecting, photo_grid
from scene_model.classifier.taught_head import MAX_EXAMPLES, MIN_EXAMPLES
from scene_model.errors import SceneError
from scene_model.learning.taught_tags import (
    TagCandidate,
    TaughtTag,
    delete_taught_tag,
    fit_tag,
    list_taught,
    save_taught_tag,
)
from scene_model.search.query_tree import quoted

_LESSON, _WRONG, _NOTICE, _PROBLEM = (
    *("teach_lesson", "teach_wrong", "teach_notice", "teach_problem"),
)
_SHOWN = 36


def _page() -> None:
    st.title("Teach a tag")
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(problem, icon=":material/error:")
    st.markdown(
        f"Select {MIN_EXAMPLES} to {MAX_EXAMPLES} photos in the gallery that show what you mean, "
        "give it a name, and see which others would be tagged before anything is saved."
    )
    _examples()
    candidate: TagCandidate | None = st.session_state.get(_LESSON)
    if candidate is not None:
        _lesson(candidate)
    _taught()
    if not is_shared():  # all visitors are answered by one model
        show_corrections()


def _examples() -> None:
    gallery = get_gallery()
    chosen = list(gallery.library.records(gallery.selection[:MAX_EXAMPLES]))
    if not chosen:
        st.info("No photo is selected.", icon=":material/touch_app:")
        st.page_link("gallery.py", label="Select examples", icon=":material/photo_library:")
        return
    st.subheader(f"{len(chosen)} example{'' if len(chosen) == 1 else 's'}")
    if len(gallery.selection) > MAX_EXAMPLES:
        st.caption(f"Of the {len(gallery.selection):,} selected, the first {MAX_EXAMPLES} count.")
    thumbnails(chosen, height_rem=5)
    with st.form("teach", border=False):
        name = st.text_input("Name of the tag", key="teach_name", max_chars=60)
        if st.form_submit_button("Learn", icon=":material/school:", type="primary"):
            st.session_state[_WRONG] = []
            _learn(name, [photo.id for photo in chosen], [])
            st.rerun()


def _learn(name: str, examples: list[str], wrong: list[str]) -> None:
    services, gallery = get_services(), get_gallery()
    try:
        label = gallery.vocabulary.canonical(name)
        st.session_state[_LESSON] = fit_tag(
            services.library, services.classifier, label, examples, wrong
        )
    except SceneError as error:
        st.session_state.pop(_LESSON, None)
        st.session_state[_PROBLEM] = told(error)


def _lesson(candidate: TagCandidate) -> None:
    told, gallery = candidate.figures, get_gallery()
    with st.container(border=True):
        st.subheader(
            f"“{escape_markdown(candidate.label)}” would be on {len(candidate.would_tag):,} "
            "more photos"
        )
        with st.container(horizontal=True):
            st.metric("Left-out examples found", f"{told.found} of {told.examples}")
            st.metric("Others tagged", f"{told.tagged_others:,} of {told.others:,}")
        st.caption(
            "Cross-validated: each example was held back in turn, and a head that never saw it was "
            "asked. The others are photos you did not point at; some may well show it."
        )
        shown = [one.photo_id for one in candidate.would_tag[:_SHOWN]]
        if shown:
            st.markdown("Mark those that are wrong, and learn again:")
            photo_grid(
                list(gallery.library.records(shown)),
                gallery.vocabulary,
                f"teach_grid_{abs(hash((candidate.label, candidate.counterexamples)))}",
                on_open=lambda _: None,
                selecting=Selecting(
                    ids=st.session_state.get(_WRONG, []),
                    on_change=lambda ids, _: st.session_state.update({_WRONG: ids}),
                ),
            )
        else:
            st.info("No other photo would be tagged.", icon=":material/search_off:")
        wrong = list(st.session_state.get(_WRONG, []))
        with st.container(horizontal=True):
            if st.button("Save the tag", icon=":material/save:", type="primary"):
                _save(candidate)
            if st.button(
                f"Learn again without {len(wrong)}", icon=":material/replay:", disabled=not wrong
            ):
                refused = [*candidate.counterexamples, *wrong]
                st.session_state[_WRONG] = []
                _learn(candidate.label, list(candidate.examples), refused)
                st.rerun()
            if st.button("Discard", icon=":material/close:"):
                del st.session_state[_LESSON]
                st.rerun()


def _save(candidate: TagCandidate) -> None:
    services = get_services()
    count = save_taught_tag(services.library, services.classifier, candidate)
    del st.session_state[_LESSON]
    get_gallery().select([])
    st.session_state[_NOTICE] = (
        f"“{escape_markdown(candidate.label)}” is on your {len(candidate.examples)} examples and "
        f"{count:,} more photos, and will be on new ones."
    )
    st.rerun()


def _taught() -> None:
    services = get_services()
    tags = list_taught(services.library, services.classifier)
    if not tags:
        return
    st.subheader("What you taught")
    for tag in tags:
        _taught_tag(tag)


def _taught_tag(tag: TaughtTag) -> None:
    query = f"tag:{quoted(tag.label)}"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_markdown(tag.label)}**", width="content")
        count = get_gallery().count(query)
        told = f"{count:,} photos · {tag.figures.found} of {tag.figures.examples} examples found"
        if not tag.is_current:
            told += " · taught on another network: teach it again to tag new photos"
        st.caption(told)
        if st.button("Show", key=f"show_{tag.label}", icon=":material/search:"):
            st.switch_page("search.py", query_params={"q": query})
        if st.button(
            "Forget",
            key=f"forget_{tag.label}",
            icon=":material/delete:",
            help="What it said of photos goes; the tags on your examples stay",
        ):
            delete_taught_tag(get_services().library, tag.label)
            st.rerun()


try:
    _page()
except SceneError as error:
    show_problem(error)
