"""A query's photos, page by page; the gallery and the search show them the same way."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from pages.sections.photo_view import PlaceInQuery, open_photo
from pages.state.address import AddressPart, note_act
from pages.state.page_cache import PagesAsked, grid_pages
from pages.state.session import get_gallery
from pages.widgets.photo_grid import PagedGrid, Selecting, paged_grid
from scene_model.errors import QueryError
from scene_model.library.sort_order import NEWEST_ADDED, Sort


@dataclass(frozen=True)
class Density:
    """How close photos stand. cell: a photo's least width in CSS. photos: on one page."""

    name: str
    cell: str
    photos: int


# At most 60 pictures a page: the browser is what gets slow.
DENSITIES = {
    "small": Density("Small", "7.5rem", 60),
    "medium": Density("Medium", "11rem", 36),
    "large": Density("Large", "18rem", 18),
}
_DENSITY_KEY = "density"
_USUAL = "medium"


def density_control(page: str) -> None:
    """Let the visitor choose how close the photos of a page stand."""
    st.session_state.setdefault(_DENSITY_KEY, _USUAL)
    st.segmented_control(
        "Size of the pictures",
        list(DENSITIES),
        format_func=lambda name: DENSITIES[name].name,
        key=_DENSITY_KEY,
        on_change=note_act,
        args=(page,),
        required=True,
        persist_state="session",
        help=" · ".join(f"{d.name}: {d.photos} a page" for d in DENSITIES.values()),
    )


def browse(
    query: str,
    key: str,
    selecting: Selecting | None = None,
    on_ask: Callable[[str], None] | None = None,
    with_scores: bool = False,
    choice: int = 0,
) -> int:
    """Show the photos of a query with a pager; returns how many there are.

    Raises QueryError. key: the page's name, as its address has it. on_ask: gets what a key asked
    for, "undo" or "redo". choice: the number of the latest choice of a chip that the query goes by.
    """
    gallery = get_gallery()
    count = gallery.count(query)
    if not count:
        return 0
    density, asked = _density(), replace(pages_asked(query, with_scores), count=count)
    number = _turn_to(key, (query, gallery.sort, density.photos), asked.page_count)
    pages = grid_pages(key, asked, number)
    places = {
        photo_id: (page_number - 1) * density.photos + i
        for page_number, page in pages.items()
        for i, photo_id in enumerate(page.ids)
    }

    def open_one(photo_id: str) -> None:
        note_act(key)
        open_photo(photo_id, PlaceInQuery(query, places.get(photo_id, 0)))

    paged_grid(
        PagedGrid(
            asked.question,
            number,
            asked.page_count,
            pages,
            on_turn=lambda page: _turn(key, min(asked.page_count, max(1, page))),
            choice=choice,
        ),
        grid_key(key),
        on_open=open_one,
        selecting=selecting,
        cell=density.cell,
        on_ask=on_ask or (lambda _: None),
    )
    return count


def pages_asked(query: str, with_scores: bool = False) -> PagesAsked:
    """A query's pages as `browse` makes them, not counted yet."""
    return PagesAsked(query, get_gallery().sort, _density().photos, 0, with_scores)


def grid_key(key: str) -> str:
    """The key of the grid that `browse` shows."""
    return f"{key}_grid"


def grid_cell() -> str:
    """The least width of a photo, in CSS, as the visitor chose it."""
    return _density().cell


def begin_at_first_page(key: str) -> None:
    """Turn back to the first page; nothing else does where no photo is shown."""
    _go_to_page(key, 1)


def browse_parts(key: str) -> dict[str, AddressPart]:
    """What the address says of every page that shows photos: order, size and page."""
    return {
        "sort": AddressPart(_take_sort, _say_sort),
        "size": AddressPart(_take_density, _say_density),
        "page": AddressPart(lambda said: _take_page(key, said), lambda: _say_page(key)),
    }


def _turn(key: str, number: int) -> None:
    note_act(key)
    _go_to_page(key, number)


def _go_to_page(key: str, number: int) -> None:
    st.session_state[_page_key(key)] = number


def _density() -> Density:
    return DENSITIES[st.session_state.get(_DENSITY_KEY) or _USUAL]


def _turn_to(key: str, question: tuple[str, Sort, int], pages: int) -> int:
    """The page to show; another question begins at the first, unless the address asked it."""
    asked_key = f"{key}_question"
    before = st.session_state.get(asked_key)
    st.session_state[asked_key] = question
    number = int(st.session_state.get(_page_key(key)) or 1)
    if before is not None and before != question:
        number = 1
    number = min(max(1, number), pages)
    _go_to_page(key, number)
    return number


def _page_key(key: str) -> str:
    return f"{key}_page"


def _take_page(key: str, said: list[str]) -> None:
    number = said[0] if said else ""
    is_number = number.isascii() and number.isdigit() and len(number) < 8
    _go_to_page(key, int(number) if is_number else 1)
    st.session_state.pop(f"{key}_question", None)


def _say_page(key: str) -> list[str]:
    number = int(st.session_state.get(_page_key(key)) or 1)
    return [str(number)] if number > 1 else []


def _take_sort(said: list[str]) -> None:
    if said:
        try:
            get_gallery().sort = Sort.read(said[0])
        except QueryError:
            get_gallery().sort = NEWEST_ADDED


def _say_sort() -> list[str]:
    sort = get_gallery().sort
    return [] if sort == NEWEST_ADDED else [str(sort)]


def _take_density(said: list[str]) -> None:
    if said and said[0] in DENSITIES:
        st.session_state[_DENSITY_KEY] = said[0]


def _say_density() -> list[str]:
    name = st.session_state.get(_DENSITY_KEY) or _USUAL
    return [] if name == _USUAL else [name]
