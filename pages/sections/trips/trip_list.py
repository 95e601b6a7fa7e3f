"""The list of trips by year, the newest first, with those that are only proposed marked."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.sections.messages import counted
from pages.sections.trips.trip_cards import trip_cards
from pages.sections.trips.trip_edit import PAGE, edit_trips, show_edit_error
from pages.sections.undo_button import undo_button
from pages.state.address import note_action
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery, get_services
from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.trip_details import TripSummary, covers_of
from scene_model.trips.trip_edits import accept_trips, show_trips

_SHOWN_KEY, _HIDDEN_KEY, _COVERS_KEY = "trips_shown", "hidden_trip", "trip_covers"
_STEP = 24


def show_list(trips: Sequence[TripSummary], open_trip: Callable[[int], None]) -> None:
    """Show all trips. open_trip: called with the id of the one that is opened."""
    st.title("Trips")
    show_edit_error()
    visible = [summary for summary in trips if summary.trip.state is not TripState.HIDDEN]
    with st.container(horizontal=True, vertical_alignment="center"):
        _accept_all(visible)
        _hidden_trips([summary for summary in trips if summary.trip.state is TripState.HIDDEN])
        undo_button()
    _update_notice()
    if not visible:
        _no_trips()
        return
    shown = visible[: st.session_state.get(_SHOWN_KEY, _STEP)]
    covers = _covers([summary.trip.id for summary in shown])
    trip_cards(shown, covers, open_trip)
    more = len(visible) - len(shown)
    if more:
        st.button(
            f"Show {min(more, _STEP)} more of {counted(more, 'earlier trip')}",
            icon=":material/expand_more:",
            on_click=_show_more,
            args=(len(shown) + _STEP,),
            key="more_trips",
        )


def _covers(trip_ids: list[int]) -> dict[int, str]:
    """Return the covers of trips; they are chosen again when the library changed."""
    key = (cache_key(), trip_ids)
    cached: tuple[Any, dict[int, str]] | None = st.session_state.get(_COVERS_KEY)
    if cached is None or cached[0] != key:
        covers = covers_of(get_gallery().library, trip_ids)
        cached = st.session_state[_COVERS_KEY] = (key, covers)
    return cached[1]


def _show_more(count: int) -> None:
    note_action(PAGE)
    st.session_state[_SHOWN_KEY] = count


def _accept_all(visible: Sequence[TripSummary]) -> None:
    proposed = [s.trip.id for s in visible if s.trip.state is TripState.PROPOSED]
    if len(proposed) > 1:
        st.button(
            f"Accept all {len(proposed):,} proposals",
            icon=":material/done_all:",
            on_click=edit_trips,
            args=(partial(accept_trips, get_gallery().library, proposed),),
            key="accept_all_trips",
        )


def _hidden_trips(hidden: Sequence[TripSummary]) -> None:
    """Show a menu that brings hidden trips back."""
    if not hidden:
        return
    titles = {summary.trip.id: summary.trip.title for summary in hidden}
    with st.popover(counted(len(hidden), "hidden trip"), icon=":material/visibility_off:"):
        chosen = st.selectbox(
            "Hidden trip", list(titles), format_func=lambda n: titles.get(n, ""), key=_HIDDEN_KEY
        )
        st.button(
            "Show again",
            disabled=chosen is None,
            on_click=_show_again,
            args=(chosen,),
            key="show_trip_again",
        )


def _show_again(trip_id: int) -> None:
    edit_trips(partial(show_trips, get_gallery().library, [trip_id]))


def _update_notice() -> None:
    """Say that trips are being updated, until that has ended."""
    if get_services().trips.is_running:
        _wait_for_update()


@st.fragment(run_every="1s")
def _wait_for_update() -> None:
    if get_services().trips.is_running:
        st.caption(":material/hourglass_top: The trips are being updated …")
    else:
        st.rerun()


def _no_trips() -> None:
    gallery = get_gallery()
    if not gallery.count(""):
        st.info("No photos yet. Add some on the Classify page.", icon=":material/luggage:")
        st.page_link("classify.py", label="Add photos", icon=":material/add_photo_alternate:")
        return
    st.info(
        "No trips yet. They are proposed by themselves when photos come in that were taken away "
        "from home, or on a few days that stand out. Photos need a date for that; a place helps.",
        icon=":material/luggage:",
    )
    undated = gallery.count("-has:date")
    if undated:
        have = "has" if undated == 1 else "have"
        st.caption(f"{counted(undated, 'photo')} {have} no date.")
        st.page_link("dates.py", label="Set dates", icon=":material/event:")
