"""The page shown and those beside it, as the grid draws them; kept until the library changes."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.state.session import get_gallery
from pages.widgets.photo_grid import GridPage, GridStyle, grid_cells
from scene_model.library.sort_order import Sort


@dataclass(frozen=True)
class PagesAsked:
    """What is shown page by page. size: photos on a page. count: of all pages."""

    query: str
    sort: Sort
    size: int
    count: int
    with_scores: bool

    @property
    def page_count(self) -> int:
        """How many pages there are."""
        return -(-self.count // self.size)

    @property
    def question(self) -> str:
        """What tells these pages from those of another query, order or size."""
        return repr((self.query, str(self.sort), self.size))


def grid_pages(key: str, asked: PagesAsked, number: int) -> dict[int, GridPage]:
    """A page, counted from 1, and those beside it; raises QueryError.

    Turning a page then asks the library for one page only, and a click on a photo for none.
    """
    known_key = f"{key}_pages"
    stand = (library_stand(), asked)
    before, pages = st.session_state.get(known_key, (None, {}))
    if before != stand:
        pages = {}
    wanted = [n for n in (number, number + 1, number - 1) if 1 <= n <= asked.page_count]
    found = {n: pages[n] if n in pages else _page(asked, n) for n in wanted}
    st.session_state[known_key] = (stand, found)
    return found


def first_page(asked: PagesAsked) -> GridPage:
    """The first page; raises QueryError."""
    return _page(asked, 1)


def library_stand() -> tuple[Any, ...]:
    """What must still be the same for a page made earlier to hold: library, model and day."""
    gallery = get_gallery()
    return gallery.library.version(), gallery.model.classifier.bundle_id, gallery.today()


def _page(asked: PagesAsked, number: int) -> GridPage:
    gallery = get_gallery()
    photos = gallery.page(number, asked.size, asked.query)
    first = (number - 1) * asked.size
    label = f"Photos {first + 1:,} to {first + len(photos):,} of {asked.count:,}"
    look = GridStyle(with_scores=asked.with_scores)
    return GridPage(label, grid_cells(photos, gallery.vocabulary, look))
