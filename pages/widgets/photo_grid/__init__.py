"""The grid of thumbnails: one component, pictures by URL, nothing re-encoded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets.scripts import SERVER, joined
from scene_model.classifier.labels import HUMAN, UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.records import PhotoRecord

_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "scene_gallery_photo_grid",
    css=joined(_HERE / "grid.css"),
    js=joined(SERVER, *(_HERE / name for name in ("cells.js", "pager.js", "grid.js"))),
)
# A photo as the browser draws it.
Cell = dict[str, Any]


@dataclass(frozen=True)
class GridStyle:
    """How a grid looks.

    cell: the least width of a photo, in CSS. label: what the list is called to those who hear it.
    with_scores: each tag tells how sure its head was. notes: what more is said below a photo, by
    id.
    """

    cell: str = "11rem"
    label: str = "Photos"
    with_scores: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GridPage:
    """One page of photos. label: what the list is called to those who hear it."""

    label: str
    photos: Sequence[Cell]

    @property
    def ids(self) -> list[str]:
        """The ids of its photos."""
        return [photo["id"] for photo in self.photos]


@dataclass(frozen=True)
class PagedGrid:
    """Pages of a whole, of which a grid shows one.

    question: what all its photos answer, and in which order. page, page_count: counted from 1.
    pages: the page shown, and those beside it, which are drawn at once when they are asked for.
    on_turn: gets the page asked for. choice: the number of the latest choice of a chip that all
    this goes by; what the browser drew of a later one stays until the answer to that comes.
    """

    question: str
    page: int
    page_count: int
    pages: Mapping[int, GridPage]
    on_turn: Callable[[int], None]
    choice: int = 0


@dataclass(frozen=True)
class Selecting:
    """What a grid that selects needs.

    ids: those that are chosen, on whatever page. on_change: gets the ids chosen on one page, and
    all ids of that page. on_range: gets two photos between which all are to be chosen; they are of
    two pages.
    """

    ids: Sequence[str]
    on_change: Callable[[list[str], list[str]], None]
    on_range: Callable[[str, str], None] = lambda _first, _last: None


def photo_grid(
    photos: Sequence[PhotoRecord],
    vocabulary: Vocabulary,
    key: str,
    on_open: Callable[[str], None],
    selecting: Selecting | None = None,
    look: GridStyle | None = None,
) -> None:
    """Show photos; ``on_open`` gets the id of one that is opened."""
    look = look or GridStyle()
    page = GridPage(look.label, grid_cells(photos, vocabulary, look))
    book = PagedGrid("", 1, 1, {1: page}, on_turn=lambda _: None)
    paged_grid(book, key, on_open, selecting, look.cell)


def paged_grid(
    book: PagedGrid,
    key: str,
    on_open: Callable[[str], None],
    selecting: Selecting | None = None,
    cell: str = GridStyle.cell,
    on_ask: Callable[[str], None] = lambda _: None,
) -> None:
    """Show one page of a book of photos; on_ask: gets what a key asked for, "undo" or "redo"."""
    drawn_key, heard_key, question_key = f"{key}_drawn", f"{key}_heard", f"{key}_drawn_question"

    def hear(kind: str) -> None:
        said = st.session_state[key].get(kind)
        if not said:
            return
        st.session_state[drawn_key] = True
        if kind == "opened":
            on_open(said)
        elif kind == "asked":
            on_ask(said)
        else:
            known = st.session_state.get(question_key, book.question)
            for act in said:
                if act["number"] > st.session_state.get(heard_key, 0):
                    st.session_state[heard_key] = act["number"]
                    _follow(act, known, book, selecting)

    said = _grid(
        key=key,
        data={
            "name": key,
            "heard": st.session_state.get(heard_key, 0),
            **_data(book, selecting, cell),
        },
        on_opened_change=lambda: hear("opened"),
        on_acts_change=lambda: hear("acts"),
        on_asked_change=lambda: hear("asked"),
    )
    # After a restart of the server Streamlit has no callbacks yet when the first click comes: a
    # session that has not drawn this grid before takes up what it says.
    for kind in ("opened", "acts", "asked"):
        value = said.get(kind)
        if drawn_key not in st.session_state and value:
            hear(kind)
            st.rerun()
    st.session_state[drawn_key] = True
    st.session_state[question_key] = book.question


def _data(book: PagedGrid, selecting: Selecting | None, cell: str) -> dict[str, Any]:
    chosen = frozenset(selecting.ids) if selecting else frozenset()
    selected = [i for page in book.pages.values() for i in page.ids if i in chosen]
    return {
        "question": book.question,
        "page": book.page,
        "page_count": book.page_count,
        "choice": book.choice,
        "pages": {
            number: {"label": page.label, "photos": page.photos}
            for number, page in book.pages.items()
        },
        "selectable": selecting is not None,
        "selected": selected,
        "selected_elsewhere": len(chosen) - len(selected),
        "cell": cell,
    }


def _follow(
    act: Mapping[str, Any], known: str, book: PagedGrid, selecting: Selecting | None
) -> None:
    """Do what one act of the visitor asks for.

    known: the question whose answer was on the screen; a page of another one is not turned to.
    """
    if "page" in act:
        if act["question"] == known:
            book.on_turn(int(act["page"]))
    elif selecting is None:
        return
    elif "shown" in act:
        selecting.on_change(list(act["ids"]), list(act["shown"]))
    else:
        selecting.on_range(act["from"], act["to"])


def describe(photo: PhotoRecord, vocabulary: Vocabulary) -> str:
    """Say in words what a picture shows, by its name and tags: its alternative text."""
    said = [label for label in (photo.photo_class, *photo.shown_tags) if label != UNSURE_CLASS]
    names = [vocabulary.display_name(label).lower() for label in dict.fromkeys(said)]
    return f"{photo.name}: {', '.join(names) or 'not sure what it shows'}"


def grid_cells(
    photos: Sequence[PhotoRecord], vocabulary: Vocabulary, look: GridStyle
) -> list[Cell]:
    """Put photos into the words that are drawn."""
    return [_cell(photo, vocabulary, look) for photo in photos]


def _cell(photo: PhotoRecord, vocabulary: Vocabulary, look: GridStyle) -> Cell:
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
