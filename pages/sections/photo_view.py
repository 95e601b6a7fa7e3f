"""The dialog of one photo: picture; class, rating and tags to edit; sources, details, scores."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from pages.sections.albums.photo_albums import show_photo_albums
from pages.sections.messages import error_markdown, escape_markdown, show_error
from pages.sections.photo_facts import (
    class_source_text,
    group_text,
    score_tabs,
    show_details,
    show_tag_sources,
)
from pages.state.session import get_gallery, get_services
from pages.widgets.photo_grid import describe
from scene_model.classifier.classify import HeadPredictions
from scene_model.classifier.labels import HUMAN, UNSURE_CLASS
from scene_model.errors import PhotoNotFound, SceneError
from scene_model.library import edits
from scene_model.library.predictions import predict_stored
from scene_model.library.records import PhotoRecord
from scene_model.photos.xmp import MAX_RATING

_OPEN_KEY, _POSITION_KEY, _ERROR_KEY = "open_photo", "open_photo_position", "edit_error"
_GROUP_HELP = (
    "A wider word than the class, such as Water or Animals. All label sets decide it together; a "
    "class that you set decides it, too."
)


@dataclass(frozen=True)
class QueryPosition:
    """Position of a photo in the results of a query, in the session's order; index from 0."""

    query: str
    index: int


_Neighbour = tuple[str, QueryPosition]


def open_photo(photo_id: str, position: QueryPosition | None = None) -> None:
    """Open the dialog of a photo on this and the following runs, until it is closed.

    position: makes Previous and Next go through the results of a query.
    """
    st.session_state[_OPEN_KEY] = photo_id
    st.session_state[_POSITION_KEY] = position


def is_photo_open() -> bool:
    """Whether the dialog covers the page; the page's keyboard shortcuts are off then."""
    return st.session_state.get(_OPEN_KEY) is not None or "photo" in st.query_params


def show_open_photo() -> None:
    """Show the dialog when a photo is open, by click or by ``?photo=ID`` in the URL."""
    linked = st.query_params.get("photo")
    if linked:
        del st.query_params["photo"]
        open_photo(linked)
    if st.session_state.get(_OPEN_KEY) is not None:
        _dialog()


def show_picture(photo: PhotoRecord, size: str = "preview") -> None:
    """Show the picture by URL, so that Streamlit does not keep a copy in memory."""
    alt = html.escape(describe(photo, get_gallery().vocabulary), quote=True)
    st.html(
        f'<img src="/api/photos/{photo.id}/{size}" alt="{alt}" style="width:100%;'
        'max-height:60vh;object-fit:contain;border-radius:.6rem;background:rgba(128,128,128,.12)">'
    )


def predictions_or_reason(photo: PhotoRecord) -> HeadPredictions | None:
    """Return the predictions of the model in use; show the reason and return None on error."""
    services = get_services()
    try:
        predictions = predict_stored(
            services.library, services.classifier, photo.id
        ).head_predictions
    except PhotoNotFound:
        raise
    except SceneError as error:
        st.info(f"The scores cannot be shown. {error_markdown(error)}", icon=":material/info:")
        return None
    if photo.bundle != services.classifier.bundle_id:
        st.caption(
            f"Tagged by {escape_markdown(photo.bundle)}. The scores below are from the model in "
            "use. You can retag photos on the Model page."
        )
    return predictions


def _close() -> None:
    st.session_state.pop(_OPEN_KEY, None)
    st.session_state.pop(_POSITION_KEY, None)


@st.dialog("Photo", width="large", on_dismiss=_close)
def _dialog() -> None:
    # Read from the session on each run: Previous and Next rerun only the dialog.
    photo_id = st.session_state.get(_OPEN_KEY)
    if photo_id is None:
        st.rerun()  # the last photo was moved to the trash
    try:
        photo = get_gallery().library.photo(photo_id)
    except SceneError as error:
        show_error(error)
        return
    _navigation_buttons(photo)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_picture(photo)
        _file_buttons(photo)
    with right:
        # One container each, so that the expanders below stay open when these parts change.
        for part in (_class_editor, _rating_editor, _tag_editor, show_photo_albums):
            with st.container():
                part(photo)
        with st.expander("Tag sources", icon=":material/fact_check:"):
            show_tag_sources(photo)
        with st.expander("Photo details", icon=":material/info:"):
            show_details(photo)
    predictions = predictions_or_reason(photo)
    if predictions is not None:
        score_tabs(predictions)


def _navigation_buttons(photo: PhotoRecord) -> None:
    position: QueryPosition | None = st.session_state.get(_POSITION_KEY)
    with st.container(horizontal=True, vertical_alignment="center"):
        if position is not None:
            previous, following = _neighbours(photo.id, position)
            for label, neighbour, icon, key in (
                ("Previous", previous, ":material/arrow_back:", "Left"),
                ("Next", following, ":material/arrow_forward:", "Right"),
            ):
                st.button(
                    label,
                    icon=icon,
                    shortcut=key,
                    disabled=neighbour is None,
                    on_click=_go_to,
                    args=(neighbour,),
                    key=f"walk_{label.lower()}",
                )
        st.text(photo.name, width="content")


def _neighbours(
    photo_id: str, position: QueryPosition
) -> tuple[_Neighbour | None, _Neighbour | None]:
    """Return the previous and the next photo, also when an edit removed this one from the query."""
    gallery = get_gallery()
    query, index = position.query, position.index
    still_matches = gallery.id_at(index, query) == photo_id
    ids = [(gallery.id_at(i, query), i) for i in (index - 1, index + 1 if still_matches else index)]
    previous, following = ((id_, QueryPosition(query, i)) if id_ else None for id_, i in ids)
    return previous, following


def _go_to(neighbour: _Neighbour) -> None:
    open_photo(*neighbour)


def _file_buttons(photo: PhotoRecord) -> None:
    with st.container(horizontal=True):
        st.link_button(
            "Download original",
            f"/api/photos/{photo.id}/original",
            icon=":material/download:",
        )
        if st.button("Find similar", icon=":material/image_search:", key="dialog_similar"):
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
    """Move a photo to the trash and show the next one of the query."""
    gallery = get_gallery()
    position: QueryPosition | None = st.session_state.get(_POSITION_KEY)
    edits.move_to_trash(gallery.library, [photo_id])
    if position is None:
        st.session_state.pop(_OPEN_KEY, None)
        return
    for index in (position.index, position.index - 1):
        if (following := gallery.id_at(index, position.query)) is not None:
            open_photo(following, QueryPosition(position.query, index))
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
            _edit(lambda: gallery.set_class([photo.id], chosen))

    st.selectbox(
        "Class",
        options,
        index=options.index(photo.photo_class),
        format_func=gallery.vocabulary.display_name,
        accept_new_options=True,
        key=key,
        on_change=change,
        help="The folder of the photo in a ZIP export with one folder per class.",
    )
    confidence = f", {photo.class_score:.0%} confidence" if photo.has_class_score else ""
    st.caption(escape_markdown(f"{class_source_text(photo)}{confidence}."))
    if group := group_text(photo):
        st.caption(f":material/category: {escape_markdown(group)}", help=_GROUP_HELP)
    if photo.class_source == HUMAN and st.button("Reset to automatic", key="class_auto"):
        gallery.set_class([photo.id], None)
        st.rerun(scope="fragment")


def _rating_editor(photo: PhotoRecord) -> None:
    library = get_gallery().library
    st.button(
        "Remove from favourites" if photo.favourite else "Add to favourites",
        icon=":material/favorite:",
        type="primary" if photo.favourite else "secondary",
        shortcut="F",
        on_click=_edit,
        args=(partial(edits.set_favourite, library, [photo.id], not photo.favourite),),
        key="dialog_favourite",
    )
    with st.container(horizontal=True, gap="small"):
        for rating in range(MAX_RATING + 1):
            st.button(
                _stars(rating),
                type="primary" if rating == photo.rating else "secondary",
                shortcut=str(rating),
                on_click=_edit,
                args=(partial(edits.set_rating, library, [photo.id], rating),),
                key=f"dialog_rating_{rating}",
            )
    # The colour of a button says nothing to a screen reader.
    st.caption(f"Rating: {photo.rating} of {MAX_RATING}." if photo.rating else "Not rated.")


def _stars(rating: int) -> str:
    return "No rating" if rating == 0 else "1 star" if rating == 1 else f"{rating} stars"


def _tag_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()
    labels = list(dict.fromkeys(tag.label for tag in photo.tags))
    scores = {tag.label: tag for tag in reversed(photo.tags)}

    def label_with_score(label: str) -> str:
        tag = scores[label]
        name = gallery.vocabulary.display_name(label)
        return f"{name} (yours)" if tag.head == HUMAN else f"{name} {tag.score:.0%}"

    key = f"tags_{photo.id}_{hash(tuple(labels))}"

    def change() -> None:
        chosen = st.session_state[key]
        for label in labels:
            if label not in chosen:
                _edit(partial(edits.remove_tag, gallery.library, [photo.id], label))
        for label in chosen:
            if label not in labels:
                _edit(partial(gallery.add_tag, [photo.id], label))

    names = gallery.vocabulary
    choices = list(dict.fromkeys([*labels, *tag_choices()]))
    st.multiselect(
        "Tags",
        choices,
        default=labels,
        format_func=lambda label: (
            label_with_score(label) if label in scores else names.display_name(label)
        ),
        accept_new_options=True,
        key=key,
        on_change=change,
        placeholder="Add a tag",
        help="Remove a tag with its ×, choose one from the list, or type a new one.",
    )
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message)


def class_choices() -> list[str]:
    """Return the possible classes: labels of the class head, the tag head, and your own."""
    classifier = get_services().classifier
    tag_head = classifier.bundle.tag_head
    tags = [] if tag_head is None else sorted(classifier.head(tag_head).labels.ids)
    labels = [*classifier.head(classifier.bundle.class_head).labels.ids, *tags, UNSURE_CLASS]
    return list(dict.fromkeys([*labels, *get_gallery().library.human_labels()]))


def tag_choices() -> list[str]:
    """Return the labels offered as tags; other tags can be typed."""
    return [label for label in class_choices() if label != UNSURE_CLASS]


def tag_field(key: str) -> str | None:
    """Show the field for a tag of the selected photos; returns the chosen or typed one."""
    return st.selectbox(
        "Tag for the selected photos",
        tag_choices(),
        index=None,
        format_func=get_gallery().vocabulary.display_name,
        accept_new_options=True,
        placeholder="Choose or type a tag",
        key=key,
    )


def _edit(edit: Callable[[], Any]) -> None:
    try:
        edit()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
