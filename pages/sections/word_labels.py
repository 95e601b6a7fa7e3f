"""Tags from words: type some, see what the search model would tag, save those that fit."""

import re

import streamlit as st

from pages.sections.messages import counted, error_markdown, escape_markdown
from pages.state.session import get_gallery, get_services
from pages.widgets.thumbnails import thumbnails
from scene_model.classifier.text.search_model import SearchModel
from scene_model.errors import SceneError
from scene_model.learning.word_labels import WordLabel, propose_labels, save_labels

_PROPOSALS, _NOTICE, _ERROR = "word_proposals", "word_notice", "word_error"
_SHOWN_PHOTOS = 8


def word_labels() -> None:
    """Show the section; nothing without a model that reads sentences."""
    model = get_services().model.search
    if model is None:
        return
    st.header("Tags from words")
    if notice := st.session_state.pop(_NOTICE, None):
        st.success(notice, icon=":material/check_circle:")
    if message := st.session_state.pop(_ERROR, None):
        st.error(message, icon=":material/error:")
    st.markdown(
        "No examples needed: the search model compares photos with each word. You see what each "
        "would tag before you save it."
    )
    with st.form("words", border=False):
        typed = st.text_area(
            "Words or short phrases, one a line",
            key="words_typed",
            placeholder="birthday cake\nsailing boat\nwhiteboard",
            height=110,
        )
        if st.form_submit_button("Show what they would tag", icon=":material/label:"):
            _propose(model, typed)
    for number, proposal in enumerate(st.session_state.get(_PROPOSALS, [])):
        _proposal(proposal, number)
    if st.session_state.get(_PROPOSALS):
        _save_buttons(model)


def _propose(model: SearchModel, typed: str) -> None:
    words = [word.strip() for word in re.split(r"[\n,;]", typed) if word.strip()]
    labels = [get_gallery().vocabulary.canonical(word) for word in words]
    try:
        st.session_state[_PROPOSALS] = propose_labels(get_services().library, model, labels)
    except SceneError as error:
        st.session_state.pop(_PROPOSALS, None)
        st.error(error_markdown(error), icon=":material/error:")
        return
    if not words:
        st.info("Type a word first.", icon=":material/edit:")


def _proposal(proposal: WordLabel, number: int) -> None:
    vocabulary = get_gallery().vocabulary
    name = escape_markdown(vocabulary.display_name(proposal.label))
    count = len(proposal.would_tag)
    with st.container(border=True):
        st.checkbox(
            f"**{name}**: {counted(count, 'photo')}",
            value=count > 0,
            key=_key(number, proposal),
            disabled=not count,
        )
        st.caption(_precision(proposal))
        if count:
            ids = [match.photo_id for match in proposal.would_tag[:_SHOWN_PHOTOS]]
            thumbnails(list(get_gallery().library.records(ids)), height_rem=5)
            low, high = proposal.would_tag[-1].probability, proposal.would_tag[0].probability
            st.caption(f"The best match comes first. Scores from {high:.0%} to {low:.0%}.")


def _precision(proposal: WordLabel) -> str:
    if not proposal.would_tag:
        return "No photo matches this word."
    if not proposal.decided:
        return "You have not decided about any of these photos, so the precision is unknown."
    return (
        f"Precision {proposal.right / proposal.decided:.0%}: right on {proposal.right:,} of the "
        f"{counted(proposal.decided, 'photo')} that you decided about."
    )


def _save_buttons(model: SearchModel) -> None:
    proposals: list[WordLabel] = st.session_state[_PROPOSALS]
    chosen = [
        proposal
        for number, proposal in enumerate(proposals)
        if st.session_state.get(_key(number, proposal)) and proposal.would_tag
    ]
    with st.container(horizontal=True):
        if st.button(
            f"Save {counted(len(chosen), 'tag')}",
            key="save_words",
            icon=":material/save:",
            type="primary",
            disabled=not chosen,
        ):
            _save(model, chosen)
        if st.button("Discard", key="discard_words", icon=":material/close:"):
            del st.session_state[_PROPOSALS]
            st.rerun()


def _save(model: SearchModel, chosen: list[WordLabel]) -> None:
    try:
        count = save_labels(get_services().library, model, chosen)
    except SceneError as error:
        st.session_state[_ERROR] = error_markdown(error)
    else:
        del st.session_state[_PROPOSALS]
        st.session_state[_NOTICE] = (
            f"{counted(len(chosen), 'tag')} saved: {counted(count, 'photo')} tagged. New photos "
            "will get them too."
        )
    st.rerun()


def _key(number: int, proposal: WordLabel) -> str:
    return f"word_{number}_{proposal.label}"
