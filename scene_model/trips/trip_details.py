"""Trips with their photos, days and places, as people and programs read them."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from scene_model.errors import TripNotFound
from scene_model.library.database.schema import photos, places, trip_photos, trips
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import SHOWN_STATES, TripRow, TripState, trip_row
from scene_model.trips.dates_text import days_text
from scene_model.trips.named_places import NamedPlace, count_places

_MOST_PLACES = 12


@dataclass(frozen=True)
class TripDay:
    """One day of a trip. date: None for photos without one. place: where most photos are from."""

    date: datetime.date | None
    photo_count: int
    place: str | None


@dataclass(frozen=True)
class TripDetails:
    """A trip with its days. photo_ids: those outside the trash, in order of time.

    country: ISO 3166-1 alpha-2, of most photos. places: those of most photos first. has_positions:
    whether any photo has coordinates.
    """

    trip: TripRow
    photo_ids: tuple[str, ...]
    days: tuple[TripDay, ...]
    country: str | None
    places: tuple[str, ...]
    has_positions: bool


@dataclass(frozen=True)
class TripSummary:
    """A trip as lists show it. photo_count: its photos outside the trash."""

    trip: TripRow
    photo_count: int
    day_count: int
    first: datetime.date
    last: datetime.date

    @property
    def days_text(self) -> str:
        """Its days in words."""
        return days_text(self.first, self.last)

    @property
    def reasons(self) -> str:
        """Why it is a trip, in words: "5 days, 312 photos, 480 km from home"."""
        days = "1 day" if self.day_count == 1 else f"{self.day_count:,} days"
        count = self.photo_count
        parts = [days, "1 photo" if count == 1 else f"{count:,} photos"]
        if self.trip.home_km is not None:
            parts.append(f"{self.trip.home_km:,.0f} km from home")
        elif self.trip.kind == "time only":
            parts.append("by the dates alone")
        return ", ".join(parts)


def list_trips(library: Library) -> list[TripSummary]:
    """Return all trips with photos, also hidden ones, the newest first."""
    with library.database.reader.begin() as connection:
        by_day = {(row.trip_id, row.day): row.photos for row in connection.execute(_COUNTS)}
        for row in connection.execute(_COUNTS_IN_TRASH):
            by_day[row.trip_id, row.day] -= row.photos
        rows = connection.execute(select(trips).where(trips.c.state != TripState.ENDED)).all()
    days: dict[int, list[str]] = {}
    counts: dict[int, int] = {}
    for (trip_id, day), count in by_day.items():
        counts[trip_id] = counts.get(trip_id, 0) + count
        if day is not None and count:
            days.setdefault(trip_id, []).append(day)
    summaries = [
        TripSummary(
            *(trip_row(row), counts[row.id], len(days[row.id])),
            *(_date(min(days[row.id])), _date(max(days[row.id]))),
        )
        for row in rows
        if row.id in days
    ]
    return sorted(summaries, key=lambda summary: (summary.first, summary.trip.id), reverse=True)


def trip_record(details: TripDetails) -> dict[str, Any]:
    """Return a trip as programs read it, in the command line and in the API."""
    return {
        "id": details.trip.id,
        "title": details.trip.title,
        "from": details.trip.first_at,
        "to": details.trip.last_at,
        "photos": len(details.photo_ids),
        "country": details.country,
        "places": list(details.places),
        "days": [
            {
                "date": None if day.date is None else day.date.isoformat(),
                "photos": day.photo_count,
                "place": day.place,
            }
            for day in details.days
        ],
        "photo_ids": list(details.photo_ids),
    }


def covers_of(library: Library, trip_ids: Sequence[int]) -> dict[int, str]:
    """Return the id of the photo that shows for each trip.

    The best rated favourite, or the best rated, or one from the middle: the first photos of a trip
    are often taken on the way.
    """
    members = trip_photos.c.trip_id.in_(trip_ids)
    rank = func.row_number().over(
        partition_by=trip_photos.c.trip_id, order_by=(trip_photos.c.day, trip_photos.c.photo)
    )
    total = func.count().over(partition_by=trip_photos.c.trip_id)
    ranked = (
        select(trip_photos.c.trip_id, trip_photos.c.photo, rank.label("rank"), total.label("total"))
        .where(members, trip_photos.c.photo.not_in(_IN_TRASH))
        .subquery()
    )
    middle = (
        select(ranked.c.trip_id, photos.c.id)
        .join(photos, photos.c.number == ranked.c.photo)
        .where(ranked.c.rank == ranked.c.total // 2 + 1)
    )
    chosen = (
        select(trip_photos.c.trip_id, photos.c.id)
        .join(photos, photos.c.number == trip_photos.c.photo)
        .with_hint(photos, "NOT INDEXED", "sqlite")
        .where(members, photos.c.trashed_at.is_(None))
        .where(photos.c.favourite | (photos.c.rating > 0))
        .order_by(photos.c.favourite, photos.c.rating, photos.c.number.desc())
    )
    with library.database.reader.begin() as connection:
        rows = [*connection.execute(middle), *connection.execute(chosen)]
    return {row.trip_id: row.id for row in rows}


def find_trip(library: Library, trip_id: int) -> TripDetails:
    """Return one trip, also a hidden one; raises TripNotFound."""
    with library.database.reader.begin() as connection:
        details = read_details(connection, [trip_id])
    if not details:
        raise TripNotFound("There is no trip with this id any more.")
    return details[0]


def shown_trips(library: Library) -> list[TripDetails]:
    """Return all trips that nobody hid, with their photos, the oldest first."""
    with library.database.reader.begin() as connection:
        shown = select(trips.c.id).where(trips.c.state.in_(SHOWN_STATES))
        ids = list(connection.execute(shown).scalars())
        details = read_details(connection, ids)
    return sorted(details, key=lambda d: (d.trip.first_at or "", d.trip.id))


def read_details(connection: Connection, trip_ids: Sequence[int]) -> list[TripDetails]:
    """Return trips that have photos and did not end, within a transaction."""
    chosen_ids = set(trip_ids)
    rows = select(trips).where(trips.c.state != TripState.ENDED).order_by(trips.c.id)
    if len(chosen_ids) == 1:
        rows = rows.where(trips.c.id.in_(chosen_ids))
    by_id = {row.id: trip_row(row) for row in connection.execute(rows) if row.id in chosen_ids}
    if not by_id:
        return []
    members = _MEMBERS
    if len(by_id) == 1:
        members = members.where(trip_photos.c.trip_id.in_(by_id))
    by_trip: dict[int, list[Any]] = {}
    for member in connection.execute(members):
        if member.trip_id in by_id:
            by_trip.setdefault(member.trip_id, []).append(member)
    return [_details(by_id[trip_id], members_) for trip_id, members_ in by_trip.items()]


def _details(trip: TripRow, members: Sequence[Any]) -> TripDetails:
    by_day: dict[str | None, list[Any]] = {}
    for member in members:
        by_day.setdefault(member.day, []).append(member)
    all_places = _places_of(members)
    countries = Counter(place.country for place in all_places if place.country)
    days = [
        TripDay(None if day is None else _date(day), len(rows), _most_frequent_place(rows))
        for day, rows in by_day.items()
    ]
    return TripDetails(
        trip,
        tuple(member.id for member in members),
        tuple(days),
        countries.most_common(1)[0][0] if countries else None,
        tuple(dict.fromkeys(place.name for place, _ in count_places(all_places)[:_MOST_PLACES])),
        any(member.latitude is not None for member in members),
    )


def _places_of(members: Sequence[Any]) -> list[NamedPlace]:
    return [
        NamedPlace(row.name, row.region, row.country, row.kind)
        for row in members
        if row.name is not None
    ]


def _most_frequent_place(members: Sequence[Any]) -> str | None:
    counts = count_places(_places_of(members))
    return counts[0][0].name if counts else None


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


_IN_TRIP = trip_photos.c.trip_id.is_not(None)
_COUNTS = (
    select(trip_photos.c.trip_id, trip_photos.c.day, func.count().label("photos"))
    .where(_IN_TRIP)
    .group_by(trip_photos.c.trip_id, trip_photos.c.day)
)
_IN_TRASH = select(photos.c.number).where(photos.c.trashed_at.is_not(None))
_COUNTS_IN_TRASH = _COUNTS.where(trip_photos.c.photo.in_(_IN_TRASH))
_DAY_ORDER = func.coalesce(trip_photos.c.day, "~")  # photos without a date come last
_MEMBERS = (
    select(
        *(trip_photos.c.trip_id, trip_photos.c.day, photos.c.id, photos.c.latitude),
        *(places.c.name, places.c.region, places.c.country, places.c.kind),
    )
    .join(photos, photos.c.number == trip_photos.c.photo)
    .outerjoin(places, places.c.id == photos.c.place_id)
    .with_hint(photos, "NOT INDEXED", "sqlite")
    .where(_IN_TRIP, photos.c.trashed_at.is_(None))
    .order_by(trip_photos.c.trip_id, _DAY_ORDER, photos.c.taken_at, photos.c.number)
)
