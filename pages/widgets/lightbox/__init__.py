"""The lightbox: one photo on the whole screen, with its neighbours; the drawer is the page's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets.photo_grid import describe
from pages.widgets.scripts import component_script, join_files
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.records import PhotoRecord

_HERE = Path(__file__).parent
_lightbox = st.components.v2.component(
    "scene_gallery_lightbox",
    css=join_files(_HERE / "lightbox.css"),
    js=component_script(_HERE / "lightbox.js"),
)
LAYOUT = _HERE / "layout.css"


@dataclass(frozen=True)
class LightboxPhotos:
    """The photo shown and those around it.

    opening: identifies this opening; the browser closes the lightbox for one opening only. None
    while it is closed. shown: id of the photo shown; None for a photo that does not exist.
    count: photos in the results; 0 for a photo without results. photos: by position in the results
    (from 0), in order. has_error: whether the drawer shows an error, which opens it. stacks: by
    photo id, all photos of the stack of a photo, itself included.
    """

    opening: str | None
    shown: str | None
    count: int
    photos: Sequence[tuple[int, PhotoRecord]]
    has_error: bool
    stacks: Mapping[str, Sequence[PhotoRecord]]


@dataclass(frozen=True)
class LightboxHandlers:
    """Called with what the visitor did in the browser, in that order; ids are photo ids.

    on_show: id and position in the results. on_favourite, on_rating: id and new value.
    """

    on_show: Callable[[str, int], None]
    on_favourite: Callable[[str, bool], None]
    on_rating: Callable[[str, int], None]
    on_close: Callable[[], None]


def lightbox(
    photos: LightboxPhotos, vocabulary: Vocabulary, key: str, handlers: LightboxHandlers
) -> None:
    """Show the picture part of the lightbox."""
    heard_key = f"{key}_last_action"

    def heard() -> int:
        opening, number = st.session_state.get(heard_key, ("", 0))
        return number if opening == photos.opening else 0

    def receive() -> None:
        message = st.session_state[key].get("acts")
        if not message or message["opening"] != photos.opening:
            return
        for action in message["actions"]:
            if action["number"] > heard():
                st.session_state[heard_key] = (photos.opening, action["number"])
                _apply(action, handlers)

    _lightbox(
        key=key,
        data={
            "opening": photos.opening,
            "heard": heard(),
            "id": photos.shown,
            "count": photos.count,
            "error": photos.has_error,
            "photos": [
                _data(index, photo, vocabulary)
                | {"stack": [_data(index, p, vocabulary) for p in photos.stacks.get(photo.id, ())]}
                for index, photo in photos.photos
            ],
        },
        on_acts_change=receive,
    )


def _apply(action: dict[str, Any], handlers: LightboxHandlers) -> None:
    kind = action["kind"]
    if kind == "show":
        handlers.on_show(action["id"], int(action["index"]))
    elif kind == "favourite":
        handlers.on_favourite(action["id"], bool(action["value"]))
    elif kind == "rating":
        handlers.on_rating(action["id"], int(action["value"]))
    elif kind == "close":
        handlers.on_close()


def _data(index: int, photo: PhotoRecord, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "index": index,
        "id": photo.id,
        "name": photo.name,
        "alt": describe(photo, vocabulary),
        "format": photo.format,
        "is_video": photo.is_video,
        "width": photo.width,
        "height": photo.height,
        "favourite": photo.favourite,
        "rating": photo.rating,
        "film": photo.film_start is not None,
        "remote": photo.remote_url is not None,
    }
