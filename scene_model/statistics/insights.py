"""A collection in numbers, each with the query that finds the photos behind it."""

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, cast, func, select
from sqlalchemy import Integer as SqlInteger

from scene_model.library.schema import effective_tags, photos
from scene_model.library.store import Library
from scene_model.search.query_tree import quoted

_KM_A_DEGREE = 111.32
_BINS = 10


@dataclass(frozen=True)
class Counted:
    """One bar: what it is called, how many photos, and the query that finds them."""

    label: str
    photos: int
    query: str


@dataclass(frozen=True)
class Place:
    """Photos taken near one another. latitude, longitude: degrees, the middle of a cell."""

    latitude: float
    longitude: float
    photos: int
    query: str


def by_class(library: Library) -> list[Counted]:
    """Photos by what they are filed under, most first."""
    return [
        Counted(label, count, f"class:{quoted(label)}")
        for label, count in library.count_by_class().items()
    ]


def by_tag(library: Library, most: int = 30) -> list[Counted]:
    """Photos by the tags they have, of every head and of people, most first."""
    count = func.count(effective_tags.c.photo.distinct())
    query = (
        select(effective_tags.c.label, count)
        .join(photos, photos.c.number == effective_tags.c.photo)
        .where(photos.c.trashed_at.is_(None))
        .group_by(effective_tags.c.label)
        .order_by(count.desc(), effective_tags.c.label)
        .limit(most)
    )
    return [Counted(label, there, f"tag:{quoted(label)}") for label, there in library.pairs(query)]


def by_score(library: Library) -> list[Counted]:
    """Photos by how sure their class is, in tenths; what people decided counts as 1."""
    place = case(
        (photos.c.class_score >= 1.0, _BINS - 1),
        else_=cast(photos.c.class_score * _BINS, SqlInteger),
    )
    counts = dict(_counts(library, place))
    bins = []
    for number in range(_BINS):
        low, high = number / _BINS, (number + 1) / _BINS
        end = "" if number == _BINS - 1 else f" score<{high:g}"
        bins.append(Counted(f"{low:.0%}", counts.get(str(number), 0), f"score>={low:g}{end}"))
    return bins


def by_month(library: Library) -> list[Counted]:
    """Photos by the month they were taken in, in order of time; those without a date are out."""
    month = func.substr(photos.c.taken_at, 1, 7)
    found = _counts(library, month, photos.c.taken_at.is_not(None))
    return sorted(
        (Counted(label, count, f"taken:{label}") for label, count in found),
        key=lambda one: one.label,
    )


def by_camera(library: Library, most: int = 20) -> list[Counted]:
    """Photos by the camera that took them, most first."""
    found = _counts(library, photos.c.camera, photos.c.camera.is_not(None))
    ranked = sorted(found, key=lambda one: (-one[1], one[0]))[:most]
    return [Counted(label, count, f"camera:{quoted(label)}") for label, count in ranked]


def by_place(library: Library, cell_degrees: float = 1.0) -> list[Place]:
    """Photos by the cell of a grid they were taken in; the query is a circle around the cell."""
    row = func.floor(photos.c.latitude / cell_degrees)
    column = func.floor(photos.c.longitude / cell_degrees)
    query = (
        select(
            func.avg(photos.c.latitude),
            func.avg(photos.c.longitude),
            func.count(),
            func.min(photos.c.latitude),
            func.max(photos.c.latitude),
            func.min(photos.c.longitude),
            func.max(photos.c.longitude),
        )
        .where(
            photos.c.trashed_at.is_(None),
            photos.c.latitude.is_not(None),
            photos.c.longitude.is_not(None),
        )
        .group_by(row, column)
        .order_by(func.count().desc())
    )
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    places = []
    for latitude, longitude, count, south, north, west, east in rows:
        # Wide enough for the photo farthest from the middle, and never less than a kilometre.
        down = max(north - latitude, latitude - south) * _KM_A_DEGREE
        across = max(east - longitude, longitude - west) * _KM_A_DEGREE
        radius = math.hypot(down, across * math.cos(math.radians(latitude)))
        query_line = f"near:{latitude:.5f},{longitude:.5f},{max(1.0, 1.02 * radius + 0.1):.1f}km"
        places.append(Place(float(latitude), float(longitude), int(count), query_line))
    return places


def _counts(
    library: Library, what: ColumnElement[Any], *where: ColumnElement[bool]
) -> list[tuple[str, int]]:
    query = select(what, func.count()).where(photos.c.trashed_at.is_(None), *where).group_by(what)
    return [(str(said), count) for said, count in library.pairs(query)]
