"""Measure photos that an earlier version added, and read how they were taken."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select, update

from scene_model.errors import LibraryError, PhotoError
from scene_model.library.clutter.clutter_rows import judge_photos
from scene_model.library.database.schema import photos
from scene_model.library.photo_query import is_picture
from scene_model.library.photo_writes import shot_columns
from scene_model.library.store import Library


def count_unmeasured(library: Library) -> int:
    """Count the pictures outside the trash that an earlier version added without measuring them."""
    query = select(func.count()).select_from(photos).where(_lacks_quality())
    with library.database.reader.begin() as connection:
        return int(connection.execute(query).scalar_one())


def fill_missing_shot_facts(library: Library) -> Iterator[bool]:
    """Measure all photos outside the trash that were not; yields for each whether it succeeded.

    Each photo is one transaction, so an interrupted run goes on where it stopped. Their sequences
    are looked for anew by the next run of `stack_sequences`.
    """
    with library.database.reader.begin() as connection:
        photo_ids = list(connection.execute(select(photos.c.id).where(_lacks_quality())).scalars())
    for photo_id in photo_ids:
        try:
            decoded = library.decoders.decode(library.original_bytes(photo_id))
        except (LibraryError, PhotoError):
            yield False
            continue
        values = shot_columns(decoded.photo, decoded.metadata) | {"sequence_checked": None}
        with library.database.writer.begin() as connection:
            connection.execute(update(photos).where(photos.c.id == photo_id).values(**values))
            judge_photos(connection, [photo_id])
        yield True


def _lacks_quality() -> ColumnElement[bool]:
    return photos.c.sharpness.is_(None) & photos.c.trashed_at.is_(None) & is_picture()
