"""Compute perceptual hashes of photos that an earlier version of this program added without one."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select, update

from scene_model.duplicates.hash_neighbours import add_hash
from scene_model.errors import LibraryError, PhotoError
from scene_model.library.database.schema import photos
from scene_model.library.photo_query import is_picture
from scene_model.library.store import Library
from scene_model.photos.decode import decode_photo
from scene_model.photos.hashes import perceptual_hash, signed_hash


def count_missing_hashes(library: Library) -> int:
    """Count the photos, trash included, that ``is:duplicate`` cannot compare yet."""
    query = select(func.count()).where(_lacks_hash())
    with library.database.reader.begin() as connection:
        return int(connection.execute(query).scalar_one())


def fill_missing_hashes(library: Library) -> Iterator[bool]:
    """Compute all missing hashes; yields for each photo whether it succeeded.

    Each photo is one transaction, so an interrupted run loses nothing.
    """
    query = select(photos.c.id).where(_lacks_hash())
    with library.database.reader.begin() as connection:
        photo_ids = list(connection.execute(query).scalars())
    for photo_id in photo_ids:
        yield fill_missing_hash(library, photo_id)


def fill_missing_hash(library: Library, photo_id: str) -> bool:
    """Compute one photo's hash if it has none; returns False when there is no readable picture.

    Uses the thumbnail: resizing hardly changes the hash, and originals may be large or missing.
    """
    lacks_hash = (photos.c.id == photo_id) & _lacks_hash()
    with library.database.reader.begin() as connection:
        if connection.execute(select(photos.c.id).where(lacks_hash)).first() is None:
            return True
    try:
        pixels = decode_photo(library.thumbnail(photo_id), minimum=None).pixels
    except (LibraryError, PhotoError):
        return False
    new_hash = signed_hash(perceptual_hash(pixels))
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(lacks_hash).values(perceptual_hash=new_hash))
        add_hash(connection, new_hash)
    return True


def _lacks_hash() -> ColumnElement[bool]:
    return is_picture() & photos.c.perceptual_hash.is_(None)
