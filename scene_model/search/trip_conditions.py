"""Trips in queries: which trips a text names, and which photos are in them."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, select

from scene_model.classifier.vocabulary import fold
from scene_model.library.database.schema import photos, trip_photos
from scene_model.library.trips.trip_rows import TripRow, TripState
from scene_model.search.query_tree import FieldTerm, print_query


def trips_named(text: str, trips: Sequence[TripRow]) -> list[TripRow]:
    """Return the trip of a title, or else all whose titles have words that begin like the text's.

    Case and underscores do not count. A hidden trip is named by its whole title alone.
    """
    folded = fold(text)
    exact = [trip for trip in trips if fold(trip.title) == folded]
    if exact or not folded:
        return exact
    shown = (trip for trip in trips if trip.state is not TripState.HIDDEN)
    return [trip for trip in shown if f" {folded}" in f" {_words(trip.title)}"]


def trip_line(title: str) -> str:
    """Return the query line that finds the photos of the trip of a title."""
    return print_query(FieldTerm("trip", title))


def is_in_trip(trip_ids: Collection[int]) -> ColumnElement[bool]:
    """The photo is in one of the trips."""
    member = trip_photos.alias()
    in_trips = select(member.c.photo).where(member.c.trip_id.in_(sorted(trip_ids)))
    # No index of an order has the id, so none is scanned whole: a trip has few photos, and reading
    # their rows takes a tenth of the time.
    return and_(photos.c.number.in_(in_trips), photos.c.id.is_not(None))


def _words(title: str) -> str:
    return " ".join(fold(title).replace(",", " ").replace("(", " ").split())
