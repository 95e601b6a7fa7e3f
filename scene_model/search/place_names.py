"""The names of the places, regions and countries of a library, for completion."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select

from scene_model.library.database.schema import photos, places
from scene_model.library.photo_places import fold_place
from scene_model.library.store import Library

PLACE, CITY, COUNTRY = "place:", "city:", "country:"
PLACE_FIELDS = (PLACE, CITY, COUNTRY)


def place_line(name: str) -> str:
    """Return the query that finds the photos of a settlement by its name."""
    return f'{CITY}"{fold_place(name)}"'


@dataclass(frozen=True)
class PlaceName:
    """A name by which photos are found.

    fields: the fields that take it. words: the name in all languages, folded. count: number of
    photos.
    """

    name: str
    fields: tuple[str, ...]
    words: tuple[str, ...]
    count: int


def place_names(library: Library) -> list[PlaceName]:
    """Return the names of places, regions and countries of the photos outside the trash."""
    counted = (
        select(photos.c.place_id, func.count().label("photo_count"))
        .where(photos.c.place_id.is_not(None), photos.c.trashed_at.is_(None))
        .group_by(photos.c.place_id)
        .with_hint(photos, "INDEXED BY photos_by_place", "sqlite")
        .subquery()
    )
    query = select(places, counted.c.photo_count).join(counted, counted.c.place_id == places.c.id)
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    # A region may be called as its largest city, and finds more photos than that.
    counts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], int] = defaultdict(int)
    for row in rows:
        counts[row.name, (PLACE, CITY), _words(row.words)] += row.photo_count
        if row.region:
            counts[row.region, (PLACE,), (fold_place(row.region),)] += row.photo_count
        if row.country_name:
            words = _words(row.country_words)
            counts[row.country_name, (PLACE, COUNTRY), words] += row.photo_count
    return [PlaceName(*key, count) for key, count in counts.items()]


def _words(lines: str) -> tuple[str, ...]:
    return tuple(filter(None, lines.split("\n")))
