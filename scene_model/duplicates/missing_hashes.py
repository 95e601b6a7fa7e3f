"""Perceptual hashes for photos that an earlier version of this program added without one."""

from collections.abc import Iterator

from sqlalchemy import func, select, update

from scene_model.duplicates.hash_neighbours import add_hash
from scene_model.errors import LibraryError, PhotoError
from scene_model.library.schema import photos
from scene_model.library.store import Library
from scene_model.photos.decode import decode_photo
from scene_model.photos.hashes import perceptual_hash, signed_hash


def count_missing_hashes(library: Library) -> int:
    """Count the photos, in the trash too, that ``is:duplicate`` cannot compare yet."""
    wanted = select(func.count()).where(photos.c.perceptual_hash.is_(None))
    with library.database.reader.begin() as connection:
        return int(connection.execute(wanted).scalar_one())


def fill_missing_hashes(library: Library) -> Iterator[bool]:
    """Work out what is missing, photo by photo, and tell of each whether it could be done.

    Each photo is one transaction: what was done stays done when this is left off.
    """
    wanted = select(photos.c.id).where(photos.c.perceptual_hash.is_(None))
    with library.database.reader.begin() as connection:
        photo_ids = list(connection.execute(wanted).scalars())
    for photo_id in photo_ids:
        yield fill_missing_hash(library, photo_id)


def fill_missing_hash(library: Library, photo_id: str) -> bool:
    """Work out one photo's hash if it has none; False when there is no picture to do it from.

    From the thumbnail: the hash survives resizing, and originals may be large or out of reach.
    """
    missing = (photos.c.id == photo_id) & photos.c.perceptual_hash.is_(None)
    with library.database.reader.begin() as connection:
        if connection.execute(select(photos.c.id).where(missing)).first() is None:
            return True
    try:
        pixels = decode_photo(library.thumbnail(photo_id), minimum=None).pixels
    except (LibraryError, PhotoError):
        return False
    found = signed_hash(perceptual_hash(pixels))
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(missing).values(perceptual_hash=found))
        add_hash(connection, found)
    return True
