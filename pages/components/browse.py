"""A query's photos, page by page; the gallery and the search show them the same way."""

from collections.abc import Callable

import streamlit as st

from pages.components.photo_grid import photo_grid
from pages.components.photo_view import open_photo
from pages.components.session import get_gallery

PAGE_SIZES = (24, 36, 60)


def browse(query: str, key: str, on_select: Callable[[list[str]], None] | None = None) -> int:
    """Show the photos of a query with a pager; returns how many there are.

    Raises QueryError. ``on_select`` gets the ids selected on the page shown.
    """
    gallery = get_gallery()
    count = gallery.count(query)
    if not count:
        return 0
    shown = (query, gallery.sort)
    if st.session_state.get(f"{key}_shown") != shown:
        st.session_state[f"{key}_shown"] = shown
        st.session_state[f"{key}_question"] = st.session_state.get(f"{key}_question", 0) + 1
    size = int(st.session_state.get(f"{key}_size", PAGE_SIZES[0]))
    pages = -(-count // size)
    number = min(page_number(key), pages)
    photo_grid(
        gallery.page(number, size, query),
        gallery.vocabulary,
        f"{key}_grid_{number}_{size}",
        on_open=open_photo,
        on_select=on_select,
        selected=gallery.selection,
        revision=gallery.selection_revision,
    )
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if pages > 1:
            st.pagination(pages, key=_page_key(key))
        if count > PAGE_SIZES[0]:
            st.selectbox("Photos a page", PAGE_SIZES, key=f"{key}_size", width=140)
    return count


def page_number(key: str) -> int:
    """Which page is shown, from 1; another query or order begins again at the first."""
    return int(st.session_state.get(_page_key(key), 1))


def _page_key(key: str) -> str:
    return f"{key}_page_{st.session_state.get(f'{key}_question', 0)}"
