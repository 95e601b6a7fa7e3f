"""Apply the changes of trips that an edit recorded, forwards or backwards.

The value of a change of a photo is its row of ``trip_photos`` as text: ``7 2024-07-14 2 program``
for trip, day, chapter and who put it there, with ``-`` for no day; OUT where a person wants it in
no trip; null where it has no row. A change of a trip itself has the trip's id as `label` and no
photo.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Column, Connection, bindparam, delete, func, insert, select, update

from scene_model.classifier.vocabulary import fold
from scene_model.library.albums.album_changes import NO_PHOTO
from scene_model.library.database.schema import choices, edit_changes, photos, trip_photos, trips
from scene_model.library.trips.trip_rows import TripState, numbered_title, read_trips

# The field of a photo's change, and those of changes of a trip.
TRIP, OUT = "trip", "out"
TITLE, TITLED_BY, STATE = "trip title", "trip titled by", "trip state"
PERSON, PROGRAM = "person", "program"
# The name of the choice that holds the digest of the moments at the last run of the program.
LAST_RUN = "trips_of"
_NO_DAY = "-"


def place_text(trip_id: int | None, day: str | None, chapter: int, is_by_person: bool) -> str:
    """Return the value of a change for a row of ``trip_photos``."""
    if trip_id is None:
        return OUT
    return f"{trip_id} {day or _NO_DAY} {chapter} {PERSON if is_by_person else PROGRAM}"


def apply_trip_changes(connection: Connection, edit_id: int, value: Column[Any]) -> None:
    """Set every photo's trip, and every column of trips, that an edit changed.

    value: before or after. Photos that joined a trip after the edit that made it, and photos of a
    proposal that a run removed, would be in no trip after an undo: the next run places them.
    """
    changed = _apply_columns(connection, edit_id, value)
    placed, is_complete = _place_photos(connection, edit_id, value)
    in_ended = trip_photos.c.trip_id.in_(select(trips.c.id).where(trips.c.state == TripState.ENDED))
    removed = connection.execute(delete(trip_photos).where(in_ended)) if changed else None
    if not is_complete or (removed is not None and removed.rowcount):
        connection.execute(delete(choices).where(choices.c.name == LAST_RUN))
    update_spans(connection, placed)
    _make_titles_unique(connection, changed | placed)


def update_spans(connection: Connection, trip_ids: Collection[int]) -> None:
    """Set the first and the last moment of trips, by their photos outside the trash."""
    for trip_id in sorted(trip_ids):
        span = (
            select(func.min(photos.c.taken_at), func.max(photos.c.taken_at))
            .join(trip_photos, trip_photos.c.photo == photos.c.number)
            .with_hint(photos, "NOT INDEXED", "sqlite")
            .where(trip_photos.c.trip_id == trip_id, photos.c.trashed_at.is_(None))
        )
        first_at, last_at = connection.execute(span).one()
        if first_at is not None:
            connection.execute(
                update(trips)
                .where(trips.c.id == trip_id)
                .values(first_at=first_at, last_at=last_at)
            )


def _apply_columns(connection: Connection, edit_id: int, value: Column[Any]) -> set[int]:
    changes = select(edit_changes.c.field, edit_changes.c.label, value).where(
        edit_changes.c.edit_id == edit_id,
        edit_changes.c.photo_id == NO_PHOTO,
        edit_changes.c.field.in_((TITLE, TITLED_BY, STATE)),
    )
    touched = set()
    for field, trip_id, new in connection.execute(changes).all():
        columns: dict[str, Any] = {STATE: {"state": new}}.get(field, {})
        if field == TITLE:
            columns = {"title": new, "folded_title": fold(new)}
        elif field == TITLED_BY:
            columns = {"is_titled_by_person": new == PERSON}
        connection.execute(update(trips).where(trips.c.id == int(trip_id)).values(columns))
        touched.add(int(trip_id))
    return touched


def _place_photos(
    connection: Connection, edit_id: int, value: Column[Any]
) -> tuple[set[int], bool]:
    """Place the photos of an edit; returns their trips, and whether each has the trip it should."""
    changes = (
        select(photos.c.number, edit_changes.c.before, edit_changes.c.after, value.label("new"))
        .join(photos, photos.c.id == edit_changes.c.photo_id)
        .where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == TRIP)
        .order_by(photos.c.number)
    )
    rows = connection.execute(changes).all()
    if not rows:
        return set(), True
    touched = _trips_of(text for row in rows for text in (row.before, row.after))
    existing = set(connection.execute(select(trips.c.id).where(trips.c.id.in_(touched))).scalars())
    connection.execute(
        delete(trip_photos).where(trip_photos.c.photo == bindparam("number")),
        [{"number": row.number} for row in rows],
    )
    places = {row.number: _read_place(row.new) for row in rows if row.new is not None}
    placed = [
        {"photo": number} | place
        for number, place in places.items()
        if place["trip_id"] is None or place["trip_id"] in existing
    ]
    if placed:
        connection.execute(insert(trip_photos), placed)
    return touched & existing, len(placed) == len(places)


def _trips_of(values: Iterable[str | None]) -> set[int]:
    places = (_read_place(value) for value in values if value is not None)
    return {place["trip_id"] for place in places if place["trip_id"] is not None}


def _read_place(value: str) -> dict[str, Any]:
    """Return the columns of a value of `place_text`."""
    if value == OUT:
        return {"trip_id": None, "day": None, "chapter": 0, "is_by_person": True}
    trip_id, day, chapter, by = value.split(" ")
    return {
        "trip_id": int(trip_id),
        "day": None if day == _NO_DAY else day,
        "chapter": int(chapter),
        "is_by_person": by == PERSON,
    }


def _make_titles_unique(connection: Connection, trip_ids: Collection[int]) -> None:
    """Number the titles of edited trips that another trip has, or the other's if it is a proposal.

    That happens where an edit is undone after the program proposed another trip.
    """
    live = {trip.id: trip for trip in read_trips(connection)}
    folded = {trip.id: fold(trip.title) for trip in live.values()}
    counts = Counter(folded.values())
    for trip_id in sorted(live.keys() & trip_ids):
        if counts[folded[trip_id]] == 1:
            continue
        other = next(n for n in live if n != trip_id and folded[n] == folded[trip_id])
        renamed = live[other if live[other].state is TripState.PROPOSED else trip_id]
        title = numbered_title(renamed.title, counts)
        counts[folded[renamed.id]] -= 1
        folded[renamed.id] = fold(title)
        counts[fold(title)] += 1
        connection.execute(
            update(trips)
            .where(trips.c.id == renamed.id)
            .values(title=title, folded_title=fold(title))
        )
