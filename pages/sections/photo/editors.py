"""The editors of one photo: class, favourite, rating, tags and date; its albums."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from pages.sections.albums.photo_albums import show_photo_albums
from pages.sections.dates.date_editor import date_editor, has_date_error
from pages.sections.label_fields import class_field, tags_field
from pages.sections.messages import error_markdown, escape_markdown
from pages.sections.photo.facts import class_source_text, group_text
from pages.state.session import get_gallery
from scene_model.classifier.labels import HUMAN
from scene_model.errors import SceneError
from scene_model.library import edits
from scene_model.library.records import PhotoRecord
from scene_model.photos.xmp import MAX_RATING

_ERROR_KEY = "edit_error"
_GROUP_HELP = (
    "A wider word than the class, such as Water or Animals. All label sets decide it together; a "
    "class that you set decides it, too."
)


def show_editors(photo: PhotoRecord) -> None:
    """Show what can be edited of a photo."""
    # One container each, so that the expanders below stay open when these parts change.
    for part in (_rating_editor, _class_editor, _tag_editor, date_editor, show_photo_albums):
        with st.container():
            part(photo)


def has_edit_error() -> bool:
    """Whether the editors will show that an edit failed."""
    return _ERROR_KEY in st.session_state or has_date_error()


def set_favourite(photo_id: str, favourite: bool) -> None:
    """Add a photo to the favourites, or remove it; an error is shown with the editors."""
    _edit(partial(edits.set_favourite, get_gallery().library, [photo_id], favourite))


def set_rating(photo_id: str, rating: int) -> None:
    """Rate a photo with 0 to 5 stars; an error is shown with the editors."""
    _edit(partial(edits.set_rating, get_gallery().library, [photo_id], rating))


def _class_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()

    def change(chosen: str) -> None:
        if chosen != photo.photo_class:
            _edit(lambda: gallery.set_class([photo.id], chosen))

    class_field(
        "Class",
        f"class_{photo.id}",
        change,
        photo.photo_class,
        "The folder of the photo in a ZIP export with one folder per class.",
    )
    confidence = f", {photo.class_score:.0%} confidence" if photo.has_class_score else ""
    st.caption(escape_markdown(f"{class_source_text(photo)}{confidence}."))
    if group := group_text(photo):
        st.caption(f":material/category: {escape_markdown(group)}", help=_GROUP_HELP)
    if photo.class_source == HUMAN and st.button("Reset to automatic", key="class_auto"):
        gallery.set_class([photo.id], None)
        st.rerun(scope="fragment")


def _rating_editor(photo: PhotoRecord) -> None:
    st.button(
        "Remove from favourites" if photo.favourite else "Add to favourites",
        icon=":material/favorite:",
        type="primary" if photo.favourite else "secondary",
        shortcut="F",
        on_click=set_favourite,
        args=(photo.id, not photo.favourite),
        key="dialog_favourite",
    )
    with st.container(horizontal=True, gap="small", key="dialog_rating"):
        # The stars first: what stands before them reads as their label.
        for rating in (*range(1, MAX_RATING + 1), 0):
            st.button(
                _stars(rating),
                type="primary" if 0 < rating == photo.rating else "secondary",
                shortcut=str(rating),
                on_click=set_rating,
                args=(photo.id, rating),
                key=f"dialog_rating_{rating}",
            )
    # The colour of a button says nothing to a screen reader.
    st.caption(f"Rating: {photo.rating} of {MAX_RATING}." if photo.rating else "Not rated.")


def _stars(rating: int) -> str:
    return "Clear rating" if rating == 0 else "1 star" if rating == 1 else f"{rating} stars"


def _tag_editor(photo: PhotoRecord) -> None:
    gallery = get_gallery()
    labels = list(dict.fromkeys(tag.label for tag in photo.tags))
    scores = {tag.label: tag for tag in reversed(photo.tags)}

    def label_with_score(label: str) -> str:
        tag = scores[label]
        name = gallery.vocabulary.display_name(label)
        return f"{name} (yours)" if tag.head == HUMAN else f"{name} {tag.score:.0%}"

    tags_field(
        "Tags",
        f"tags_{photo.id}",
        {label: label_with_score(label) for label in labels},
        lambda label: _edit(partial(gallery.add_tag, [photo.id], label)),
        lambda label: _edit(partial(edits.remove_tag, gallery.library, [photo.id], label)),
    )
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message)


def _edit(edit: Callable[[], Any]) -> None:
    try:
        edit()
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
