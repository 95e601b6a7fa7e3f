"""The grid of thumbnails: one component, pictures by URL, nothing re-encoded."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from scene_model.classifier.vocabulary import Vocabulary
from scene_model.gallery.records import PhotoRecord

_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "scene_gallery_photo_grid",
    css=(_HERE / "grid.css").read_text(encoding="utf-8"),
    js=(_HERE / "grid.js").read_text(encoding="utf-8"),
)


def photo_grid(
    photos: Sequence[PhotoRecord],
    vocabulary: Vocabulary,
    key: str,
    on_open: Callable[[str], None],
    on_select: Callable[[list[str]], None] | None = None,
    selected: Sequence[str] = (),
    revision: int = 0,
) -> None:
    """Show photos; ``on_open`` gets the id of one that is opened, ``on_select`` those chosen.

    selected: ids to show as chosen when the grid is new or ``revision`` is another than before.
    """

    def opened() -> None:
        photo_id = st.session_state[key].get("opened")
        if photo_id:
            on_open(photo_id)

    def chosen() -> None:
        if on_select is not None:
            on_select(list(st.session_state[key].get("selected") or []))

    here = {photo.id for photo in photos}
    _grid(
        key=key,
        data={
            "photos": [_cell(photo, vocabulary) for photo in photos],
            "selectable": on_select is not None,
            "selected": [photo_id for photo_id in selected if photo_id in here],
            "revision": revision,
            "cell": "11rem",
        },
        on_opened_change=opened,
        on_selected_change=chosen,
    )


def describe(photo: PhotoRecord, vocabulary: Vocabulary) -> str:
    """Say in words what a picture shows: its alternative text."""
    name = vocabulary.display_name(photo.photo_class)
    said = "not sure what it shows" if photo.photo_class == "unsure" else name.lower()
    return f"{photo.name}: {said}"


def _cell(photo: PhotoRecord, vocabulary: Vocabulary) -> dict[str, Any]:
    names = [vocabulary.display_name(tag) for tag in photo.shown_tags if tag != photo.photo_class]
    title = vocabulary.display_name(photo.photo_class)
    if photo.has_class_score:
        title = f"{title} · {photo.class_score:.0%}"
    return {
        "id": photo.id,
        "name": photo.name,
        "alt": describe(photo, vocabulary),
        "title": title,
        "lines": [photo.name, " · ".join(names)] if names else [photo.name],
    }
