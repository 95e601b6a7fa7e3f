"""The page Trips: all trips as cards by year, or one trip with its days and photos."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.sections.browse import browse_address_parts, reset_to_first_page
from pages.sections.messages import show_error
from pages.sections.photo_view import show_open_photo
from pages.sections.trips.open_trip import IN_TIME, show_trip
from pages.sections.trips.trip_edit import PAGE
from pages.sections.trips.trip_list import show_list
from pages.state.address import AddressPart, note_action, read_address, write_address
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery, get_services
from scene_model.errors import SceneError
from scene_model.trips.trip_details import TripDetails, TripSummary, find_trip, list_trips

_OPEN_KEY, _LIST_KEY, _DETAILS_KEY = "open_trip", "trip_list", "trip_details"
_STYLE = Path(__file__).parent / "sections" / "trips" / "trips.css"


def _page() -> None:
    st.html(_STYLE)
    parts = browse_address_parts(PAGE) | {"trip": AddressPart(_apply_trip, _trip_values)}
    if read_address(PAGE, parts, is_new=_OPEN_KEY not in st.session_state):
        get_services().trips.request_if_changed()
    summary = _open_summary()
    if summary is None:
        show_list(_summaries(), _open)
    else:
        show_trip(summary, _details(summary), _open)
    write_address(PAGE, parts)
    show_open_photo()


def _apply_trip(values: list[str]) -> None:
    number = values[0] if values else ""
    is_number = number.isascii() and number.isdigit() and len(number) < 16
    st.session_state[_OPEN_KEY] = int(number) if is_number else 0
    if values and "sort" not in st.query_params:
        get_gallery().sort = IN_TIME


def _trip_values() -> list[str]:
    trip_id = st.session_state.get(_OPEN_KEY)
    return [str(trip_id)] if trip_id else []


def _open(trip_id: int) -> None:
    """Open a trip in the order of time; 0 for the list."""
    note_action(PAGE)
    st.session_state[_OPEN_KEY] = trip_id
    if trip_id:
        get_gallery().sort = IN_TIME
    reset_to_first_page(PAGE)


def _summaries() -> list[TripSummary]:
    """Return all trips with photos; they are listed again when the library changed."""
    key = cache_key()
    cached: tuple[Any, list[TripSummary]] | None = st.session_state.get(_LIST_KEY)
    if cached is None or cached[0] != key:
        cached = st.session_state[_LIST_KEY] = (key, list_trips(get_gallery().library))
    return cached[1]


def _open_summary() -> TripSummary | None:
    trip_id = st.session_state.get(_OPEN_KEY)
    if not trip_id:
        return None
    summary = next((s for s in _summaries() if s.trip.id == trip_id), None)
    if summary is None:
        st.info("There is no such trip any more.", icon=":material/info:")
        st.session_state[_OPEN_KEY] = 0
    return summary


def _details(summary: TripSummary) -> TripDetails:
    key = (cache_key(), summary.trip.id)
    cached: tuple[Any, TripDetails] | None = st.session_state.get(_DETAILS_KEY)
    if cached is None or cached[0] != key:
        details = find_trip(get_gallery().library, summary.trip.id)
        cached = st.session_state[_DETAILS_KEY] = (key, details)
    return cached[1]


try:
    _page()
except SceneError as error:
    show_error(error)
