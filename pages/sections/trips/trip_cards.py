"""The trips of a list as cards, which open, accept or hide a trip."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pages.sections.messages import counted
from pages.sections.trips.trip_edit import edit_trips
from pages.state.session import get_gallery
from pages.widgets.trip_cards import TripCard, TripCardHandlers
from pages.widgets.trip_cards import trip_cards as draw_cards
from scene_model.library.trips.trip_rows import TripState
from scene_model.trips.trip_details import TripSummary
from scene_model.trips.trip_edits import accept_trips, hide_trips


def trip_cards(
    trips: Sequence[TripSummary], covers: Mapping[int, str], open_trip: Callable[[int], None]
) -> None:
    """Show trips by year. covers: photo ids by trip. open_trip: called with the id of a trip."""
    library = get_gallery().library

    def accept(trip_id: int) -> None:
        edit_trips(partial(accept_trips, library, [trip_id]))

    def hide(trip_id: int) -> None:
        edit_trips(partial(hide_trips, library, [trip_id]))

    cards = [_card(summary, covers.get(summary.trip.id)) for summary in trips]
    draw_cards(cards, "trip_cards", TripCardHandlers(open_trip, accept, hide))


def _card(summary: TripSummary, cover: str | None) -> TripCard:
    trip = summary.trip
    reasons = summary.reasons if trip.state is TripState.PROPOSED else None
    line = trip_line_text(summary)
    return TripCard(trip.id, summary.first.year, trip.title, line, cover, reasons)


def trip_line_text(summary: TripSummary) -> str:
    """Return the days and counts of a trip; days that are its title are left out."""
    days = summary.days_text
    is_title = summary.trip.title.endswith(days)
    parts = [counted(summary.day_count, "day") if is_title else days]
    return " · ".join([*parts, counted(summary.photo_count, "photo")])
