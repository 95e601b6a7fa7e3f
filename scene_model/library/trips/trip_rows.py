"""Read trips, without their photos."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from scene_model.classifier.vocabulary import fold
from scene_model.library.database.schema import photos, trip_photos, trips
from scene_model.library.store import Library

MAX_TITLE_LENGTH = 80
# The folder of photos that are in no trip.
NO_TRIP = "no trip"


class TripState(StrEnum):
    """What was decided about a trip; see `schema.trips`."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    HIDDEN = "hidden"
    ENDED = "ended"


SHOWN_STATES = (TripState.PROPOSED, TripState.ACCEPTED)


@dataclass(frozen=True)
class TripRow:
    """One trip. Its columns are described in `schema.trips`."""

    id: int
    title: str
    is_titled_by_person: bool
    state: TripState
    kind: str
    home_km: float | None
    first_at: str | None
    last_at: str | None


def all_trips(library: Library) -> list[TripRow]:
    """Return the trips that did not end, also hidden ones, the newest first."""
    with library.database.reader.begin() as connection:
        return read_trips(connection)


def read_trips(connection: Connection) -> list[TripRow]:
    """Like `all_trips`, within a transaction."""
    query = select(trips).where(trips.c.state != TripState.ENDED)
    rows = connection.execute(query.order_by(trips.c.first_at.desc(), trips.c.id)).all()
    return [trip_row(row) for row in rows]


def trip_row(row: Any) -> TripRow:
    """Build a record from a row of ``trips``."""
    return TripRow(
        *(row.id, row.title, bool(row.is_titled_by_person), TripState(row.state)),
        *(row.kind, row.home_km, row.first_at, row.last_at),
    )


def numbered_title(title: str, taken: Collection[str]) -> str:
    """Return a title that no other trip has, with a number if it must be.

    taken: the titles of the others, folded.
    """
    number, free = 1, title
    while fold(free) in taken:
        number += 1
        free = f"{title} ({number})"
    return free


@dataclass(frozen=True)
class PhotoTrip:
    """The trip of a photo that nobody hid. day: the day that it counts to; None without a date."""

    trip_id: int
    title: str
    day: str | None


def trips_of_photos(library: Library, photo_ids: Iterable[str]) -> dict[str, PhotoTrip]:
    """Return the trips of those of some photos that are in one."""
    rows = func.json_each(json.dumps(list(photo_ids))).table_valued("value")
    query = (
        select(photos.c.id, trips.c.id.label("trip_id"), trips.c.title, trip_photos.c.day)
        .join(trip_photos, trip_photos.c.photo == photos.c.number)
        .join(trips, trips.c.id == trip_photos.c.trip_id)
        .where(photos.c.id.in_(select(rows.c.value)), trips.c.state.in_(SHOWN_STATES))
    )
    with library.database.reader.begin() as connection:
        return {
            row.id: PhotoTrip(row.trip_id, row.title, row.day) for row in connection.execute(query)
        }
