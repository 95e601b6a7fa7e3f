"""The least certain photos one by one: a key accepts, a key corrects, a key skips."""

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.photo_view import class_choices, picture
from pages.sections.problem import show_problem, told
from pages.sections.thresholds import show_thresholds
from pages.sections.undo_button import undo_button
from pages.state.session import get_gallery, get_services
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.errors import SceneError
from scene_model.learning.review_queue import ReviewItem, review_queue
from scene_model.library.records import PhotoRecord

_QUEUE, _SEEN, _DECIDED = "review_queue", "review_seen", "review_decided"
_OTHER = "review_other"


def _page() -> None:
    st.title("Review")
    if not get_gallery().library.count():
        st.info("No photos yet. Drop some on the first page.", icon=":material/rule:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    one_by_one, thresholds = st.tabs(
        ["One by one", "Threshold"], on_change="rerun", key="review_tabs"
    )
    if thresholds.open:
        with thresholds:
            show_thresholds()
    else:
        with one_by_one:
            _one_by_one()


# A key draws this part alone anew: the next photo is there in half the time.
@st.fragment
def _one_by_one() -> None:
    if _QUEUE not in st.session_state:
        services = get_services()
        with st.spinner("Looking for photos that nothing is sure of …"):
            st.session_state[_QUEUE] = review_queue(services.library, services.classifier)
        st.session_state[_SEEN], st.session_state[_DECIDED] = 0, []
    queue: list[ReviewItem] = st.session_state[_QUEUE]
    item, photo = _next(queue)
    if item is None or photo is None:
        st.success("Nothing left to review.", icon=":material/check_circle:")
        with st.container(horizontal=True):
            st.button(
                "Look again",
                icon=":material/refresh:",
                help="Skipped photos come back",
                on_click=lambda: st.session_state.pop(_QUEUE),
            )
            undo_button(_step_back)
        return
    seen = int(st.session_state[_SEEN])
    st.progress(seen / len(queue), f"{seen:,} of {len(queue):,} looked at")
    left, right = st.columns([3, 2])
    with left:
        picture(photo)
        st.caption(escape_markdown(photo.name))
    with right:
        _decisions(item, photo)
    _load_ahead(queue[seen + 1 : seen + 4])


def _next(queue: list[ReviewItem]) -> tuple[ReviewItem | None, PhotoRecord | None]:
    """The first photo of the queue that is still there; what went meanwhile is passed over."""
    library = get_gallery().library
    while int(st.session_state[_SEEN]) < len(queue):
        item = queue[int(st.session_state[_SEEN])]
        found = list(library.records([item.photo_id]))
        if found and found[0].trashed_at is None:
            return item, found[0]
        st.session_state[_SEEN] += 1
    return None, None


def _decisions(item: ReviewItem, photo: PhotoRecord) -> None:
    names = get_gallery().vocabulary
    is_unsure = photo.photo_class == UNSURE_CLASS
    proposed = item.choices[0] if is_unsure else photo.photo_class
    st.markdown(f"### {escape_markdown(names.display_name(proposed))}?")
    st.caption(f"Here because {item.reason}.")
    with st.container(horizontal=True):
        st.button(
            "Accept",
            key="review_accept",
            icon=":material/check:",
            type="primary",
            shortcut="A",
            on_click=_decide,
            args=(photo.id, proposed),
        )
        st.button(
            "Skip", key="review_skip", icon=":material/skip_next:", shortcut="S", on_click=_advance
        )
        undo_button(_step_back)
    others = [label for label in item.choices if label != proposed]
    st.markdown("No, it is")
    with st.container(horizontal=True):
        for number, label in enumerate(others, 1):
            st.button(
                escape_markdown(names.display_name(label)),
                key=f"review_choice_{number}",
                shortcut=str(number),
                on_click=_decide,
                args=(photo.id, label),
            )
    st.selectbox(
        "Something else",
        class_choices(),
        index=None,
        format_func=names.display_name,
        accept_new_options=True,
        placeholder="Choose or type",
        key=_OTHER,
        on_change=_decide_typed,
        args=(photo.id,),
    )


def _decide_typed(photo_id: str) -> None:
    if chosen := st.session_state[_OTHER]:
        st.session_state[_OTHER] = None
        _decide(photo_id, chosen)


def _decide(photo_id: str, label: str) -> None:
    try:
        get_gallery().set_class([photo_id], label)
    except SceneError as error:
        st.toast(told(error))
        return
    st.session_state[_DECIDED].append(st.session_state[_SEEN])
    _advance()


def _step_back() -> None:
    """Show the photo again whose answer was taken back."""
    if st.session_state[_DECIDED]:
        st.session_state[_SEEN] = st.session_state[_DECIDED].pop()


def _advance() -> None:
    st.session_state[_SEEN] = int(st.session_state[_SEEN]) + 1


def _load_ahead(items: list[ReviewItem]) -> None:
    """Let the browser fetch the next pictures while this one is looked at."""
    images = "".join(
        f'<img src="/api/photos/{item.photo_id}/preview" alt="" aria-hidden="true" '
        'style="position:absolute;width:1px;height:1px;opacity:0">'
        for item in items
    )
    st.html(f'<div style="position:relative;height:0;overflow:hidden">{images}</div>')


try:
    _page()
except SceneError as error:
    show_problem(error)
