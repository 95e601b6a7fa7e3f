"""The grid of thumbnails: one component, pictures by URL, nothing re-encoded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from scene_model.classifier.labels import HUMAN, UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.gallery.records import PhotoRecord

_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "scene_gallery_photo_grid",
    css=(_HERE / "grid.css").read_text(encoding="utf-8"),
    js=(_HERE / "grid.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class GridLook:
    """How a grid looks, and what of a whole it shows.

    cell: the least width of a photo, in CSS. page, page_count: counted from 1. label: what the
    list is called to those who hear it. with_scores: each tag tells how sure its head was.
    notes: what more is said below a photo, by id.
    """

    cell: str = "11rem"
    page: int = 1
    page_count: int = 1
    label: str = "Photos"
    with_scores: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Selecting:
    """What a grid that selects needs.

    ids: those to show as chosen when the grid is new or ``revision`` is another than before.
    on_change: gets the ids chosen on the page shown, and all ids of that page.
    """

    ids: Sequence[str]
    revision: int
    on_change: Callable[[list[str], list[str]], None]


def photo_grid(
    photos: Sequence[PhotoRecord],
    vocabulary: Vocabulary,
    key: str,
    on_open: Callable[[str], None],
    selecting: Selecting | None = None,
    look: GridLook | None = None,
    on_ask: Callable[[str], None] | None = None,
) -> None:
    """Show photos; ``on_open`` gets the id of one that is opened.

    on_ask: gets what a key asked for: "next" or "previous" page, "undo" or "redo".
    """
    look = look or GridLook()
    drawn_key = f"{key}_drawn"

    def hear(kind: str) -> None:
        said = st.session_state[key].get(kind)
        if not said:
            return
        st.session_state[drawn_key] = True
        if kind == "opened":
            on_open(said)
        elif kind == "selected" and selecting is not None:
            selecting.on_change(list(said["ids"]), list(said["shown"]))
        elif kind == "asked" and on_ask is not None:
            on_ask(said)

    here = {photo.id for photo in photos}
    turns = on_ask is not None
    said = _grid(
        key=key,
        data={
            "photos": [_cell(photo, vocabulary, look) for photo in photos],
            "selectable": selecting is not None,
            "selected": [i for i in selecting.ids if i in here] if selecting else [],
            "revision": selecting.revision if selecting else 0,
            "cell": look.cell,
            "page": look.page,
            "label": look.label,
            "more": {
                "next": turns and look.page < look.page_count,
                "previous": turns and look.page > 1,
            },
        },
        on_opened_change=lambda: hear("opened"),
        on_selected_change=lambda: hear("selected"),
        on_asked_change=lambda: hear("asked"),
    )
    # After a restart of the server Streamlit has no callbacks yet when the first click comes: a
    # session that has not drawn this grid before takes up what it says.
    for kind in ("opened", "selected", "asked"):
        value = said.get(kind)
        if drawn_key not in st.session_state and value:
            hear(kind)
            st.rerun()
    st.session_state[drawn_key] = True


def describe(photo: PhotoRecord, vocabulary: Vocabulary) -> str:
    """Say in words what a picture shows, by its name and tags: its alternative text."""
    said = [label for label in (photo.photo_class, *photo.shown_tags) if label != UNSURE_CLASS]
    names = [vocabulary.display_name(label).lower() for label in dict.fromkeys(said)]
    return f"{photo.name}: {', '.join(names) or 'not sure what it shows'}"


def _cell(photo: PhotoRecord, vocabulary: Vocabulary, look: GridLook) -> dict[str, Any]:
    names = [
        _with_score(photo, tag, vocabulary) if look.with_scores else vocabulary.display_name(tag)
        for tag in photo.shown_tags
        if tag != photo.photo_class
    ]
    title = vocabulary.display_name(photo.photo_class)
    if photo.has_class_score:
        title = f"{title} · {photo.class_score:.0%}"
    lines = [look.notes.get(photo.id, ""), photo.name, " · ".join(names)]
    return {
        "id": photo.id,
        "name": photo.name,
        "alt": describe(photo, vocabulary),
        "title": title,
        "lines": [line for line in lines if line],
    }


def _with_score(photo: PhotoRecord, label: str, vocabulary: Vocabulary) -> str:
    name = vocabulary.display_name(label)
    best = next(tag for tag in photo.tags if tag.label == label)
    if best.head == HUMAN or best.score is None:
        return f"{name} (yours)"
    return f"{name} {best.score:.0%}"
