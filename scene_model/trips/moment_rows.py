"""Read when and where the photos of a library were taken."""

import datetime
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from scene_model.library.database.schema import photos, places
from scene_model.library.store import Library
from scene_model.trips.moments import PhotoMoment
from scene_model.trips.named_places import NamedPlace

# Changes when the same photos give other trips or titles.
_RULES = "1"
_NOON = datetime.time(12)


@dataclass(frozen=True)
class Moments:
    """The moments of the photos outside the trash that have a date, by their numbers.

    place_ids: of those whose place has a name. named: these places, by their ids.
    """

    by_number: dict[int, PhotoMoment]
    place_ids: dict[int, int]
    named: dict[int, NamedPlace]

    def names_of(self, numbers: Sequence[int]) -> Mapping[int, NamedPlace]:
        """Return the places of photos; see `named_places.NamesOf`."""
        ids, named = self.place_ids, self.named
        return {n: named[ids[n]] for n in numbers if n in ids and ids[n] in named}


def digest_of_moments(library: Library) -> str:
    """Return a text that changes with the moments, their places and the rules of trips."""
    moments = library.columns.moments.get().digest()
    with library.database.reader.begin() as connection:
        named = sorted(_named_places(connection).items())
    names = "\n".join(f"{number} {place}" for number, place in named)
    return f"{_RULES} {moments} {hashlib.sha256(names.encode()).hexdigest()}"


def read_moments(connection: Connection, numbers: Collection[int] | None = None) -> Moments:
    """Read the moments of some photos, by default of all. An unreadable date counts as none."""
    columns = (
        *(photos.c.number, photos.c.taken_at, photos.c.latitude, photos.c.longitude),
        *(photos.c.camera, photos.c.place_id),
    )
    where = and_(photos.c.trashed_at.is_(None), photos.c.taken_at.is_not(None))
    if numbers is not None:
        chosen = func.json_each(json.dumps(sorted(numbers))).table_valued("value")
        where = and_(where, photos.c.number.in_(select(chosen.c.value)))
    by_number, place_ids = {}, {}
    query = select(*columns).where(where).order_by(photos.c.number)
    for number, text, latitude, longitude, camera, place_id in connection.execute(query):
        taken_at = camera_time(text)
        if taken_at is None:
            continue
        has_position = latitude is not None and longitude is not None
        position = (latitude, longitude) if has_position else None
        by_number[number] = PhotoMoment(number, taken_at, position, camera)
        if place_id is not None:
            place_ids[number] = place_id
    return Moments(by_number, place_ids, _named_places(connection))


def _named_places(connection: Connection) -> dict[int, NamedPlace]:
    return {
        row.id: NamedPlace(row.name, row.region, row.country, row.kind)
        for row in connection.execute(select(places))
    }


def stored_moments(library: Library) -> Moments:
    """Read the moments of all photos of a library."""
    with library.database.reader.begin() as connection:
        return read_moments(connection)


def camera_time(text: str) -> datetime.datetime | None:
    """Read a date as the camera said it; noon where there is only a day, None if unreadable."""
    try:
        if len(text) <= len("2024-07-14"):
            return datetime.datetime.combine(datetime.date.fromisoformat(text), _NOON)
        return datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
