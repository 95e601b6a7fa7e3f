"""Bring the trips of a library up to date with its photos.

What people decided stays: see `assignment`. A run is one transaction after the proposals are made,
so a run that was killed has changed nothing; the next one begins anew. Where nothing changed since
the last run, it only reads.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.vocabulary import fold
from scene_model.library.database.schema import choices, photos, trip_photos, trips
from scene_model.library.store import Library
from scene_model.library.trips.trip_changes import LAST_RUN
from scene_model.library.trips.trip_rows import TripRow, TripState, read_trips
from scene_model.trips.assignment import Assignment, StoredTrip, assign
from scene_model.trips.moment_rows import Moments, digest_of_moments, read_moments
from scene_model.trips.named_places import CountryName, NamesOf, count_places, country_name_of
from scene_model.trips.proposal import ProposedTrip, propose_trips
from scene_model.trips.titles import free_title, is_still_right, trip_titles

_Row = tuple[int | None, str | None, int, bool]  # trip, day, chapter, by a person


@dataclass(frozen=True)
class TripRun:
    """What a run changed. proposed: ids of new trips; extended: ids of those with new photos."""

    proposed: tuple[int, ...] = ()
    extended: tuple[int, ...] = ()


def update_trips(
    library: Library, names_of: NamesOf | None = None, country_name: CountryName | None = None
) -> TripRun:
    """Propose trips from all photos, and match them with those of the library.

    names_of: returns the places of photos; by default those stored with them. country_name:
    returns the name of a country by its code; by default that of `country_name_of`.
    """
    digest = digest_of_moments(library)  # before the moments: the next run sees a change in between
    with library.database.reader.begin() as connection:
        if digest == connection.execute(_LAST_DIGEST).scalar():
            return TripRun()
        moments = read_moments(connection)
        has_trips = connection.execute(select(trips.c.id).limit(1)).first() is not None
    if not (moments.by_number or has_trips):
        return TripRun()
    proposals = propose_trips(list(moments.by_number.values()))
    if not (proposals or has_trips):
        library.choose(LAST_RUN, digest)
        return TripRun()
    name = country_name or country_name_of(library)
    with library.database.writer.begin() as connection:
        run = _Writing(connection, moments, names_of or moments.names_of, name)
        done = run.write(proposals)
        connection.execute(
            upsert(choices)
            .values(name=LAST_RUN, value=digest)
            .on_conflict_do_update(["name"], set_={"value": digest})
        )
    return done


_LAST_DIGEST = select(choices.c.value).where(choices.c.name == LAST_RUN)


class _Writing:
    """The writing part of a run, in one transaction."""

    def __init__(
        self,
        connection: Connection,
        moments: Moments,
        names_of: NamesOf,
        country_name: CountryName,
    ) -> None:
        self._connection, self._moments = connection, moments
        self._names_of, self._country_name = names_of, country_name
        self._trips: dict[int, TripRow] = {trip.id: trip for trip in read_trips(connection)}
        self._rows: dict[int, _Row] = {
            row.photo: (row.trip_id, row.day, row.chapter, bool(row.is_by_person))
            for row in connection.execute(select(trip_photos))
        }

    def write(self, proposals: Sequence[ProposedTrip]) -> TripRun:
        placed = {n for n, row in self._rows.items() if row[0] is None or row[3]}
        assignments = assign(proposals, self._stored(), placed, self._moments.by_number)
        ids, new_ids = self._insert_new(assignments)
        rows = self._new_rows(assignments, ids)
        kept_ids = self._remove_unproposed(ids, rows)
        extended = {
            row[0]
            for number, row in rows.items()
            if row[0] in self._trips and self._rows.get(number, (None,))[0] != row[0]
        }
        self._write_rows(rows)
        self._write_facts(assignments, ids)
        self._write_titles(assignments, ids, kept_ids)
        self._write_spans()
        return TripRun(tuple(new_ids), tuple(sorted(n for n in extended if n is not None)))

    def _stored(self) -> list[StoredTrip]:
        in_trip: dict[int, set[int]] = defaultdict(set)
        for number, (trip_id, _, _, is_by_person) in self._rows.items():
            if trip_id is not None and not is_by_person and number in self._moments.by_number:
                in_trip[trip_id].add(number)
        return [
            StoredTrip(trip.id, frozenset(in_trip[trip.id]), trip.state)
            for trip in self._trips.values()
        ]

    def _insert_new(self, assignments: Sequence[Assignment]) -> tuple[list[int], list[int]]:
        """Insert the new trips, whose titles follow; returns the ids of all, and of the new."""
        ids, new_ids = [], []
        for assignment in assignments:
            trip_id = assignment.trip_id
            if trip_id is None:
                row = {"title": "", "folded_title": "", "state": TripState.PROPOSED}
                inserted = self._connection.execute(
                    insert(trips).values(row | {"kind": assignment.proposal.kind})
                )
                trip_id = int(inserted.lastrowid)
                new_ids.append(trip_id)
            ids.append(trip_id)
        return ids, new_ids

    def _new_rows(self, assignments: Sequence[Assignment], ids: Sequence[int]) -> dict[int, _Row]:
        """Return the rows of the photos of all assignments; a photo deleted meanwhile has none."""
        existing = set(self._connection.execute(select(photos.c.number)).scalars())
        rows: dict[int, _Row] = {}
        chapters: dict[int, int] = defaultdict(int)
        for assignment, trip_id in zip(assignments, ids, strict=True):
            members = assignment.photos & existing
            for day in assignment.proposal.days:
                for chapter in day.chapters:
                    numbers = [n for n in chapter.photos if n in members]
                    row = (trip_id, day.date.isoformat(), chapters[trip_id], False)
                    rows.update(dict.fromkeys(numbers, row))
                    chapters[trip_id] += bool(numbers)
        return rows

    def _remove_unproposed(self, ids: Sequence[int], rows: dict[int, _Row]) -> set[int]:
        """Remove proposed trips that are none any more, and from others photos that left.

        Photos in the trash stay where they were. Returns the ids of the trips that stay.
        """
        gone = {
            trip.id
            for trip in self._trips.values()
            if trip.state is TripState.PROPOSED and trip.id not in ids
        }
        proposed = {t.id for t in self._trips.values() if t.state is TripState.PROPOSED}
        in_trash = set(self._connection.execute(_IN_TRASH).scalars())
        left = [
            number
            for number, row in self._rows.items()
            if row[0] in proposed and number not in rows and number not in in_trash
        ]
        _execute_many(self._connection, _DELETE_ROW, [{"number": n} for n in left])
        _execute_many(self._connection, _DELETE_TRIP, [{"number": n} for n in sorted(gone)])
        return ({*self._trips} | {*ids}) - gone

    def _write_rows(self, rows: dict[int, _Row]) -> None:
        columns = ("photo", "trip_id", "day", "chapter", "is_by_person")
        changed = [
            dict(zip(columns, (number, *row), strict=True))
            for number, row in rows.items()
            if self._rows.get(number) != row
        ]
        _execute_many(self._connection, _UPSERT_ROW, changed)

    def _write_facts(self, assignments: Sequence[Assignment], ids: Sequence[int]) -> None:
        """Write what proposals say of trips: their kind, and how far from home they were."""
        facts = {
            trip_id: {"number": trip_id, "new_kind": a.proposal.kind, "new_km": a.proposal.home_km}
            for a, trip_id in zip(assignments, ids, strict=True)
            if trip_id not in self._trips or self._trips[trip_id].state is TripState.PROPOSED
        }
        _execute_many(self._connection, _UPDATE_FACTS, list(facts.values()))

    def _write_spans(self) -> None:
        """Write when the first and the last photo of each trip were taken."""
        spans = {
            row.trip_id: (row.first_at, row.last_at) for row in self._connection.execute(_SPANS)
        }
        before = {trip.id: (trip.first_at, trip.last_at) for trip in self._trips.values()}
        changed = [
            {"number": trip_id, "new_first": first_at, "new_last": last_at}
            for trip_id, (first_at, last_at) in spans.items()
            if first_at is not None and before.get(trip_id) != (first_at, last_at)
        ]
        _execute_many(self._connection, _UPDATE_SPAN, changed)

    def _write_titles(
        self, assignments: Sequence[Assignment], ids: Sequence[int], kept_ids: set[int]
    ) -> None:
        """Title the trips that are only proposed; one that is still right stays."""
        titles = {
            trip_id: self._titles(assignment)
            for assignment, trip_id in zip(assignments, ids, strict=True)
            if trip_id not in self._trips or self._trips[trip_id].state is TripState.PROPOSED
        }
        current = {n: trip.title for n, trip in self._trips.items() if n in kept_ids}
        wrong = [
            trip_id
            for trip_id, candidates in titles.items()
            if not is_still_right(current.get(trip_id, ""), candidates)
        ]
        taken = {fold(title) for trip_id, title in current.items() if trip_id not in wrong}
        changed = []
        for trip_id in wrong:
            title = free_title(titles[trip_id], taken)
            taken.add(fold(title))
            changed.append({"number": trip_id, "new_title": title, "new_folded": fold(title)})
        _execute_many(self._connection, _UPDATE_TITLE, changed)

    def _titles(self, assignment: Assignment) -> list[str]:
        proposal = assignment.proposal
        counts = count_places(self._names_of(sorted(assignment.photos)).values())
        return trip_titles(proposal.start, proposal.end, counts, self._country_name)


def _execute_many(connection: Connection, statement: Any, rows: Iterable[Any]) -> None:
    parameters = list(rows)
    if parameters:
        connection.execute(statement, parameters)


_NUMBER: BindParameter[int] = bindparam("number")
_IN_TRASH = select(photos.c.number).where(photos.c.trashed_at.is_not(None))
_DELETE_ROW = delete(trip_photos).where(trip_photos.c.photo == _NUMBER)
_DELETE_TRIP = delete(trips).where(trips.c.id == _NUMBER)
_UPSERT_ROW = upsert(trip_photos)
_UPSERT_ROW = _UPSERT_ROW.on_conflict_do_update(
    ["photo"],
    set_={
        name: _UPSERT_ROW.excluded[name] for name in ("trip_id", "day", "chapter", "is_by_person")
    },
)
_UPDATE_FACTS = (
    update(trips)
    .where(trips.c.id == _NUMBER)
    .values(kind=bindparam("new_kind"), home_km=bindparam("new_km"))
)
_UPDATE_TITLE = (
    update(trips)
    .where(trips.c.id == _NUMBER)
    .values(title=bindparam("new_title"), folded_title=bindparam("new_folded"))
)
# Rows by their numbers: without statistics, SQLite would read an index of all photos for each trip.
_SPANS = (
    select(
        trip_photos.c.trip_id,
        func.min(photos.c.taken_at).label("first_at"),
        func.max(photos.c.taken_at).label("last_at"),
    )
    .join(photos, photos.c.number == trip_photos.c.photo)
    .with_hint(photos, "NOT INDEXED", "sqlite")
    .where(trip_photos.c.trip_id.is_not(None), photos.c.trashed_at.is_(None))
    .group_by(trip_photos.c.trip_id)
)
_UPDATE_SPAN = (
    update(trips)
    .where(trips.c.id == _NUMBER)
    .values(first_at=bindparam("new_first"), last_at=bindparam("new_last"))
)
