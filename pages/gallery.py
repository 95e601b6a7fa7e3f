"""The library as a grid: filter, select, correct, remove; every edit can be undone."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.sections import bulk_edit
from pages.sections.browse import (
    begin_at_first_page,
    browse,
    browse_parts,
    density_control,
    grid_key,
    pages_asked,
)
from pages.sections.filters import (
    QUERY_KEY,
    Filter,
    chips,
    choices_known,
    clear_filter,
    current_filter,
    filter_line,
    filter_parts,
    likely_queries,
)
from pages.sections.photo_view import is_photo_open, show_open_photo
from pages.sections.problem import show_problem
from pages.sections.query_line import order_control, show_query_error
from pages.sections.trash import is_trash_open, open_trash, show_trash
from pages.state.address import AddressPart, note_act, take_address, write_address
from pages.state.session import get_gallery
from pages.widgets.photo_grid import Selecting
from pages.widgets.prefetch import prefetch_pages
from scene_model.errors import QueryError, SceneError

_NAME = "gallery"


def _page() -> None:
    gallery = get_gallery()
    parts = _address_parts()
    take_address(_NAME, parts, is_new=QUERY_KEY not in st.session_state)
    has_keys, total = not _is_covered(), gallery.count("")
    draws = [lambda: _head(has_keys)]
    if total:
        draws += [_tools, lambda: _photos(total, has_keys)]
    _draw_below_each_other(draws)
    if not total:
        st.info("No photos yet. Drop some on the first page.", icon=":material/photo_library:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        write_address(_NAME, parts)
    bulk_edit.show_notice()
    if not show_trash():  # one at a time
        show_open_photo()


def _address_parts() -> dict[str, AddressPart]:
    return filter_parts() | browse_parts(_NAME)


def _is_covered() -> bool:
    """Tell whether a dialog lies over the page, whose keys must then rest."""
    return is_photo_open() or is_trash_open()


def _draw_below_each_other(draws: Sequence[Callable[[], None]]) -> None:
    """Draw parts of the page, each with a place of its own.

    A page that opens is drawn from its top, so that nothing pushes away what is already seen. Where
    a click asked for other photos, they come first: they are on their way to the browser while the
    rest is still made.
    """
    is_open = grid_key(_NAME) in st.session_state
    parts = [(st.container(), draw) for draw in draws]
    for place, draw in reversed(parts) if is_open else parts:
        with place:
            draw()


def _head(has_keys: bool) -> None:
    head, tools = st.columns([3, 2], vertical_alignment="bottom")
    with head:
        st.title("Gallery")
    with tools, st.container(horizontal=True, horizontal_alignment="right"):
        count = get_gallery().library.count(trashed=True)
        if count:
            st.button(f"Trash ({count:,})", icon=":material/delete:", on_click=open_trash)
        bulk_edit.undo_buttons(has_keys)  # at the end of the line: there they stay in place


def _tools() -> None:
    line, order, density = st.columns([5, 2, 2], vertical_alignment="bottom")
    with line:
        filter_line(_NAME)
    with order:
        order_control(_NAME)
    with density:
        density_control(_NAME)


def _photos(total: int, has_keys: bool) -> None:
    asked = current_filter()
    try:
        _narrowed(asked, total, has_keys)
    except QueryError as error:
        show_query_error(asked.query, error)
    except SceneError as error:
        show_problem(error)
    write_address(_NAME, _address_parts())


def _narrowed(asked: Filter, total: int, has_keys: bool) -> None:
    gallery = get_gallery()
    gallery.count(asked.query)  # what is wrong with the visitor's own line is told in its place
    gallery.query = asked.line
    count = gallery.count()
    draws = [lambda: chips(_NAME, asked)]
    if not count:
        _draw_below_each_other([*draws, _nothing_matches])
        return
    draws.append(lambda: bulk_edit.selection_tools(count, total, has_keys))
    _draw_below_each_other([*draws, _grid])
    prefetch_pages(grid_key(_NAME), pages_asked(""), likely_queries(asked), asked.tags)


def _nothing_matches() -> None:
    begin_at_first_page(_NAME)
    st.info("No photo matches this filter.", icon=":material/search_off:")
    st.button(
        "Show all photos", icon=":material/filter_alt_off:", on_click=clear_filter, args=(_NAME,)
    )


def _grid() -> None:
    gallery = get_gallery()
    browse(
        gallery.query,
        _NAME,
        Selecting(gallery.selection, _selected_on_page, _select_between),
        _asked,
        choice=choices_known(),
    )


def _selected_on_page(ids: list[str], shown: list[str]) -> None:
    """Take over what one page says is selected, and keep what other pages had."""
    note_act(_NAME)
    gallery = get_gallery()
    here = set(shown)
    kept = [photo_id for photo_id in gallery.selection if photo_id not in here]
    gallery.selection = [*kept, *ids]


def _select_between(first: str, last: str) -> None:
    note_act(_NAME)
    get_gallery().select_between(first, last)


def _asked(what: str) -> None:
    {"undo": bulk_edit.undo, "redo": bulk_edit.redo}[what]()


try:
    _page()
except SceneError as error:
    show_problem(error)
