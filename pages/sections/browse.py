"""The photos of a query as a grid that scrolls over pages, for the Gallery and Search pages."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from pages.sections.photo.position import QueryPosition
from pages.sections.photo_view import open_photo
from pages.state.address import AddressPart, note_action, note_written
from pages.state.page_cache import PageRequest, grid_pages, months_of
from pages.state.session import get_gallery
from pages.widgets.photo_grid import GridSelection, GridTarget, PagedGrid, paged_grid
from scene_model.errors import QueryError
from scene_model.library.sort_order import BEST_MATCH, Sort


@dataclass(frozen=True)
class Density:
    """Size of the thumbnails.

    row: height of a row in CSS. photos: per page. by_month: whether headings are months, not days.
    """

    name: str
    row: str
    photos: int
    by_month: bool = False


# At most 60 photos per page: the browser is the bottleneck.
DENSITIES = {
    "small": Density("Small", "6.5rem", 60, by_month=True),
    "medium": Density("Medium", "11rem", 36),
    "large": Density("Large", "17rem", 18),
}
_DENSITY_KEY, _CAPTIONS_KEY = "density", "captions"
_DEFAULT_DENSITY = "medium"


def density_control(page: str) -> None:
    """Show the control for the thumbnail size of a page."""
    st.session_state.setdefault(_DENSITY_KEY, _DEFAULT_DENSITY)
    st.segmented_control(
        "Photo size",
        list(DENSITIES),
        format_func=lambda name: DENSITIES[name].name,
        key=_DENSITY_KEY,
        on_change=note_action,
        args=(page,),
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        help=" · ".join(f"{d.name}: {d.photos} per page" for d in DENSITIES.values()),
    )


def captions_control() -> None:
    """Show the control for captions that stay, also when nothing points at a photo."""
    st.toggle(
        "Captions",
        key=_CAPTIONS_KEY,
        persist_state="session",
        help="Always show class, name and tags. Otherwise they appear on the photo you point at.",
    )


def browse(
    query: str,
    key: str,
    selection: GridSelection | None = None,
    on_shortcut: Callable[[str], None] | None = None,
    with_scores: bool = False,
    with_captions: bool = False,
    choice: int = 0,
) -> int:
    """Show the photos of a query with a pager, a stack as one; returns how many photos match.

    key: the page's name in the URL. on_shortcut: called with "undo" or "redo" when the visitor
    presses that key. with_captions: whether captions stay, whatever the visitor chose.
    choice: number of the latest chip choice that the query includes. Raises QueryError.
    """
    gallery = get_gallery()
    count = gallery.count(query)
    if not count:
        return 0
    tiles = gallery.count_tiles(query)
    density, request = _density(), replace(page_request(query, with_scores), count=tiles)
    number = _current_page(key, (query, gallery.sort, density.photos), request.page_count)
    pages = grid_pages(key, request, number)
    indexes = {
        photo_id: (page_number - 1) * density.photos + i
        for page_number, page in pages.items()
        for i, photo_id in enumerate(page.ids)
    }

    def open_in_query(photo_id: str, opening: str) -> None:
        note_action(key)
        open_photo(photo_id, QueryPosition(query, indexes.get(photo_id, 0)), opening)

    paged_grid(
        PagedGrid(
            request.view_id,
            number,
            request.page_count,
            density.photos,
            pages,
            on_turn=partial(_turn, key, request.page_count),
            choice=choice,
            months=months_of(key, request),
            target=st.session_state.get(_target_key(key)),
        ),
        grid_key(key),
        on_open=open_in_query,
        selection=selection,
        row=density.row,
        with_captions=with_captions or bool(st.session_state.get(_CAPTIONS_KEY)),
        on_shortcut=on_shortcut or (lambda _: None),
    )
    return count


def page_request(query: str, with_scores: bool = False) -> PageRequest:
    """Return the request `browse` makes for a query, with a count of 0."""
    density = _density()
    return PageRequest(
        query, get_gallery().sort, density.photos, 0, with_scores, by_month=density.by_month
    )


def grid_key(key: str) -> str:
    """Return the widget key of the grid that `browse` shows."""
    return f"{key}_grid"


def grid_row() -> str:
    """Return the height of a row of photos in CSS, as chosen by the visitor."""
    return _density().row


def reset_to_first_page(key: str) -> None:
    """Go back to the first page; needed when no photo matches, as `browse` is not called then."""
    _go_to_page(key, 1)


def show_tile(key: str, index: int) -> None:
    """Go to the page that has a tile of the list, by its index from 0, and scroll to the tile."""
    photos = _density().photos
    _go_to_page(key, index // photos + 1)
    latest: GridTarget | None = st.session_state.get(_target_key(key))
    number = 1 if latest is None else latest.number + 1
    st.session_state[_target_key(key)] = GridTarget(number, index % photos)


def browse_address_parts(key: str) -> dict[str, AddressPart]:
    """Return the URL parameters of every page with a grid: order, size and page number."""
    return {
        "sort": AddressPart(_apply_sort, _sort_values),
        "size": AddressPart(_apply_density, _density_values),
        "page": AddressPart(lambda values: _apply_page(key, values), lambda: _page_values(key)),
    }


def _turn(key: str, page_count: int, number: int, is_scrolled: bool) -> None:
    note_action(key)
    _go_to_page(key, min(page_count, max(1, number)))
    if is_scrolled:
        note_written(key, "page", _page_values(key))


def _go_to_page(key: str, number: int) -> None:
    st.session_state[_page_key(key)] = number


def _density() -> Density:
    return DENSITIES[st.session_state.get(_DENSITY_KEY) or _DEFAULT_DENSITY]


def _current_page(key: str, view: tuple[str, Sort, int], page_count: int) -> int:
    """Return the page number to show; another query, order or size starts at page 1.

    A page number from the URL is used as it is.
    """
    view_key = _view_key(key)
    previous = st.session_state.get(view_key)
    st.session_state[view_key] = view
    number = int(st.session_state.get(_page_key(key)) or 1)
    if previous is not None and previous != view:
        number = 1
    number = min(max(1, number), page_count)
    _go_to_page(key, number)
    return number


def _page_key(key: str) -> str:
    return f"{key}_page"


def _target_key(key: str) -> str:
    return f"{key}_target"


def _view_key(key: str) -> str:
    return f"{key}_view"


def _apply_page(key: str, values: list[str]) -> None:
    number = values[0] if values else ""
    is_number = number.isascii() and number.isdigit() and len(number) < 8
    _go_to_page(key, int(number) if is_number else 1)
    st.session_state.pop(_view_key(key), None)


def _page_values(key: str) -> list[str]:
    number = int(st.session_state.get(_page_key(key)) or 1)
    return [str(number)] if number > 1 else []


def _apply_sort(values: list[str]) -> None:
    if values:
        try:
            get_gallery().sort = Sort.read(values[0])
        except QueryError:
            get_gallery().sort = BEST_MATCH


def _sort_values() -> list[str]:
    sort = get_gallery().sort
    return [] if sort == BEST_MATCH else [str(sort)]


def _apply_density(values: list[str]) -> None:
    if values and values[0] in DENSITIES:
        st.session_state[_DENSITY_KEY] = values[0]


def _density_values() -> list[str]:
    name = st.session_state.get(_DENSITY_KEY) or _DEFAULT_DENSITY
    return [] if name == _DEFAULT_DENSITY else [name]
