"""The grid of thumbnails: one component that loads pictures by URL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from pages.widgets.dates import day_text, month_text, short_day_text, time_text
from pages.widgets.durations import video_text
from pages.widgets.guesses import guess_text
from pages.widgets.scripts import component_script, join_files
from pages.widgets.stack_marks import MOTION, StackMark
from scene_model.classifier.labels import HUMAN, UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.records import PhotoRecord

_HERE = Path(__file__).parent
_grid = st.components.v2.component(
    "scene_gallery_photo_grid",
    css=join_files(_HERE / "grid.css"),
    js=component_script(_HERE / "grid.js"),
)
# A photo as sent to the browser.
Cell = dict[str, Any]
# A photo beyond these ratios of width to height is cropped.
_NARROWEST, _WIDEST = 0.5, 2.6


@dataclass(frozen=True)
class GridStyle:
    """Style of a grid.

    row: height of a row in CSS. label: accessible name of the list. with_scores: whether tags are
    shown with their scores. notes: an additional line below a photo, by photo id. searched: the
    labels that were searched; each photo says which of its tags is one of them. dated: the date
    that the photos are in order of, which gives each a heading; None for another order. by_month:
    whether the headings are months, not days. stacks: by photo id, what a photo says of its stack.
    """

    row: str = "11rem"
    label: str = "Photos"
    with_scores: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    searched: frozenset[str] = frozenset()
    dated: Literal["taken", "added"] | None = None
    by_month: bool = False
    stacks: Mapping[str, StackMark] = field(default_factory=dict)


@dataclass(frozen=True)
class GridPage:
    """One page of photos.

    label: accessible name of the list. begun: whether the day or month of the first photo began on
    the page before, so that its heading is there. goes_on: whether that of the last photo, or in an
    order without dates the list, goes on after this page.
    """

    label: str
    photos: Sequence[Cell]
    begun: bool = False
    goes_on: bool = False

    @property
    def ids(self) -> list[str]:
        """Ids of the photos."""
        return [photo["id"] for photo in self.photos]


@dataclass(frozen=True)
class GridMonth:
    """A month of a list in an order by date. name: "July 2024", "No date". photos: how many."""

    name: str
    year: str
    photos: int


@dataclass(frozen=True)
class GridTarget:
    """A photo to scroll to. number: another one for each time. index: on the page in sight."""

    number: int
    index: int


@dataclass(frozen=True)
class PagedGrid:
    """A paged result, of which a grid shows the pages near the screen.

    view_id: identifies query, order and page size. page: the page in sight, from 1. page_size:
    photos per page. pages: the page in sight and those around it, by number; the browser scrolls
    over them without waiting for the server. on_turn: called with the page number in sight,
    and whether it was scrolled to; the browser has written that page into the URL then.
    choice: number of the latest chip choice included here; the browser keeps what it drew for a
    later choice until the server has included it. months: of the whole list, in its order; empty
    for an order without dates. target: the latest photo to scroll to.
    """

    view_id: str
    page: int
    page_count: int
    page_size: int
    pages: Mapping[int, GridPage]
    on_turn: Callable[[int, bool], None]
    choice: int = 0
    months: Sequence[GridMonth] = ()
    target: GridTarget | None = None


@dataclass(frozen=True)
class GridSelection:
    """The selection of a grid.

    ids: selected photos on all pages. on_change: called with the selected ids of a page and all ids
    of that page. on_range: called with the first and last photo of a range over several pages.
    """

    ids: Sequence[str]
    on_change: Callable[[list[str], list[str]], None]
    on_range: Callable[[str, str], None] = lambda _first, _last: None


def photo_grid(
    photos: Sequence[PhotoRecord],
    vocabulary: Vocabulary,
    key: str,
    on_open: Callable[[str, str], None],
    selection: GridSelection | None = None,
    style: GridStyle | None = None,
    opens_photos: bool = True,
) -> None:
    """Show photos on one page; see `paged_grid`."""
    style = style or GridStyle()
    page = GridPage(style.label, grid_cells(photos, vocabulary, style))
    grid = PagedGrid(
        "", 1, 1, max(1, len(photos)), {1: page}, on_turn=lambda _page, _is_scrolled: None
    )
    paged_grid(grid, key, on_open, selection, style.row, opens_photos=opens_photos)


def paged_grid(
    grid: PagedGrid,
    key: str,
    on_open: Callable[[str, str], None],
    selection: GridSelection | None = None,
    row: str = GridStyle.row,
    on_shortcut: Callable[[str], None] = lambda _: None,
    with_captions: bool = True,
    opens_photos: bool = True,
) -> None:
    """Show a grid at the page in sight; scrolling goes on over all pages.

    on_open: called with the id of a photo that is opened, and what identifies this opening.
    opens_photos: whether on_open opens the lightbox, which the browser then shows at once.
    row: height of a row in CSS. on_shortcut: called with "undo" or "redo" for these keys.
    with_captions: whether captions stay; otherwise they show on the photo that is pointed at.
    """
    drawn_key, number_key, view_key = f"{key}_drawn", f"{key}_last_action", f"{key}_drawn_view"

    def receive(kind: str) -> None:
        value = st.session_state[key].get(kind)
        if not value:
            return
        st.session_state[drawn_key] = True
        if kind == "opened":
            on_open(value["id"], value["opening"])
        elif kind == "asked":
            on_shortcut(value)
        else:
            drawn_view = st.session_state.get(view_key, grid.view_id)
            for action in value:
                if action["number"] > st.session_state.get(number_key, 0):
                    st.session_state[number_key] = action["number"]
                    _apply_action(action, drawn_view, grid, selection)

    state = _grid(
        key=key,
        data={
            "name": key,
            "heard": st.session_state.get(number_key, 0),
            "row": row,
            "captions": with_captions,
            "opens_photos": opens_photos,
            **_data(grid, selection),
        },
        on_opened_change=lambda: receive("opened"),
        on_acts_change=lambda: receive("acts"),
        on_asked_change=lambda: receive("asked"),
    )
    # After a restart of the server, Streamlit has no callbacks yet for the first click: a session
    # that has not drawn this grid before reads its state instead.
    for kind in ("opened", "acts", "asked"):
        value = state.get(kind)
        if drawn_key not in st.session_state and value:
            receive(kind)
            st.rerun()
    st.session_state[drawn_key] = True
    st.session_state[view_key] = grid.view_id


def _data(grid: PagedGrid, selection: GridSelection | None) -> dict[str, Any]:
    all_selected = frozenset(selection.ids) if selection else frozenset()
    selected = [i for page in grid.pages.values() for i in page.ids if i in all_selected]
    return {
        "question": grid.view_id,
        "page": grid.page,
        "page_count": grid.page_count,
        "choice": grid.choice,
        "page_size": grid.page_size,
        "months": [vars(month) for month in grid.months],
        "target": None if grid.target is None else vars(grid.target),
        "pages": {number: vars(page) for number, page in grid.pages.items()},
        "selectable": selection is not None,
        "selected": selected,
        "selected_elsewhere": len(all_selected) - len(selected),
    }


def _apply_action(
    action: Mapping[str, Any], drawn_view: str, grid: PagedGrid, selection: GridSelection | None
) -> None:
    """Apply one action of the visitor in the grid.

    drawn_view: the view that was on the screen; a page number of another view is ignored.
    """
    if "page" in action:
        if action["question"] == drawn_view:
            grid.on_turn(int(action["page"]), bool(action.get("scrolled")))
    elif selection is None:
        return
    elif "shown" in action:
        selection.on_change(list(action["ids"]), list(action["shown"]))
    else:
        selection.on_range(action["from"], action["to"])


def describe(photo: PhotoRecord, vocabulary: Vocabulary) -> str:
    """Return the alternative text of a photo: its name, class or best guess, and tags.

    Of a video, also that it is one, and its duration.
    """
    names = [vocabulary.display_name(tag).lower() for tag in _tags_but_guess(photo, vocabulary)]
    if guess := guess_text(photo, vocabulary):
        names = ["unsure", guess, *names]
    elif photo.photo_class != UNSURE_CLASS:
        names = [vocabulary.display_name(photo.photo_class).lower(), *names]
    if photo.is_video:
        names = [f"video {video_text(photo)}".rstrip(), *names]
    return f"{photo.name}: {', '.join(dict.fromkeys(names)) or 'no tags'}"


def _tags_but_guess(photo: PhotoRecord, vocabulary: Vocabulary) -> list[str]:
    """Return the tags that a photo shows beside its class or best guess."""
    shown = {photo.photo_class}
    if photo.photo_class == UNSURE_CLASS and photo.guess is not None:
        # An object has one name as a guess and as a tag, but not always one id.
        guess = vocabulary.display_name(photo.guess)
        shown |= {tag for tag in photo.shown_tags if vocabulary.display_name(tag) == guess}
    return [tag for tag in photo.shown_tags if tag not in shown]


def grid_cells(
    photos: Sequence[PhotoRecord], vocabulary: Vocabulary, style: GridStyle
) -> list[Cell]:
    """Return photos as sent to the browser."""
    return [_cell(photo, vocabulary, style) for photo in photos]


def _cell(photo: PhotoRecord, vocabulary: Vocabulary, style: GridStyle) -> Cell:
    match = _best_match(photo, style.searched)

    def shown(tag: str) -> str:
        name = vocabulary.display_name(tag)
        return _with_score(photo, tag, vocabulary) if style.with_scores else name

    names = [shown(tag) for tag in _tags_but_guess(photo, vocabulary) if tag != match]
    title = vocabulary.display_name(photo.photo_class)
    if photo.has_class_score:
        title = f"{title} · {photo.class_score:.0%}"
    # The class is the title.
    match_line = f"Match: {shown(match)}" if match and match != photo.photo_class else ""
    stack = style.stacks.get(photo.id, None if photo.film_start is None else MOTION)
    marks, marks_text = _marks(photo)
    alt = "; ".join(filter(None, [describe(photo, vocabulary), marks_text]))
    lines = [guess_text(photo, vocabulary), style.notes.get(photo.id, ""), match_line, photo.name]
    lines.append(" · ".join(names))
    return {
        "id": photo.id,
        "name": photo.name,
        "alt": f"{alt}; {stack.text}" if stack else alt,
        "marks": marks,
        "stack_mark": {"short": stack.short, "text": stack.text} if stack else None,
        "title": title,
        "lines": [line for line in lines if line],
        "width": photo.width,
        "height": photo.height,
        "is_video": photo.is_video,
        "remote": photo.remote_url is not None,
        "duration": video_text(photo),
        "ratio": round(min(max(photo.width / max(1, photo.height), _NARROWEST), _WIDEST), 3),
        "day": _heading(photo, style),
        "time": _date_on_photo(photo, style),
    }


def _marks(photo: PhotoRecord) -> tuple[str, str]:
    """Return whether a photo is a favourite and its rating, as signs and in words."""
    stars = "1 star" if photo.rating == 1 else f"{photo.rating} stars"
    texts = [*(["favourite"] if photo.favourite else []), *([stars] if photo.rating else [])]
    return " ".join(filter(None, ["♥" * photo.favourite, "★" * photo.rating])), ", ".join(texts)


def _heading(photo: PhotoRecord, style: GridStyle) -> str:
    def text(moment: str) -> str:
        return month_text(moment[:7]) if style.by_month else day_text(moment)

    if style.dated is None:
        return ""
    if style.dated == "added":
        return f"Added {text(photo.added_at)}"
    return text(photo.taken_at) if photo.taken_at else "No date"


def _date_on_photo(photo: PhotoRecord, style: GridStyle) -> str:
    """Return when a photo was taken, in an order by date; with the year if no heading has it."""
    if style.dated is None or not photo.taken_at:
        return ""
    if style.dated == "added":
        return short_day_text(photo.taken_at)
    # Small photos have room for the day alone.
    return time_text(photo.taken_at[:10] if style.by_month else photo.taken_at)


def _best_match(photo: PhotoRecord, searched: frozenset[str]) -> str | None:
    """Return the tag that decides a photo's place in the order by match; None without one."""
    if photo.class_source == HUMAN and photo.photo_class in searched:
        return photo.photo_class
    tags = [tag for tag in photo.tags if tag.label in searched]
    if not tags:
        return None
    return max(tags, key=lambda tag: 1.0 if tag.score is None else tag.score).label


def _with_score(photo: PhotoRecord, label: str, vocabulary: Vocabulary) -> str:
    name = vocabulary.display_name(label)
    best = next(tag for tag in photo.tags if tag.label == label)
    if best.head == HUMAN or best.score is None:
        return f"{name} (yours)"
    return f"{name} {best.score:.0%}"
