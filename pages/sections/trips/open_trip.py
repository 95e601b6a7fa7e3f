"""An open trip: its days and photos, with the tools to change it and to take it away."""

import datetime
from collections.abc import Callable

import streamlit as st

from pages.sections.browse import browse, density_control, show_tile
from pages.sections.messages import counted, escape_markdown
from pages.sections.query_line import order_control
from pages.sections.selection import grid_selection
from pages.sections.trips.take_away import day_folders
from pages.sections.trips.trip_cards import trip_line_text
from pages.sections.trips.trip_edit import PAGE, show_edit_error
from pages.sections.trips.trip_tools import change_control, selection_tools
from pages.sections.undo_button import undo_button
from pages.state.address import note_action
from pages.state.session import get_gallery
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.trips.trip_rows import TripState
from scene_model.search.trip_conditions import trip_line
from scene_model.trips.dates_text import short_day_text
from scene_model.trips.trip_details import TripDetails, TripSummary

IN_TIME = Sort(SortKey.TAKEN)
_EXPORT_KEY, _SORT_KEY, _SORT_BY_KEY = "export_q", "sort_q", "sort_by"
_PLACES = 4


def show_trip(summary: TripSummary, details: TripDetails, open_trip: Callable[[int], None]) -> None:
    """Show a trip. open_trip: called with the id of another, or with 0 for the list."""
    gallery, trip = get_gallery(), details.trip
    line = trip_line(trip.title)
    with st.container(horizontal=True, vertical_alignment="center", key="trip_header"):
        st.button(
            "Trips",
            icon=":material/arrow_back:",
            on_click=open_trip,
            args=(0,),
            key="all_trips",
        )
        st.title(escape_markdown(trip.title), width="content")
    st.caption(_facts(summary, details))
    show_edit_error()
    with st.container(horizontal=True, vertical_alignment="center", key="trip_tools"):
        change_control(details, open_trip)
        _take_away(details, line)
        order_control(PAGE, line)
        density_control(PAGE)
        undo_button()
    _days(details, line)
    gallery.query = line
    browse(line, PAGE, grid_selection(PAGE))
    selection_tools(details)


def _facts(summary: TripSummary, details: TripDetails) -> str:
    parts = [trip_line_text(summary)]
    if details.places:
        more = len(details.places) - _PLACES
        names = [*details.places[:_PLACES], *([f"{more} more"] if more > 0 else [])]
        parts.append(escape_markdown(", ".join(names)))
    if details.trip.state is TripState.PROPOSED:
        parts = [f":material/auto_awesome: **Proposed:** {summary.reasons}", *parts[1:]]
    elif details.trip.state is TripState.HIDDEN:
        parts.append("hidden")
    return " · ".join(parts)


def _take_away(details: TripDetails, line: str) -> None:
    with st.popover("Export", icon=":material/download:", key="export_trip"):
        day_folders(line, "export_trip")
    if details.has_positions:
        st.page_link("map.py", label="Map", icon=":material/map:", query_params={"filter": line})


def _days(details: TripDetails, line: str) -> None:
    """Show the days as buttons, each of which scrolls to the photos of its day."""
    days = [day for day in details.days if day.date is not None]
    if len(days) < 2:
        return
    with st.container(horizontal=True, gap="small", key="trip_days"):
        for day in days:
            assert day.date is not None  # noqa: S101 - see above
            place = f" · {escape_markdown(day.place)}" if day.place else ""
            text = f"{short_day_text(day.date)}{place} · {day.photo_count:,}"
            st.button(
                text,
                on_click=_show_day,
                args=(details, line, day.date),
                key=f"trip_day_{day.date}",
                help=f"Scroll to the photos of this day: {counted(day.photo_count, 'photo')}. "
                "Photos after midnight belong to the evening before.",
            )


def _show_day(details: TripDetails, line: str, date: datetime.date) -> None:
    note_action(PAGE)
    gallery = get_gallery()
    gallery.sort = IN_TIME
    earlier = sum(d.photo_count for d in details.days if d.date is not None and d.date < date)
    of_day = next(day.photo_count for day in details.days if day.date == date)
    day_ids = frozenset(details.photo_ids[earlier : earlier + of_day])
    tiles = enumerate(gallery.tile_ids(line))
    show_tile(PAGE, next((i for i, photo_id in tiles if photo_id in day_ids), 0))
