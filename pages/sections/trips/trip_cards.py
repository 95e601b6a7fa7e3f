"""Trips as cards: a large cover, title, days and counts; the whole card opens the trip."""

import html
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.sections.trips.trip_edit import edit_trips
from pages.state.session import get_gallery
from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.trip_details import TripSummary
from scene_model.trips.trip_edits import accept_trips, hide_trips


def trip_cards(
    trips: Sequence[TripSummary],
    covers: Mapping[int, str],
    year: int,
    open_trip: Callable[[int], None],
) -> None:
    """Show trips as cards. covers: photo ids by trip. open_trip: called with the id of a trip."""
    with st.container(key=f"trip_cards_{year}"):
        for summary in trips:
            with st.container(key=f"trip_card_{summary.trip.id}"):
                _card(summary, covers.get(summary.trip.id), open_trip)


def _card(summary: TripSummary, cover: str | None, open_trip: Callable[[int], None]) -> None:
    trip, library = summary.trip, get_gallery().library
    st.html(_cover(trip.title, cover))
    st.button(
        f"**{escape_markdown(trip.title)}**  \n{trip_line_text(summary)}",
        type="tertiary",
        key=f"open_trip_{trip.id}",
        on_click=open_trip,
        args=(trip.id,),
        width="stretch",
    )
    if trip.state is not TripState.PROPOSED:
        return
    st.caption(f":material/auto_awesome: **Proposed:** {summary.reasons}")
    with st.container(horizontal=True, key=f"trip_choice_{trip.id}"):
        st.button(
            "Accept",
            icon=":material/check:",
            key=f"accept_trip_{trip.id}",
            on_click=edit_trips,
            args=(partial(accept_trips, library, [trip.id]),),
            help=f"Keep “{escape_markdown(trip.title)}”: new photos of these days join it, and its "
            "title stays",
        )
        st.button(
            "Hide",
            icon=":material/visibility_off:",
            key=f"hide_trip_{trip.id}",
            on_click=edit_trips,
            args=(partial(hide_trips, library, [trip.id]),),
            help=f"“{escape_markdown(trip.title)}” is no trip to you. Its photos stay in the "
            "library.",
        )


def trip_line_text(summary: TripSummary) -> str:
    """Return the days and counts of a trip; days that are its title are left out."""
    days = summary.days_text
    is_title = summary.trip.title.endswith(days)
    parts = [counted(summary.day_count, "day") if is_title else days]
    return " · ".join([*parts, counted(summary.photo_count, "photo")])


def _cover(title: str, cover: str | None) -> str:
    if cover is None:
        return '<div class="trip-cover trip-without-cover">No photos</div>'
    source = html.escape(f"/api/photos/{cover}/thumbnail", quote=True)
    alt = html.escape(f"Cover of {title}", quote=True)
    return f'<img class="trip-cover" src="{source}" alt="{alt}" loading="lazy">'
