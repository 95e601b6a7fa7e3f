"""The grid pages around the one in sight, cached until the library changes."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st

from pages.state.session import get_gallery, library_switches
from pages.widgets.dates import month_text
from pages.widgets.photo_grid import Cell, GridMonth, GridPage, GridStyle, grid_cells
from pages.widgets.stack_marks import stack_marks
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.stacks.stack_rows import stacks_of

_DATED: dict[SortKey, Literal["taken", "added"]] = {
    SortKey.TAKEN: "taken",
    SortKey.ADDED: "added",
}
# As in page_window.js.
_AROUND = 2


@dataclass(frozen=True)
class PageRequest:
    """A paged query.

    size: tiles per page. count: tiles on all pages; a stack is one. by_month: whether headings in
    an order by date are months, not days.
    """

    query: str
    sort: Sort
    size: int
    count: int
    with_scores: bool
    by_month: bool = False

    @property
    def page_count(self) -> int:
        """Number of pages."""
        return -(-self.count // self.size)

    @property
    def view_id(self) -> str:
        """An id that differs for another query, order or page size."""
        return repr((self.query, str(self.sort), self.size))


def grid_pages(key: str, request: PageRequest, number: int) -> dict[int, GridPage]:
    """Return a page (counted from 1) and those around it, by number; raises QueryError.

    With these cached, scrolling on by a page reads one page from the library, and opening a photo
    reads none.
    """
    state_key, stamp = f"{key}_pages", (cache_key(), request)
    previous_stamp, cached = st.session_state.get(state_key, (None, {}))
    if previous_stamp != stamp:
        cached = {}
    # After a jump to pages that are not cached, fewer come sooner.
    around = _AROUND if number in cached else 1
    first, last = max(1, number - around), min(request.page_count, number + around)
    missing = [n for n in range(first, last + 1) if n not in cached]
    if missing:
        cached = cached | _read_pages(request, missing[0], missing[-1])
    pages = {n: cached[n] for n in range(first, last + 1)}
    st.session_state[state_key] = (stamp, pages)
    return pages


def first_page(request: PageRequest) -> GridPage:
    """Return the first page; raises QueryError."""
    return _read_pages(request, 1, 1)[1]


def months_of(key: str, request: PageRequest) -> list[GridMonth]:
    """Return the months of all pages in their order; empty for an order without dates.

    Raises QueryError.
    """
    gallery = get_gallery()
    order = gallery.shown_order(request.query)
    dated = _DATED.get(order.key)
    if dated is None:
        return []
    state_key, stamp = f"{key}_months", (cache_key(), request.query, order)
    previous_stamp, cached = st.session_state.get(state_key, (None, []))
    if previous_stamp == stamp:
        return list(cached)
    counts = gallery.count_by_month(dated, order.descending, request.query)
    months = [GridMonth(month_text(month), month[:4], count) for month, count in counts]
    st.session_state[state_key] = (stamp, months)
    return months


def cache_key() -> tuple[Any, ...]:
    """Return what cached pages depend on: library version, model and date."""
    gallery = get_gallery()
    version = library_switches(), gallery.library.version()
    return version, gallery.model.classifier.bundle_id, gallery.today()


def _read_pages(request: PageRequest, first: int, last: int) -> dict[int, GridPage]:
    """Read consecutive pages at once, with the photo before and the photo after them."""
    gallery = get_gallery()
    order = gallery.shown_order(request.query)
    style = GridStyle(
        with_scores=request.with_scores,
        searched=gallery.labels_of_words(request.query),
        dated=_DATED.get(order.key),
        by_month=request.by_month,
    )
    start, stop = max(0, (first - 1) * request.size - 1), last * request.size + 1
    photos = gallery.photos_between(start, stop, request.query)
    marks = stack_marks(stacks_of(gallery.library, [photo.id for photo in photos]))
    cells = grid_cells(photos, gallery.vocabulary, replace(style, stacks=marks))
    return {
        number: _page_of(cells, (number - 1) * request.size - start, request, number)
        for number in range(first, last + 1)
    }


def _page_of(cells: list[Cell], start: int, request: PageRequest, number: int) -> GridPage:
    """Return one page. cells: of this page and around it. start: index of its first photo."""
    stop = start + request.size
    photos, before, after = cells[start:stop], cells[:start][-1:], cells[stop : stop + 1]
    first = (number - 1) * request.size
    label = f"Photos {first + 1:,} to {first + len(photos):,} of {request.count:,}"
    begun = bool(before and photos and before[0]["day"] == photos[0]["day"])
    goes_on = bool(after and photos and after[0]["day"] == photos[-1]["day"])
    return GridPage(label, photos, begun, goes_on)
