"""What another program knew of a photo: date, place, description, favourite, albums.

The facts fill what a photo lacks. What a person decided here stays: a date, a favourite, a rating.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, select, update

from scene_model.library.database.schema import edit_changes, edits, photos
from scene_model.library.photo_places import place_photo
from scene_model.library.records import WrittenPhoto
from scene_model.library.store import Library
from scene_model.photos.dates import PhotoDate, stored_confidence
from scene_model.photos.imported_dates import date_with_import


@dataclass(frozen=True)
class ImportedFacts:
    """What another program knew of one photo; empty for what it did not.

    source: a key of `photos.dates.SOURCES`. taken_utc: ISO 8601 with ``+00:00``. latitude,
    longitude: degrees. albums: their titles. rating, sidecar_date: those of an XMP sidecar, from 1
    to 5 and ISO 8601.
    """

    source: str = ""
    taken_utc: str = ""
    latitude: float | None = None
    longitude: float | None = None
    description: str = ""
    is_favourite: bool = False
    albums: tuple[str, ...] = ()
    rating: int | None = None
    sidecar_date: str | None = None

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "ImportedFacts":
        """Read what `dataclasses.asdict` and JSON made of facts; raises TypeError."""
        return cls(**{**row, "albums": tuple(row.get("albums", ()))})

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude; None without both."""
        if self.latitude is None or self.longitude is None:
            return None
        return self.latitude, self.longitude


def facts_writer(facts: ImportedFacts) -> Callable[[Connection, WrittenPhoto], None]:
    """Return a writer for `Library.add`: it completes a photo in the same transaction."""

    def write(connection: Connection, written: WrittenPhoto) -> None:
        _write_facts(connection, written.id, facts)

    return write


def complete_photo(library: Library, photo_id: str, facts: ImportedFacts) -> None:
    """Complete a photo that the library has; nothing is written where it lacks nothing."""
    # A transaction that writes waits for others, so that one is begun only when needed.
    with library.database.reader.begin() as connection:
        if not _changes(connection, photo_id, facts):
            return
    with library.database.writer.begin() as connection:
        _write_facts(connection, photo_id, facts)
        place_photo(connection, library.gazetteer, photo_id)


def _write_facts(connection: Connection, photo_id: str, facts: ImportedFacts) -> None:
    changes = _changes(connection, photo_id, facts)
    if changes:
        connection.execute(update(photos).where(photos.c.id == photo_id).values(**changes))


def _changes(connection: Connection, photo_id: str, facts: ImportedFacts) -> dict[str, Any]:
    """Return the columns that facts change, with their new values; none for an unknown photo."""
    row = connection.execute(select(photos).where(photos.c.id == photo_id)).first()
    if row is None:
        return {}
    new = _new_values(row, facts)
    if facts.is_favourite and not row.favourite and not _is_decided(connection, photo_id):
        new["favourite"] = True
    return {name: value for name, value in new.items() if getattr(row, name) != value}


def _new_values(row: Any, facts: ImportedFacts) -> dict[str, Any]:
    """Return the columns that facts may change, with their values."""
    values: dict[str, Any] = {}
    place = None if row.latitude is None else (row.latitude, row.longitude)
    if place is None and facts.place is not None:
        place = facts.place
        values["latitude"], values["longitude"] = place
    own = date = _own_date(row)
    if facts.sidecar_date and own is None:
        confidence = stored_confidence(facts.sidecar_date, "XMP", row.added_at)
        date = PhotoDate(facts.sidecar_date, "XMP", confidence)
    if facts.taken_utc:
        date = date_with_import(date, facts.taken_utc, facts.source, place, row.added_at)
    if date is not None and date != own:
        values["auto_taken_at"] = date.taken_at
        values["auto_taken_source"] = date.source
        values["auto_taken_confidence"] = date.confidence
    if facts.description and not row.description:
        values["description"] = facts.description
    if facts.rating and row.imported_rating is None:
        values["imported_rating"] = facts.rating
    return values


def _own_date(row: Any) -> PhotoDate | None:
    if not row.auto_taken_at:
        return None
    confidence = row.auto_taken_confidence
    return PhotoDate(
        row.auto_taken_at, row.auto_taken_source or "", 1.0 if confidence is None else confidence
    )


def _is_decided(connection: Connection, photo_id: str) -> bool:
    """Whether a person made the photo a favourite, or no longer one, and did not undo it."""
    is_edit = exists().where(
        edit_changes.c.edit_id == edits.c.id,
        edit_changes.c.photo_id == photo_id,
        edit_changes.c.field == "favourite",
        edits.c.undone_at.is_(None),
    )
    return bool(connection.execute(select(is_edit)).scalar())
