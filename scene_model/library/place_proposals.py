"""Propose places for photos without a position: those of photos taken shortly before and after.

A camera that had a place an hour before and has the same place an hour later was probably there in
between. Proposals are computed anew from all photos, and only what differs is written.
"""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, null, select, update

from scene_model.library.database.schema import photos
from scene_model.library.photo_places import place_unplaced
from scene_model.library.records import GPS, NEIGHBOURS
from scene_model.library.store import Library
from scene_model.photos.dates import local_time

# Changes when the same photos give other proposals.
_RULES = "1"
# The name of the choice that holds the digest of the photos for which all proposals are right.
_LAST_RUN = "places_of"
MAX_PAUSE = datetime.timedelta(hours=1)


def update_places(library: Library) -> None:
    """Name the positions that were not looked up yet, and bring the proposals up to date."""
    for _ in place_unplaced(library):
        pass
    propose_places(library)


def propose_places(library: Library) -> int:
    """Bring all proposals up to date, in one transaction; returns the number of changes.

    A photo in the trash neither gives nor gets one. Where no photo that has a date was changed
    since the last run, it reads none.
    """
    digest = f"{_RULES} {library.columns.moments.get().digest()}"
    if digest == library.choice(_LAST_RUN):
        return 0
    with library.database.reader.begin() as connection:
        rows = connection.execute(_DATED).all()
        proposed = {row.number: row.place_id for row in connection.execute(_PROPOSED)}
    new = dict(_proposals(rows))
    changes = [
        {"photo": number, "place": new.get(number), "source": NEIGHBOURS if number in new else None}
        for number in sorted({*proposed, *new})
        if proposed.get(number) != new.get(number)
    ]
    if changes:
        with library.database.writer.begin() as connection:
            connection.execute(_PROPOSE, changes)
    elif rows:
        library.choose(_LAST_RUN, digest)
    return len(changes)


def _proposals(rows: Iterable[Any]) -> Iterator[tuple[int, int]]:
    """Yield the photos that get a proposal, with the ids of the places.

    rows: number, camera, taken_at, place_id, place_source, latitude; by camera, then by date.
    """
    for _, members in groupby(rows, key=attrgetter("camera")):
        yield from _of_camera([(row, time) for row in members if (time := _time(row.taken_at))])


def _of_camera(members: Sequence[tuple[Any, datetime.datetime]]) -> Iterator[tuple[int, int]]:
    placed = [i for i, (row, _) in enumerate(members) if row.place_source == GPS]
    for before, after in zip(placed, placed[1:], strict=False):
        (first, start), (last, end) = members[before], members[after]
        if first.place_id != last.place_id:
            continue
        for row, time in members[before + 1 : after]:
            is_between = time - start <= MAX_PAUSE and end - time <= MAX_PAUSE
            if is_between and row.latitude is None:
                yield row.number, first.place_id


def _time(taken_at: str) -> datetime.datetime | None:
    """Return the local time of a photo; None for a day alone, or an unreadable date."""
    if len(taken_at) <= len("2024-07-15"):
        return None
    try:
        return local_time(taken_at)
    except ValueError:
        return None


# Built once: to build a statement costs more time than SQLite needs for it.
_DATED = (
    select(
        *(photos.c.number, photos.c.camera, photos.c.taken_at),
        *(photos.c.place_id, photos.c.place_source, photos.c.latitude),
    )
    .where(
        photos.c.trashed_at.is_(None), photos.c.camera.is_not(None), photos.c.taken_at.is_not(None)
    )
    .order_by(photos.c.camera, photos.c.taken_at, photos.c.number)
)
_PROPOSED = select(photos.c.number, photos.c.place_id).where(
    photos.c.place_id.is_not(None), photos.c.place_source == NEIGHBOURS
)
_PROPOSE = (
    update(photos)
    # A position that came meanwhile is a fact.
    .where(photos.c.number == bindparam("photo"), photos.c.place_source.is_distinct_from(GPS))
    .values(place_id=bindparam("place"), place_source=bindparam("source"), place_km=null())
)
