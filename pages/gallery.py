"""The library as a grid: filter, select, edit and trash photos, with undo."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.sections import bulk_edit
from pages.sections.browse import (
    browse,
    browse_address_parts,
    density_control,
    grid_key,
    page_request,
    reset_to_first_page,
)
from pages.sections.filters import (
    QUERY_KEY,
    Filter,
    chips,
    clear_filter,
    current_filter,
    filter_address_parts,
    last_chip_choice,
    likely_queries,
    query_filter,
)
from pages.sections.messages import show_error
from pages.sections.photo_view import is_photo_open, show_open_photo
from pages.sections.query_line import order_control, show_query_error
from pages.sections.trash import is_trash_open, open_trash, show_trash
from pages.state.address import AddressPart, note_action, read_address, write_address
from pages.state.session import get_gallery
from pages.widgets.photo_grid import GridSelection
from pages.widgets.prefetch import prefetch_pages
from scene_model.errors import QueryError, SceneError

_NAME = "gallery"


def _page() -> None:
    gallery = get_gallery()
    parts = _address_parts()
    read_address(_NAME, parts, is_new=QUERY_KEY not in st.session_state)
    has_keys, total = not _is_covered(), gallery.count("")
    draws = [lambda: _head(has_keys)]
    if total:
        draws += [_tools, lambda: _filtered_photos(total, has_keys)]
    _draw_in_order(draws)
    if not total:
        st.info("No photos yet. Add some on the Classify page.", icon=":material/photo_library:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        write_address(_NAME, parts)
    bulk_edit.show_notice()
    if not show_trash():  # one at a time
        show_open_photo()


def _address_parts() -> dict[str, AddressPart]:
    return filter_address_parts() | browse_address_parts(_NAME)


def _is_covered() -> bool:
    """Whether a dialog covers the page; its keyboard shortcuts are off then."""
    return is_photo_open() or is_trash_open()


def _draw_in_order(draws: Sequence[Callable[[], None]]) -> None:
    """Draw parts of the page below each other, each in its own container.

    The first run draws from the top, so that nothing already visible moves. A later run draws the
    photos first: they are sent to the browser while the other parts are still being made.
    """
    was_drawn = grid_key(_NAME) in st.session_state
    parts = [(st.container(), draw) for draw in draws]
    for container, draw in reversed(parts) if was_drawn else parts:
        with container:
            draw()


def _head(has_keys: bool) -> None:
    title, tools = st.columns([3, 2], vertical_alignment="bottom")
    with title:
        st.title("Gallery")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        count = get_gallery().library.count(trashed=True)
        if count:
            st.button(f"Trash ({count:,})", icon=":material/delete:", on_click=open_trash)
        bulk_edit.undo_buttons(has_keys)  # last, so that they do not move when Trash appears


def _tools() -> None:
    query, order, density = st.columns([5, 2, 2], vertical_alignment="bottom")
    with query:
        query_filter(_NAME)
    with order:
        order_control(_NAME, current_filter().query)
    with density:
        density_control(_NAME)


def _filtered_photos(total: int, has_keys: bool) -> None:
    chosen = current_filter()
    try:
        _matching_photos(chosen, total, has_keys)
    except QueryError as error:
        show_query_error(chosen.query, error)
    except SceneError as error:
        show_error(error)
    write_address(_NAME, _address_parts())


def _matching_photos(chosen: Filter, total: int, has_keys: bool) -> None:
    gallery = get_gallery()
    gallery.count(chosen.query)  # errors in the typed query are reported at its own positions
    gallery.query = chosen.full_query
    count = gallery.count()
    draws = [lambda: chips(_NAME, chosen)]
    if not count:
        _draw_in_order([*draws, _no_matches])
        return
    draws.append(lambda: bulk_edit.selection_tools(count, total, has_keys))
    _draw_in_order([*draws, _grid])
    prefetch_pages(grid_key(_NAME), page_request(""), likely_queries(chosen), chosen.tags)


def _no_matches() -> None:
    reset_to_first_page(_NAME)
    st.info("No photos match this filter.", icon=":material/search_off:")
    st.button(
        "Show all photos", icon=":material/filter_alt_off:", on_click=clear_filter, args=(_NAME,)
    )


def _grid() -> None:
    gallery = get_gallery()
    browse(
        gallery.query,
        _NAME,
        GridSelection(gallery.selection, _select_on_page, _select_between),
        _undo_or_redo,
        choice=last_chip_choice(),
    )


def _select_on_page(ids: list[str], page_ids: list[str]) -> None:
    """Replace the selection of one page; the selection of the other pages is unchanged."""
    note_action(_NAME)
    gallery = get_gallery()
    on_page = set(page_ids)
    on_other_pages = [photo_id for photo_id in gallery.selection if photo_id not in on_page]
    gallery.selection = [*on_other_pages, *ids]


def _select_between(first: str, last: str) -> None:
    note_action(_NAME)
    get_gallery().select_between(first, last)


def _undo_or_redo(action: str) -> None:
    {"undo": bulk_edit.undo, "redo": bulk_edit.redo}[action]()


try:
    _page()
except SceneError as error:
    show_error(error)
