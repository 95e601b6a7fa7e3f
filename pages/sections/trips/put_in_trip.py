"""Put the selected photos into a trip."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.state.session import get_gallery
from scene_model.library.edits import EditResult
from scene_model.library.trips.trip_rows import TripRow, TripState
from scene_model.trips.trip_edits import put_in_trip


def put_in_trip_tools(key: str, put: Callable[[int], None], without: int = 0) -> None:
    """Show a field for a trip and a button; nothing without trips.

    put: called with the id of the chosen trip. without: id of a trip that is not offered.
    """
    titles = titles_of_others(get_gallery().trips(), without)
    if not titles:
        return
    chosen = st.selectbox(
        "Trip for the selected photos",
        list(titles),
        index=None,
        format_func=lambda trip_id: titles.get(trip_id, ""),
        placeholder="Choose a trip",
        key=f"{key}_trip",
    )
    st.button(
        "Put into trip",
        disabled=chosen is None,
        on_click=put,
        args=(chosen,),
        key=f"{key}_put_in_trip",
        help="A photo is in one trip at most: it leaves the one it is in.",
    )


def put_selection_in_trip(trip_id: int) -> EditResult:
    """Put the selected photos into a trip, with those behind them in stacks.

    Raises TripNotFound.
    """
    gallery = get_gallery()
    return put_in_trip(gallery.library, trip_id, gallery.selected_photos())


def titles_of_others(trips: Sequence[TripRow], trip_id: int) -> dict[int, str]:
    """Return the titles of trips by their ids, without hidden ones and a trip itself."""
    shown = (trip for trip in trips if trip.state is not TripState.HIDDEN)
    return {trip.id: trip.title for trip in shown if trip.id != trip_id}
