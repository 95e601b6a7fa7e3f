"""The library as a grid: filter, select, edit and trash photos, with undo."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pages.sections import bulk_edit
from pages.sections.browse import (
    browse,
    browse_address_parts,
    captions_control,
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
from pages.sections.messages import counted, show_error
from pages.sections.photo_view import is_photo_open, show_open_photo
from pages.sections.query_line import (
    likeness_text,
    order_control,
    passed_over_text,
    show_query_error,
)
from pages.sections.selection import grid_selection
from pages.sections.trash import is_trash_open, open_trash, show_trash
from pages.sections.undo_button import show_edit_notice
from pages.state.address import AddressPart, note_action, read_address, write_address
from pages.state.session import get_gallery
from pages.widgets.prefetch import prefetch_pages
from pages.widgets.stack_marks import tiles_text
from scene_model.errors import QueryError, SceneError
from scene_model.library.clutter.clutter_rows import count_apart

_NAME = "gallery"
_STYLE = Path(__file__).with_suffix(".css")


def _page() -> None:
    gallery = get_gallery()
    st.html(_STYLE)
    parts = _address_parts()
    read_address(_NAME, parts, is_new=QUERY_KEY not in st.session_state)
    has_keys, total = not _is_covered(), gallery.count("")
    draws = [lambda: _header(total, has_keys)]
    if total:
        draws.append(lambda: _filtered_photos(total, has_keys))
    _draw_in_order([*draws, _open_photo])
    if not total:
        st.info("No photos yet. Add some on the Classify page.", icon=":material/photo_library:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        write_address(_NAME, parts)
    show_edit_notice(lambda: note_action(_NAME))
    show_trash()


def _address_parts() -> dict[str, AddressPart]:
    return filter_address_parts() | browse_address_parts(_NAME)


def _is_covered() -> bool:
    """Whether a dialog covers the page; its keyboard shortcuts are off then."""
    return is_photo_open() or is_trash_open()


def _draw_in_order(draws: Sequence[Callable[[], None]]) -> None:
    """Draw parts of the page below each other, each in its own container.

    The first run draws from the top, so that nothing already visible moves. A later run begins with
    the last part, the open photo or the photos: they are sent to the browser while the other parts
    are still being made.
    """
    was_drawn = grid_key(_NAME) in st.session_state
    parts = [(st.container(), draw) for draw in draws]
    for container, draw in reversed(parts) if was_drawn else parts:
        with container:
            draw()


def _header(total: int, has_keys: bool) -> None:
    """Show everything that is needed at any time in one row, which stays at the top."""
    gallery = get_gallery()
    with st.container(key="gallery_title"):  # for screen readers
        st.title("Gallery")
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="gallery_header"
    ):
        if total:
            query_filter(_NAME)
            order_control(_NAME, current_filter().query)
            density_control(_NAME)
            captions_control()
        bulk_edit.undo_buttons(has_keys)
        count = gallery.library.count(trashed=True)
        if count:  # last, so that the others do not move when it appears
            st.button(
                f"Trash ({count:,})",
                icon=":material/delete:",
                key="open_trash",
                on_click=open_trash,
            )


def _filtered_photos(total: int, has_keys: bool) -> None:
    chosen = current_filter()
    try:
        _matching_photos(chosen, total, has_keys)
    except QueryError as error:
        show_query_error(chosen.query, error)
    except SceneError as error:
        show_error(error)
    write_address(_NAME, _address_parts())


def _open_photo() -> None:
    if is_trash_open():  # one at a time
        return
    try:
        query = current_filter().full_query
    except QueryError:  # reported above the photos
        query = None
    show_open_photo(query)


def _matching_photos(chosen: Filter, total: int, has_keys: bool) -> None:
    gallery = get_gallery()
    gallery.count(chosen.query)  # errors in the typed query are reported at its own positions
    gallery.query = chosen.full_query
    count = gallery.count()
    _draw_in_order(
        [
            lambda: _filters(chosen, count, total, has_keys),
            _grid if count else _no_matches,
            lambda: bulk_edit.selection_bar(has_keys),
        ]
    )
    if count:
        prefetch_pages(grid_key(_NAME), page_request(""), likely_queries(chosen), chosen.tags)


def _filters(chosen: Filter, count: int, total: int, has_keys: bool) -> None:
    apart = count_apart(get_gallery().library.database)
    all_count = total - apart if chosen.leaves_out_apart else total
    with st.container(horizontal=True, gap="small", key="gallery_filters"):
        chips(_NAME, chosen)
        bulk_edit.select_all_button(count, has_keys)
        # In the line of the count, so that the photos stay where they are.
        parts = [
            f"{count:,} of {all_count:,} photos",
            tiles_text(count, get_gallery().count_tiles()),
            passed_over_text(chosen.query),
            likeness_text(chosen.query),
        ]
        with st.container(width="content", key="gallery_counts"):
            st.caption(" · ".join(filter(None, parts)), width="content")
    if apart:
        _link_to_clutter(apart)


def _link_to_clutter(apart: int) -> None:
    verb = "is" if apart == 1 else "are"
    with st.container(key="gallery_clutter_link"):
        st.page_link(
            "clutter.py",
            label=f"{counted(apart, 'photo')} {verb} apart in Clutter",
            icon=":material/inventory_2:",
        )


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
        grid_selection(_NAME),
        _undo_or_redo,
        choice=last_chip_choice(),
    )


def _undo_or_redo(action: str) -> None:
    {"undo": bulk_edit.undo, "redo": bulk_edit.redo}[action]()


try:
    _page()
except SceneError as error:
    show_error(error)
