"""One photo shown: the picture, its class and tags to correct, every score, its EXIF."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from pages.sections.escape_markdown import escape_markdown
from pages.sections.photo_facts import facts, head_name, provenance
from pages.sections.problem import show_problem, told
from pages.sections.score_bars import score_tabs
from pages.state.session import get_gallery, get_services
from pages.widgets.photo_grid import describe
from scene_model.classifier.classify import HeadPredictions
from scene_model.classifier.labels import HUMAN, NONE, UNSURE_CLASS
from scene_model.errors import PhotoNotFound, SceneError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord

__all__ = [
    "OPEN_KEY",
    "PlaceInQuery",
    "answers_or_reason",
    "class_choices",
    "head_name",
    "is_photo_open",
    "open_photo",
    "picture",
    "score_tabs",
    "show_open_photo",
    "tag_choices",
]

OPEN_KEY, _PLACE_KEY = "open_photo", "open_photo_place"


@dataclass(frozen=True)
class PlaceInQuery:
    """Where a photo stands among those of a query, in the session's order; index from 0."""

    query: str
    index: int


_Goal = tuple[str, PlaceInQuery]


def open_photo(photo_id: str, place: PlaceInQuery | None = None) -> None:
    """Open a photo's dialog on this run and on those after, until it is closed.

    place: lets the visitor walk on to the photos beside it.
    """
    st.session_state[OPEN_KEY] = photo_id
    st.session_state[_PLACE_KEY] = place


def is_photo_open() -> bool:
    """Tell whether the dialog covers the page, whose keys must then rest."""
    return st.session_state.get(OPEN_KEY) is not None or "photo" in st.query_params


def show_open_photo() -> None:
    """Show the dialog when a photo is open, by click or by ``?photo=ID`` in the address."""
    linked = st.query_params.get("photo")
    if linked:
        del st.query_params["photo"]
        open_photo(linked)
    if st.session_state.get(OPEN_KEY) is not None:
        _dialog()


def picture(photo: PhotoRecord, size: str = "preview") -> None:
    """Show the photo's picture by its URL; Streamlit keeps no copy of it."""
    alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
    st.html(
        f'<img src="/api/photos/{photo.id}/{size}" alt="{alt}" style="width:100%;'
        'max-height:60vh;object-fit:contain;border-radius:.6rem;background:rgba(128,128,128,.12)">'
    )


def answers_or_reason(photo: PhotoRecord) -> HeadPredictions | None:
    """What the model in use says of a photo; None, with the reason shown, when it cannot look."""
    services = get_services()
    try:
        answers = services.predict_stored(photo.id)
    except PhotoNotFound:
        raise
    except SceneError as error:
        st.info(f"The scores cannot be shown. {told(error)}", icon=":material/info:")
        return None
    if photo.bundle != services.classifier.bundle_id:
        st.caption(
            f"Tagged by `{photo.bundle}`; the scores are those of the model in use. "
            "The model page can tag it again."
        )
    return answers


def _close() -> None:
    st.session_state.pop(OPEN_KEY, None)
    st.session_state.pop(_PLACE_KEY, None)


@st.dialog("Photo", width="large", on_dismiss=_close)
def _dialog() -> None:
    # Read anew on each run of the dialog alone: it walks from photo to photo.
    photo_id = st.session_state.get(OPEN_KEY)
    if photo_id is None:
        st.rerun()  # the last one here went to the trash: nothing is left to show
    try:
        photo = get_gallery().library.photo(photo_id)
    except SceneError as error:
        show_problem(error)
        return
    _walk_buttons(photo)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        picture(photo)
        _file_buttons(photo)
    with right:
        # Each with a place of its own: what is open below stays open whatever they grow by.
        for part in (_class_editor, _tag_editor, _albums):
            with st.container():
                part(photo)
        with st.expander("Who said so", icon=":material/fact_check:"):
            provenance(photo)
        with st.expander("About this photo", icon=":material/info:"):
            facts(photo)
    answers = answers_or_reason(photo)
    if answers is not None:
        score_tabs(answers)


def _walk_buttons(photo: PhotoRecord) -> None:
    place: PlaceInQuery | None = st.session_state.get(_PLACE_KEY)
    with st.container(horizontal=True, vertical_alignment="center"):
        if place is not None:
            before, after = _neighbours(photo.id, place)
            for label, goal, icon, key in (
                ("Previous", before, ":material/arrow_back:", "Left"),
                ("Next", after, ":material/arrow_forward:", "Right"),
            ):
                st.button(
                    label,
                    icon=icon,
                    shortcut=key,
                    disabled=goal is None,
                    on_click=_go_to,
                    args=(goal,),
                    key=f"walk_{label.lower()}",
                )
        st.text(photo.name, width="content")


def _neighbours(photo_id: str, place: PlaceInQuery) -> tuple[_Goal | None, _Goal | None]:
    """The photos before and after; right too when this one left the query by what was changed."""
    gallery = get_gallery()
    is_still_there = gallery.id_at(place.index, place.query) == photo_id
    goals = (place.index - 1, place.index + 1 if is_still_there else place.index)
    found = [(gallery.id_at(index, place.query), index) for index in goals]
    before, after = ((i, PlaceInQuery(place.query, index)) if i else None for i, index in found)
    return before, after


def _go_to(goal: _Goal) -> None:
    open_photo(*goal)


def _file_buttons(photo: PhotoRecord) -> None:
    with st.container(horizontal=True):
        st.link_button(
            "Download original",
            f"/api/photos/{photo.id}/original",
            icon=":material/download:",
        )
        if st.button("Similar", icon=":material/image_search:", key="dialog_similar"):
            _close()
            st.switch_page("search.py", query_params={"like": photo.id})
        st.button(
            "Move to trash",
            icon=":material/delete:",
            key="dialog_trash",
            on_click=_trash,
            args=(photo.id,),
        )


def _trash(photo_id: str) -> None:
    """Put a photo in the trash and show the one that takes its place."""
    gallery = get_gallery()
    place: PlaceInQuery | None = st.session_state.get(_PLACE_KEY)
    edits.move_to_trash(gallery.library, [photo_id])
    if place is None:
        st.session_state.pop(OPEN_KEY, None)
        return
    for index in (place.index, place.index - 1):
        if (following := gallery.id_at(index, place.query)) is not None:
            open_photo(following, PlaceInQuery(place.query, index))
            return
    _close()


def _class_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()
    options = class_choices()
    if photo.photo_class not in options:
        options.insert(0, photo.photo_class)
    key = f"class_{photo.id}_{photo.photo_class}"

    def change() -> None:
        chosen = st.session_state[key]
        if chosen and chosen != photo.photo_class:
            _try(lambda: gallery.set_class([photo.id], chosen))

    st.selectbox(
        "Class",
        options,
        index=options.index(photo.photo_class),
        format_func=gallery.vocabulary.display_name,
        accept_new_options=True,
        key=key,
        on_change=change,
        help="What the photo is filed under; the folder it goes to in the ZIP.",
    )
    certainty = f", {photo.class_score:.0%} sure" if photo.has_class_score else ""
    st.caption(f"Decided by: {_source(photo.class_source)}{certainty}.")
    if photo.class_source == HUMAN and st.button("Back to automatic", key="class_auto"):
        gallery.set_class([photo.id], None)
        st.rerun(scope="fragment")


def _source(class_source: str) -> str:
    if class_source == HUMAN:
        return "you chose it"
    return "no head was sure" if class_source == NONE else f"“{head_name(class_source)}”"


def _tag_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()
    labels = list(dict.fromkeys(tag.label for tag in photo.tags))
    scores = {tag.label: tag for tag in reversed(photo.tags)}

    def said(label: str) -> str:
        tag = scores[label]
        name = gallery.vocabulary.display_name(label)
        return f"{name} (yours)" if tag.head == HUMAN else f"{name} {tag.score:.0%}"

    key = f"tags_{photo.id}_{hash(tuple(labels))}"

    def change() -> None:
        kept = st.session_state[key]
        for label in labels:
            if label not in kept:
                _try(partial(edits.remove_tag, gallery.library, [photo.id], label))
        for label in kept:
            if label not in labels:
                _try(partial(gallery.add_tag, [photo.id], label))

    names = gallery.vocabulary
    choices = list(dict.fromkeys([*labels, *tag_choices()]))
    st.multiselect(
        "Tags",
        choices,
        default=labels,
        format_func=lambda label: said(label) if label in scores else names.display_name(label),
        accept_new_options=True,
        key=key,
        on_change=change,
        placeholder="Add a tag",
        help="Take one off with its ×, choose one, or type a tag of your own.",
    )
    if problem := st.session_state.pop("edit_problem", None):
        st.error(problem)


def _albums(photo: PhotoRecord) -> None:
    rules = get_services().model.albums
    names = {album.id: album.name for album in rules.albums}
    placed = get_services().albums(photo)
    if not placed:
        return
    said = " · ".join(f"{names[place.album]} ({place.reason})" for place in placed)
    unknowable = [album.name for album in rules.albums if album.unknowable]
    hint = f" To fill {' or '.join(unknowable)}, add it as a tag." if unknowable else ""
    st.caption(
        f":material/photo_album: Albums: {escape_markdown(said)}",
        help="By rules over tags and EXIF; SCENE_ALBUMS names a file of your own." + hint,
    )


def class_choices() -> list[str]:
    """Labels a photo can be filed under: the class head's, the tag head's, and people's own."""
    classifier = get_services().classifier
    tag_head = classifier.bundle.tag_head
    tags = [] if tag_head is None else sorted(classifier.head(tag_head).labels.ids)
    known = [*classifier.head(classifier.bundle.class_head).labels.ids, *tags, UNSURE_CLASS]
    return list(dict.fromkeys([*known, *get_gallery().library.human_labels()]))


def tag_choices() -> list[str]:
    """Labels that are offered as tags; any other can be typed."""
    return [label for label in class_choices() if label != UNSURE_CLASS]


def _try(edit: Callable[[], Any]) -> None:
    try:
        edit()
    except SceneError as error:
        st.session_state["edit_problem"] = told(error)
