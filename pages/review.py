"""The least certain photos one by one: accept, correct or skip each with a key."""

from functools import partial

import streamlit as st

from pages.sections.label_fields import class_field
from pages.sections.messages import error_markdown, escape_markdown, show_error
from pages.sections.photo.picture import picture_size, show_picture
from pages.sections.thresholds import show_thresholds
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery, get_services
from pages.widgets.guesses import guess_text
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.errors import SceneError
from scene_model.learning.review_choices import Choice, review_choices, with_stored_guess
from scene_model.learning.review_queue import SURE, ReviewItem, review_queue
from scene_model.library.predictions import predict_stored
from scene_model.library.records import PhotoRecord
from scene_model.trips.homecoming import to_review

_QUEUE, _POSITION, _DECIDED = "review_queue", "review_position", "review_decided"
_OTHER, _OF_NEW = "review_other", "review_of_new"
# Each has a key: 1 to 4.
_MAX_OTHERS = 4


def _page() -> None:
    st.title("Review")
    if not get_gallery().library.count():
        st.info("No photos yet. Add some on the Classify page.", icon=":material/rule:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    queue_tab, threshold_tab = st.tabs(
        ["Review queue", "Threshold"], on_change="rerun", key="review_tabs"
    )
    if threshold_tab.open:
        with threshold_tab:
            show_thresholds()
    else:
        with queue_tab:
            _review_queue()


# A key reruns only this fragment, which halves the time until the next photo is shown.
@st.fragment
def _review_queue() -> None:
    is_of_new = bool(st.query_params.get("new"))
    if st.session_state.get(_OF_NEW, False) != is_of_new:
        st.session_state.pop(_QUEUE, None)
    if _QUEUE not in st.session_state:
        services = get_services()
        where = to_review() if is_of_new else None
        with st.spinner("Finding photos to review …"):
            unsure = review_queue(services.library, services.classifier, where=where)
        st.session_state[_QUEUE], st.session_state[_OF_NEW] = unsure, is_of_new
        st.session_state[_POSITION], st.session_state[_DECIDED] = 0, []
    queue: list[ReviewItem] = st.session_state[_QUEUE]
    item, photo = _next(queue)
    if item is None or photo is None:
        st.success("No photos left to review.", icon=":material/check_circle:")
        with st.container(horizontal=True):
            if is_of_new:
                _all_photos_button()
            st.button(
                "Review again",
                icon=":material/refresh:",
                help="Includes the photos you skipped",
                on_click=lambda: st.session_state.pop(_QUEUE),
            )
            undo_button(_step_back)
        return
    position = int(st.session_state[_POSITION])
    if is_of_new:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Only new photos are shown.", width="content")
            _all_photos_button()
    st.progress(position / len(queue), _progress_text(position, queue))
    left, right = st.columns([3, 2])
    with left:
        show_picture(photo)
        st.caption(escape_markdown(photo.name))
    with right:
        _decisions(item, photo)
    _preload(queue[position + 1 : position + 4])


def _progress_text(position: int, queue: list[ReviewItem]) -> str:
    """Return the position in the queue, and how many photos at its end the model is sure of."""
    sure = sum(item.reason == SURE for item in queue)
    text = f"Photo {position + 1:,} of {len(queue):,}"
    return f"{text}; the model is sure of the last {sure:,}" if 0 < sure < len(queue) else text


def _all_photos_button() -> None:
    st.button(
        "Review all photos",
        icon=":material/rule:",
        key="review_all",
        on_click=_leave_new_photos,
    )


def _leave_new_photos() -> None:
    del st.query_params["new"]


def _next(queue: list[ReviewItem]) -> tuple[ReviewItem | None, PhotoRecord | None]:
    """Return the next photo of the queue; skip those deleted or trashed in the meantime."""
    library = get_gallery().library
    while int(st.session_state[_POSITION]) < len(queue):
        item = queue[int(st.session_state[_POSITION])]
        photos = list(library.records([item.photo_id]))
        if photos and photos[0].trashed_at is None:
            return item, photos[0]
        st.session_state[_POSITION] += 1
    return None, None


def _decisions(item: ReviewItem, photo: PhotoRecord) -> None:
    names = get_gallery().vocabulary
    choices = _choices(photo)
    if photo.photo_class != UNSURE_CLASS:
        # A head was sure of the class.
        proposed: Choice | None = Choice(photo.photo_class, photo.class_score, is_sure=True)
    else:
        proposed = next((choice for choice in choices[:1] if choice.is_likely), None)
    question = f"{names.display_name(proposed.label)}?" if proposed else "What is this?"
    st.markdown(f"## {escape_markdown(question)}")
    guess = guess_text(photo, names) if proposed else ""
    reason = f"{item.reason}, {guess}" if guess else item.reason
    st.caption(f"Reason: {escape_markdown(reason)}.")
    with st.container(horizontal=True):
        if proposed is not None:
            st.button(
                "Accept",
                key="review_accept",
                icon=":material/check:",
                type="primary" if proposed.is_sure else "secondary",
                shortcut="A",
                on_click=_decide,
                args=(photo.id, proposed.label),
            )
        st.button(
            "Skip", key="review_skip", icon=":material/skip_next:", shortcut="S", on_click=_advance
        )
        undo_button(_step_back)
    _other_choices(photo, _others(choices, proposed))


def _choices(photo: PhotoRecord) -> list[Choice]:
    """Return the most probable labels; only the guess of a photo that cannot be predicted."""
    services = get_services()
    try:
        stored = predict_stored(services.library, services.classifier, photo.id)
        choices = review_choices(stored.head_predictions, services.classifier.heads)
    except SceneError:
        choices = []
    return with_stored_guess(choices, photo)


def _others(choices: list[Choice], proposed: Choice | None) -> list[str]:
    """Return the labels to offer beside the proposed one; each name once."""
    names = get_gallery().vocabulary
    labels = [proposed.label] if proposed else []
    by_name: dict[str, str] = {}
    for label in (*labels, *(choice.label for choice in choices)):
        by_name.setdefault(names.display_name(label), label)
    return list(by_name.values())[len(labels) :][:_MAX_OTHERS]


def _other_choices(photo: PhotoRecord, labels: list[str]) -> None:
    names = get_gallery().vocabulary
    st.markdown("Or choose another class:")
    with st.container(horizontal=True):
        for number, label in enumerate(labels, 1):
            st.button(
                escape_markdown(names.display_name(label)),
                key=f"review_choice_{number}",
                shortcut=str(number),
                on_click=_decide,
                args=(photo.id, label),
            )
    class_field("Other class", _OTHER, partial(_decide, photo.id))


def _decide(photo_id: str, label: str) -> None:
    try:
        get_gallery().set_class([photo_id], label)
    except SceneError as error:
        st.toast(error_markdown(error))
        return
    st.session_state[_DECIDED].append(st.session_state[_POSITION])
    _advance()


def _step_back() -> None:
    """Show the photo again whose decision was undone."""
    if st.session_state[_DECIDED]:
        st.session_state[_POSITION] = st.session_state[_DECIDED].pop()


def _advance() -> None:
    st.session_state[_POSITION] = int(st.session_state[_POSITION]) + 1


def _preload(items: list[ReviewItem]) -> None:
    """Make the browser load the next pictures while the current one is reviewed."""
    photos = get_gallery().library.records(item.photo_id for item in items)
    images = "".join(
        f'<img src="/api/photos/{photo.id}/{picture_size(photo)}" alt="" aria-hidden="true" '
        'style="position:absolute;width:1px;height:1px;opacity:0">'
        for photo in photos
    )
    st.html(f'<div style="position:relative;height:0;overflow:hidden">{images}</div>')


try:
    _page()
except SceneError as error:
    show_error(error)
