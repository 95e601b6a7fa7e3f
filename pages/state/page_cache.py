"""The current grid page and its neighbours, cached until the library changes."""

from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from pages.state.session import get_gallery, library_switches
from pages.widgets.photo_grid import GridPage, GridStyle, grid_cells
from scene_model.library.sort_order import Sort, SortKey

_DATED: dict[SortKey, Literal["taken", "added"]] = {
    SortKey.TAKEN: "taken",
    SortKey.ADDED: "added",
}


@dataclass(frozen=True)
class PageRequest:
    """A paged query. size: photos per page. count: photos on all pages."""

    query: str
    sort: Sort
    size: int
    count: int
    with_scores: bool

    @property
    def page_count(self) -> int:
        """Number of pages."""
        return -(-self.count // self.size)

    @property
    def view_id(self) -> str:
        """An id that differs for another query, order or page size."""
        return repr((self.query, str(self.sort), self.size))


def grid_pages(key: str, request: PageRequest, number: int) -> dict[int, GridPage]:
    """Return a page (counted from 1) and its neighbours, by number; raises QueryError.

    With the neighbours cached, going to the next page reads one page from the library, and opening
    a photo reads none.
    """
    state_key, stamp = f"{key}_pages", (cache_key(), request)
    previous_stamp, cached = st.session_state.get(state_key, (None, {}))
    if previous_stamp != stamp:
        cached = {}
    numbers = [n for n in (number, number + 1, number - 1) if 1 <= n <= request.page_count]
    pages = {n: cached[n] if n in cached else _page(request, n) for n in numbers}
    st.session_state[state_key] = (stamp, pages)
    return pages


def first_page(request: PageRequest) -> GridPage:
    """Return the first page; raises QueryError."""
    return _page(request, 1)


def cache_key() -> tuple[Any, ...]:
    """Return what cached pages depend on: library version, model and date."""
    gallery = get_gallery()
    version = library_switches(), gallery.library.version()
    return version, gallery.model.classifier.bundle_id, gallery.today()


def _page(request: PageRequest, number: int) -> GridPage:
    gallery = get_gallery()
    photos = gallery.page(number, request.size, request.query)
    first = (number - 1) * request.size
    label = f"Photos {first + 1:,} to {first + len(photos):,} of {request.count:,}"
    style = GridStyle(
        with_scores=request.with_scores,
        searched=gallery.labels_of_words(request.query),
        dated=_DATED.get(gallery.shown_order(request.query).key),
    )
    return GridPage(label, grid_cells(photos, gallery.vocabulary, style))
