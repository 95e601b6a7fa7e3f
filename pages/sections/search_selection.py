"""Select search results, tag them, put them into albums, and open them in the gallery."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from pages.sections.albums.put_in_album import album_tools, put_selection
from pages.sections.filters import QUERY_KEY, clear_filter
from pages.sections.label_fields import tag_field
from pages.sections.messages import error_markdown
from pages.sections.selection import select, selected_text, teach_button
from pages.sections.trips.put_in_trip import put_in_trip_tools, put_selection_in_trip
from pages.sections.undo_button import note_edit, undo_button
from pages.state.address import note_action
from pages.state.session import get_gallery
from scene_model.errors import SceneError
from scene_model.library.edits import EditResult

_TAG_KEY, _ERROR_KEY = "search_tag", "search_tag_error"


def selection_tools(page: str, query: str, count: int) -> None:
    """Show the row of tools, also with no photo selected, so that the grid does not move.

    page: the page whose URL a selection keeps. count: photos of the query on all pages.
    """
    gallery = get_gallery()
    is_empty = not gallery.selection
    if message := st.session_state.pop(_ERROR_KEY, None):
        st.error(message)
    with st.container(horizontal=True, vertical_alignment="center", key="search_selection"):
        st.button(
            f"Select all {count:,}",
            icon=":material/select_all:",
            on_click=lambda: select(page, list(gallery.tile_ids(query))),
            help="All photos of this search, not only those on the screen",
            key="search_select_all",
        )
        st.button(
            "Clear",
            icon=":material/deselect:",
            disabled=is_empty,
            on_click=lambda: select(page, []),
            key="search_clear",
        )
        with st.popover("Add tag", icon=":material/sell:", disabled=is_empty):
            _tag_control(page)
        with st.popover("Album", icon=":material/photo_album:", disabled=is_empty):
            album_tools("search", partial(_put_in_album, page))
            put_in_trip_tools("search", partial(_put_in_trip, page))
        if st.button(
            "Open selection in Gallery",
            icon=":material/photo_library:",
            disabled=is_empty,
            on_click=_filter_gallery,
            args=(query,),
        ):
            # Without parameters, Streamlit refuses to leave a page with a query in its URL.
            st.switch_page("gallery.py", query_params={})
        undo_button()
        st.markdown(f"**{selected_text()}**", width="content")


def _filter_gallery(query: str) -> None:
    """Make the query the gallery's only filter; the selection is the session's.

    Not through the URL: its parameter ``q`` belongs to the search line of this page.
    """
    clear_filter("gallery")
    st.session_state[QUERY_KEY] = query


def _tag_control(page: str) -> None:
    tag = tag_field(_TAG_KEY)
    st.button("Add", disabled=not tag, on_click=_add_tag, args=(page, tag), key="search_add_tag")
    teach_button(page)


def _add_tag(page: str, tag: str) -> None:
    gallery = get_gallery()
    _edit(page, lambda: gallery.add_tag(gallery.selected_photos(), tag))


def _put_in_album(page: str, name: str) -> None:
    _edit(page, lambda: put_selection(name))


def _put_in_trip(page: str, trip_id: int) -> None:
    _edit(page, lambda: put_selection_in_trip(trip_id))


def _edit(page: str, make: Callable[[], EditResult]) -> None:
    note_action(page)
    try:
        note_edit(make())
    except SceneError as error:
        st.session_state[_ERROR_KEY] = error_markdown(error)
