"""What people decide about trips; each edit can be undone and redone with `edits.undo`.

A trip that is edited is accepted by that: no run of the program takes photos out of it or gives it
another title.
"""

import datetime
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, insert, select

from scene_model.classifier.vocabulary import fold
from scene_model.errors import InvalidTrip, TripNotFound, TripTitleTaken
from scene_model.library.albums.album_changes import NO_PHOTO
from scene_model.library.database.schema import edit_changes, photos, trip_photos, trips
from scene_model.library.edits import EditResult, begin_edit, chosen_ids, finish_edit
from scene_model.library.store import Library
from scene_model.library.trips.trip_changes import (
    PERSON,
    PROGRAM,
    STATE,
    TITLE,
    TITLED_BY,
    TRIP,
    place_text,
)
from scene_model.library.trips.trip_rows import TripRow, TripState, read_trips
from scene_model.trips.moment_rows import read_moments
from scene_model.trips.named_places import CountryName, count_places, country_name_of
from scene_model.trips.titles import clean_title, free_title, trip_titles


def accept_trips(library: Library, trip_ids: Sequence[int]) -> EditResult:
    """Accept proposed trips: they keep their photos and titles from now on. Raises TripNotFound."""
    return _set_state(library, trip_ids, TripState.ACCEPTED, "accepted")


def record_accepted(connection: Connection, edit_id: int, trip_ids: Sequence[int]) -> None:
    """Record within an edit that proposed trips are accepted. Raises TripNotFound."""
    changes = _Changes(connection, trip_ids)
    for trip_id in trip_ids:
        changes.accept(trip_id)
    changes.record(edit_id)


def hide_trips(library: Library, trip_ids: Sequence[int]) -> EditResult:
    """Hide trips: their photos stay in the library, and are not proposed again."""
    return _set_state(library, trip_ids, TripState.HIDDEN, "hidden")


def show_trips(library: Library, trip_ids: Sequence[int]) -> EditResult:
    """Show hidden trips again, as accepted ones. Raises TripNotFound."""
    return _set_state(library, trip_ids, TripState.ACCEPTED, "shown again")


def rename_trip(library: Library, trip_id: int, title: str) -> EditResult:
    """Give a trip a title of a person. Raises InvalidTrip, TripTitleTaken or TripNotFound."""
    title = clean_title(title)
    with library.database.writer.begin() as connection:
        changes = _Changes(connection, [trip_id])
        others = (trip for trip in changes.live.values() if trip.id != trip_id)
        existing = next((t.title for t in others if fold(t.title) == fold(title)), None)
        if existing is not None:
            raise TripTitleTaken(f"There is a trip “{existing}” already. Choose another title.")
        changes.set(trip_id, TITLE, title)
        changes.set(trip_id, TITLED_BY, PERSON)
        changes.accept(trip_id)
        return changes.finish(f"Trip renamed to “{title}”")


def merge_trips(library: Library, trip_ids: Sequence[int]) -> EditResult:
    """Make trips one, which is the earliest of them. Raises InvalidTrip or TripNotFound.

    The title that a person gave one of them stays; otherwise it is made from facts anew.
    """
    ids, country_name = list(dict.fromkeys(trip_ids)), country_name_of(library)
    if len(ids) < 2:
        raise InvalidTrip("Merging needs at least 2 trips. Choose another trip.")
    with library.database.writer.begin() as connection:
        changes = _Changes(connection, ids)
        merged = sorted((changes.live[n] for n in ids), key=lambda t: (t.first_at or "", t.id))
        target, others = merged[0], merged[1:]
        title = _merged_title(changes, merged, country_name)
        by_person = any(trip.is_titled_by_person for trip in merged)
        for trip in others:
            changes.set(trip.id, STATE, TripState.ENDED)
        first_free = 0
        for trip in merged:
            first_free = changes.move(trip.id, target.id, first_free)
        changes.set(target.id, TITLE, title)
        changes.set(target.id, TITLED_BY, PERSON if by_person else PROGRAM)
        changes.accept(target.id)
        return changes.finish(f"Merged into “{title}”")


def split_trip(library: Library, trip_id: int, day: datetime.date) -> EditResult:
    """Make the photos from a day on a trip of their own. Raises InvalidTrip or TripNotFound."""
    with library.database.writer.begin() as connection:
        changes = _Changes(connection, [trip_id])
        trip, text = changes.live[trip_id], day.isoformat()
        country_name = country_name_of(library)
        days = [row.day for row in changes.rows.values()]
        later = {
            n: row for n, row in changes.rows.items() if row.day is not None and row.day >= text
        }
        if not later or len(later) == len(days):
            raise InvalidTrip(
                f"The trip “{trip.title}” has photos on only one side of {text}. Choose one of its "
                "days, other than the first."
            )
        earlier = [row for n, row in changes.rows.items() if n not in later]
        taken = {fold(t.title) for t in changes.live.values() if t.id != trip_id}
        title = trip.title
        if not trip.is_titled_by_person:
            title = free_title(_titles(connection, earlier, country_name), taken)
        new_titles = _titles(connection, list(later.values()), country_name)
        new_title = free_title(new_titles, {*taken, fold(title)})
        new_id = changes.insert(new_title, trip)
        changes.move(trip_id, new_id, 0, only=later)
        changes.set(trip_id, TITLE, title)
        changes.accept(trip_id)
        return changes.finish(f"“{trip.title}” split at {text}")


def take_out_of_trip(library: Library, photo_ids: Sequence[str]) -> EditResult:
    """Take photos out of their trips; the program puts them into none again."""
    with library.database.writer.begin() as connection:
        rows = [row for row in _rows(connection, photo_ids) if row.trip_id is not None]
        trip_ids = {row.trip_id for row in rows}
        changes = _Changes(connection, trip_ids)
        for row in rows:
            changes.place(row, place_text(None, None, 0, True))
        for trip_id in sorted(trip_ids):
            changes.accept(trip_id)
        return changes.finish("Taken out of the trip")


def put_in_trip(library: Library, trip_id: int, photo_ids: Sequence[str]) -> EditResult:
    """Put photos into a trip, out of any other one. Raises TripNotFound."""
    with library.database.writer.begin() as connection:
        changes = _Changes(connection, [trip_id])
        chapters = {row.day: row.chapter for row in changes.rows.values()}
        for row in _rows(connection, photo_ids):
            if row.trip_id != trip_id:
                day = None if row.taken_at is None else row.taken_at[:10]
                chapter = chapters.get(day, max(chapters.values(), default=0))
                changes.place(row, place_text(trip_id, day, chapter, True))
        changes.accept(trip_id)
        return changes.finish(f"Put into “{changes.live[trip_id].title}”")


def _set_state(
    library: Library, trip_ids: Sequence[int], state: TripState, word: str
) -> EditResult:
    with library.database.writer.begin() as connection:
        changes = _Changes(connection, trip_ids)
        for trip_id in trip_ids:
            changes.set(trip_id, STATE, state)
        titles = [changes.live[trip_id].title for trip_id in trip_ids]
        text = f"Trip “{titles[0]}” {word}" if len(titles) == 1 else f"{len(titles)} trips {word}"
        return changes.finish(text)


class _Changes:
    """The changes of one edit of trips, in one transaction.

    connection: the transaction. live: all trips that did not end, by id.
    """

    def __init__(self, connection: Connection, trip_ids: Sequence[int] | set[int]) -> None:
        """Begin without changes; raises TripNotFound."""
        self.connection = connection
        self._changes: dict[tuple[str, str, str], tuple[str | None, str | None]] = {}
        self.live = {trip.id: trip for trip in read_trips(connection)}
        for trip_id in trip_ids:
            if trip_id not in self.live:
                raise TripNotFound("There is no trip with this id any more.")
        self._trip_ids = trip_ids

    @cached_property
    def rows(self) -> dict[str, Any]:
        """The rows of the photos of the edited trips, by photo id."""
        members = _ROWS.where(trip_photos.c.trip_id.in_(self._trip_ids))
        return {row.id: row for row in self.connection.execute(members)}

    def set(self, trip_id: int, field: str, value: str) -> None:
        """Record a new value of one column of a trip."""
        trip = self.live[trip_id]
        by = PERSON if trip.is_titled_by_person else PROGRAM
        before = {TITLE: trip.title, TITLED_BY: by, STATE: str(trip.state)}[field]
        self._record((NO_PHOTO, field, str(trip_id)), before, str(value))

    def accept(self, trip_id: int) -> None:
        """Record that a trip that was only proposed is accepted."""
        if self.live[trip_id].state is TripState.PROPOSED:
            self.set(trip_id, STATE, TripState.ACCEPTED)

    def place(self, row: Any, place: str) -> None:
        """Record where a photo is put. place: of `trip_changes.place_text`."""
        self._record((row.id, TRIP, ""), _place_of(row), place)

    def move(
        self, trip_id: int, new_id: int, first: int, only: Mapping[str, Any] | None = None
    ) -> int:
        """Record that photos of a trip go to another, with new chapters from a first on.

        only: the rows of those that go; all by default. Returns the next free chapter.
        """
        rows = [
            row for row in (self.rows if only is None else only).values() if row.trip_id == trip_id
        ]
        chapters = {c: first + i for i, c in enumerate(sorted({row.chapter for row in rows}))}
        for row in rows:
            chapter = chapters[row.chapter]
            self.place(row, place_text(new_id, row.day, chapter, bool(row.is_by_person)))
        return first + len(chapters)

    def insert(self, title: str, like: TripRow) -> int:
        """Insert a trip that ended until the edit is applied; undoing it ends it again."""
        row = {"title": title, "folded_title": fold(title), "state": TripState.ENDED}
        facts = {"kind": like.kind, "home_km": like.home_km}
        trip_id = int(self.connection.execute(insert(trips).values(row | facts)).lastrowid)
        change = (str(TripState.ENDED), str(TripState.ACCEPTED))
        self._record((NO_PHOTO, STATE, str(trip_id)), *change)
        return trip_id

    def finish(self, description: str) -> EditResult:
        """Apply the changes as one edit."""
        edit_id = begin_edit(self.connection, description)
        self.record(edit_id)
        return finish_edit(self.connection, edit_id, description)

    def record(self, edit_id: int) -> None:
        """Write the changes as those of an edit, without applying them."""
        columns = ("edit_id", "photo_id", "field", "label", "before", "after")
        rows = [
            dict(zip(columns, (edit_id, *key, *values), strict=True))
            for key, values in self._changes.items()
        ]
        if rows:
            self.connection.execute(insert(edit_changes), rows)

    def _record(self, key: tuple[str, str, str], before: str | None, after: str | None) -> None:
        if before != after:
            self._changes[key] = (before, after)


def _merged_title(changes: _Changes, merged: Sequence[TripRow], country_name: CountryName) -> str:
    of_person = next((trip.title for trip in merged if trip.is_titled_by_person), None)
    if of_person is not None:
        return of_person
    others = {fold(t.title) for t in changes.live.values() if t not in merged}
    return free_title(
        _titles(changes.connection, list(changes.rows.values()), country_name), others
    )


def _titles(connection: Connection, rows: Sequence[Any], country_name: CountryName) -> list[str]:
    """Return titles for a trip of the photos of these rows, the shortest first."""
    days = sorted(datetime.date.fromisoformat(row.day) for row in rows if row.day is not None)
    if not days:
        return ["Photos without a date"]
    numbers = [row.photo for row in rows]
    counts = count_places(read_moments(connection, numbers).names_of(numbers).values())
    return trip_titles(days[0], days[-1], counts, country_name)


def _place_of(row: Any) -> str | None:
    """Return where a photo is, as the value of a change."""
    if row.photo is None:
        return None
    return place_text(row.trip_id, row.day, row.chapter, bool(row.is_by_person))


def _rows(connection: Connection, photo_ids: Sequence[str]) -> list[Any]:
    query = _ROWS_OF_PHOTOS.where(photos.c.id.in_(chosen_ids(photo_ids))).order_by(photos.c.number)
    return list(connection.execute(query).all())


_COLUMNS = (photos.c.id, photos.c.number, photos.c.taken_at, *trip_photos.c)
_ROWS = select(*_COLUMNS).join(trip_photos, trip_photos.c.photo == photos.c.number)
_ROWS_OF_PHOTOS = select(*_COLUMNS).outerjoin(trip_photos, trip_photos.c.photo == photos.c.number)
