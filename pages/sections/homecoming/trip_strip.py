"""The trips among new photos: a strip of their photos, and a link to each."""

import html
from collections.abc import Sequence

import streamlit as st

from pages.sections.messages import counted, escape_markdown
from pages.sections.trips.trip_cards import trip_line_text
from pages.state.page_cache import cache_key
from pages.state.session import get_gallery
from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.homecoming import photos_of_trip
from scene_model.trips.trip_details import TripSummary

_KEY = "homecoming_strips"
_MOST_TRIPS, _PHOTOS = 3, 8


def trip_strips(trips: Sequence[TripSummary]) -> None:
    """Show a strip for each of the newest trips; the page Trips has the others."""
    for summary in trips[:_MOST_TRIPS]:
        with st.container(key=f"homecoming_trip_{summary.trip.id}"):
            st.html(_strip(summary))
            st.page_link(
                "trips.py",
                label=f"**{escape_markdown(summary.trip.title)}**",
                query_params={"trip": str(summary.trip.id)},
            )
            is_proposed = summary.trip.state is TripState.PROPOSED
            st.caption(
                f":material/auto_awesome: **Proposed:** {summary.reasons}"
                if is_proposed
                else trip_line_text(summary)
            )
    more = len(trips) - _MOST_TRIPS
    if more > 0:
        st.caption(f"and {counted(more, 'more trip')}")


def _strip(summary: TripSummary) -> str:
    ids = _photos(summary.trip.id)
    images = "".join(
        f'<img src="/api/photos/{html.escape(photo_id, quote=True)}/thumbnail" alt="" '
        'loading="lazy">'
        for photo_id in ids
    )
    label = html.escape(f"Photos of {summary.trip.title}", quote=True)
    return f'<div class="homecoming-strip" role="img" aria-label="{label}">{images}</div>'


def _photos(trip_id: int) -> list[str]:
    """Return photos of a trip; they are chosen again when the library changed."""
    key = cache_key()
    stamp, by_trip = st.session_state.get(_KEY, (None, {}))
    if stamp != key:
        by_trip = {}
    if trip_id not in by_trip:
        by_trip = by_trip | {trip_id: photos_of_trip(get_gallery().library, trip_id, _PHOTOS)}
        st.session_state[_KEY] = (key, by_trip)
    return list(by_trip[trip_id])
