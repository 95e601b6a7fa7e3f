"""The places of photos: written with a photo, and for those that an earlier version added."""

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.vocabulary import fold
from scene_model.library.database.schema import photos, places
from scene_model.library.records import GPS, WrittenPhoto
from scene_model.library.store import Library
from scene_model.photos.places.gazetteer import Gazetteer
from scene_model.photos.places.place import AIR, SEA, Place

BATCH = 2_000
_WORDS_OF_KIND: dict[str, tuple[str, ...]] = {SEA: ("sea",), AIR: ("air",)}


def write_place(gazetteer: Gazetteer) -> Callable[[Connection, WrittenPhoto], None]:
    """Return a writer for `Library.add`: it names the position of a photo that has none yet."""

    def write(connection: Connection, written: WrittenPhoto) -> None:
        place_photo(connection, gazetteer, written.id)

    return write


def place_photo(connection: Connection, gazetteer: Gazetteer, photo_id: str) -> None:
    """Name the position of a photo, if that was not done yet, in the caller's transaction."""
    place_rows(connection, gazetteer, connection.execute(_ADDED, {"photo_id": photo_id}).all())


def place_unplaced(library: Library) -> Iterator[int]:
    """Name the positions, trash included, that were not looked up yet; yields the photos done.

    Each batch is one transaction, so an interrupted run goes on where it stopped.
    """
    done = 0
    while _has_unplaced(library):
        with library.database.writer.begin() as connection:
            rows = connection.execute(_UNPLACED.limit(BATCH)).all()
            place_rows(connection, library.gazetteer, rows)
        done += len(rows)
        yield done


def _has_unplaced(library: Library) -> bool:
    # Read first: a transaction that writes waits for others, and mostly there is nothing to do.
    with library.database.reader.begin() as connection:
        return connection.execute(_UNPLACED.limit(1)).first() is not None


def place_rows(connection: Connection, gazetteer: Gazetteer, rows: Sequence[Any]) -> None:
    """Write the places of photos. rows: number, latitude, longitude and altitude_m of each."""
    if not rows:
        return
    named = gazetteer.places_at(
        [row.latitude for row in rows],
        [row.longitude for row in rows],
        [row.altitude_m for row in rows],
    )
    ids = place_ids(connection, gazetteer, named)
    values = [
        {"photo": row.number, "place": ids[_key(place)], "source": GPS, "km": place.distance_km}
        for row, place in zip(rows, named, strict=True)
    ]
    connection.execute(_SET_PLACE, values)


def place_ids(
    connection: Connection, gazetteer: Gazetteer, named: Sequence[Place]
) -> dict[str, int]:
    """Return the ids of the rows of places by their keys; missing rows are added."""
    by_key = {_key(place): place for place in named}
    ids = _ids(connection, list(by_key))
    missing = [place for key, place in by_key.items() if key not in ids]
    if missing:
        rows = [_row(place, gazetteer) for place in missing]
        connection.execute(upsert(places).on_conflict_do_nothing(), rows)
        ids = _ids(connection, list(by_key))
    return ids


def fold_place(text: str) -> str:
    """Fold case and accents, and everything but letters and digits, for comparing names."""
    decomposed = unicodedata.normalize("NFD", fold(text))
    letters = (c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return " ".join("".join(letters).split())


def _ids(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(_PLACES, {"keys": json.dumps(keys)})
    return {row.key: row.id for row in rows}


def _key(place: Place) -> str:
    number = place.name if place.geonames_id is None else place.geonames_id
    return f"{place.kind}:{place.country or ''}:{number}"


def _row(place: Place, gazetteer: Gazetteer) -> dict[str, Any]:
    others = _WORDS_OF_KIND.get(place.kind, ())
    if place.geonames_id is not None:
        others = gazetteer.other_names(place.geonames_id)
    country = place.country
    return {
        "key": _key(place),
        "name": place.name,
        "folded_name": fold_place(place.name),
        "region": place.region,
        "folded_region": fold_place(place.region or ""),
        "country": country,
        "country_name": country and gazetteer.country_name(country),
        "kind": place.kind,
        "geonames_id": place.geonames_id,
        "time_zone": place.time_zone,
        "words": _lines([place.name, *others]),
        "country_words": _lines(gazetteer.country_names(country) if country else ()),
    }


def _lines(names: Sequence[str]) -> str:
    folded = dict.fromkeys(filter(None, map(fold_place, names)))
    return "".join(f"\n{name}" for name in folded) + "\n"


# Built once: to build a statement costs more time than SQLite needs for it.
_POSITIONS = select(photos.c.number, photos.c.latitude, photos.c.longitude, photos.c.altitude_m)
_IS_UNPLACED = (
    photos.c.latitude.is_not(None),
    photos.c.longitude.is_not(None),
    # A value that is bound does not match the condition of the index.
    photos.c.place_source.is_distinct_from(literal_column(f"'{GPS}'")),
)
_UNPLACED = _POSITIONS.where(*_IS_UNPLACED).with_hint(
    photos, "INDEXED BY photos_without_place", "sqlite"
)
_ADDED = _POSITIONS.where(*_IS_UNPLACED, photos.c.id == bindparam("photo_id"))
_SET_PLACE = (
    update(photos)
    .where(photos.c.number == bindparam("photo"))
    .values(place_id=bindparam("place"), place_source=bindparam("source"), place_km=bindparam("km"))
)
_PLACES = select(places.c.key, places.c.id).where(
    places.c.key.in_(select(func.json_each(bindparam("keys")).table_valued("value").c.value))
)
