"""Teach a tag from a few example photos: train it, preview it, save it."""

import streamlit as st

from pages.sections.corrections import show_corrections
from pages.sections.messages import counted, error_markdown, escape_markdown, show_error
from pages.sections.word_labels import word_labels
from pages.state.session import get_gallery, get_services
from pages.state.visitor import is_shared
from pages.widgets.photo_grid import GridSelection, photo_grid
from pages.widgets.thumbnails import thumbnails
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

_CANDIDATE, _REJECTED = "teach_candidate", "teach_rejected"
_NOTICE, _ERROR = "teach_notice", "teach_error"
_MAX_PREVIEW = 36


def _page() -> None:
    st.title("Teach a tag")
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")
    st.markdown(
        f"Select {MIN_EXAMPLES} to {MAX_EXAMPLES} example photos in the gallery and enter a tag "
        "name. You see which other photos would get the tag before you save it."
    )
    _examples()
    candidate: TagCandidate | None = st.session_state.get(_CANDIDATE)
    if candidate is not None:
        _candidate_panel(candidate)
    word_labels()
    _saved_tags()
    if not is_shared():  # all visitors share one model
        show_corrections()


def _examples() -> None:
    gallery = get_gallery()
    chosen = list(gallery.library.records(gallery.selection[:MAX_EXAMPLES]))
    if not chosen:
        st.info(
            "No photos selected. Select example photos in the gallery.", icon=":material/touch_app:"
        )
        st.page_link("gallery.py", label="Select examples", icon=":material/photo_library:")
        return
    st.header(counted(len(chosen), "example"))
    if len(gallery.selection) > MAX_EXAMPLES:
        st.caption(
            f"Only the first {MAX_EXAMPLES} of {len(gallery.selection):,} selected photos are used."
        )
    thumbnails(chosen, height_rem=5)
    with st.form("teach", border=False):
        name = st.text_input("Tag name", key="teach_name", max_chars=60)
        if st.form_submit_button("Train tag", icon=":material/school:", type="primary"):
            st.session_state[_REJECTED] = []
            _train(name, [photo.id for photo in chosen], [])
            st.rerun()


def _train(name: str, examples: list[str], counterexamples: list[str]) -> None:
    services, gallery = get_services(), get_gallery()
    try:
        label = gallery.vocabulary.canonical(name)
        st.session_state[_CANDIDATE] = fit_tag(
            services.library, services.classifier, label, examples, counterexamples
        )
    except SceneError as error:
        st.session_state.pop(_CANDIDATE, None)
        st.session_state[_ERROR] = error_markdown(error)


def _candidate_panel(candidate: TagCandidate) -> None:
    figures, gallery = candidate.figures, get_gallery()
    with st.container(border=True):
        st.header(
            f"“{escape_markdown(candidate.label)}” would be added to "
            f"{counted(len(candidate.would_tag), 'more photo')}"
        )
        with st.container(horizontal=True):
            st.metric("Held-out examples tagged", f"{figures.found} of {figures.examples}")
            st.metric("Other photos tagged", f"{figures.tagged_others:,} of {figures.others:,}")
        st.caption(
            "Cross-validated: each example was tested with a head trained on the remaining "
            "examples. The other photos are the ones you did not select; some may be correct."
        )
        preview_ids = [tagged.photo_id for tagged in candidate.would_tag[:_MAX_PREVIEW]]
        if preview_ids:
            st.markdown("Select the wrong photos, then train again:")
            photo_grid(
                list(gallery.library.records(preview_ids)),
                gallery.vocabulary,
                f"teach_grid_{abs(hash((candidate.label, candidate.counterexamples)))}",
                on_open=lambda _photo_id, _opening: None,
                opens_photos=False,
                selection=GridSelection(
                    ids=st.session_state.get(_REJECTED, []),
                    on_change=lambda ids, _: st.session_state.update({_REJECTED: ids}),
                ),
            )
        else:
            st.info("No other photos would get this tag.", icon=":material/search_off:")
        rejected = list(st.session_state.get(_REJECTED, []))
        with st.container(horizontal=True):
            if st.button("Save tag", icon=":material/save:", type="primary"):
                _save(candidate)
            if st.button(
                f"Train again without {counted(len(rejected), 'photo')}",
                icon=":material/replay:",
                disabled=not rejected,
            ):
                counterexamples = [*candidate.counterexamples, *rejected]
                st.session_state[_REJECTED] = []
                _train(candidate.label, list(candidate.examples), counterexamples)
                st.rerun()
            if st.button("Discard", icon=":material/close:"):
                del st.session_state[_CANDIDATE]
                st.rerun()


def _save(candidate: TagCandidate) -> None:
    services = get_services()
    count = save_taught_tag(services.library, services.classifier, candidate)
    del st.session_state[_CANDIDATE]
    get_gallery().select([])
    st.session_state[_NOTICE] = (
        f"“{escape_markdown(candidate.label)}” was added to your {len(candidate.examples)} "
        f"examples and {counted(count, 'more photo')}. New photos will get it too."
    )
    st.rerun()


def _saved_tags() -> None:
    services = get_services()
    tags = list_taught(services.library, services.classifier, services.model.search)
    if not tags:
        return
    st.header("Your tags")
    for tag in tags:
        _saved_tag(tag)


def _saved_tag(tag: TaughtTag) -> None:
    query = f"tag:{quoted(tag.label)}"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape_markdown(tag.label)}**", width="content")
        count = get_gallery().count(query)
        caption = (
            f"{counted(count, 'photo')} · {tag.figures.found} of {tag.figures.examples} held-out "
            "examples tagged"
            if tag.sentence is None
            else f"{counted(count, 'photo')} · from the words “{escape_markdown(tag.sentence)}”"
        )
        if not tag.is_current:
            caption += " · trained for another network: train it again to tag new photos"
        st.caption(caption)
        if st.button("Show photos", key=f"show_{tag.label}", icon=":material/search:"):
            st.switch_page("search.py", query_params={"q": query})
        if st.button(
            "Delete tag",
            key=f"forget_{tag.label}",
            icon=":material/delete:",
            help="Removes the tag from the photos it was predicted for. Your examples keep it.",
        ):
            delete_taught_tag(get_services().library, tag.label)
            st.rerun()


try:
    _page()
except SceneError as error:
    show_error(error)
