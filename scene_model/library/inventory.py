"""Which photos the library says it holds, and where their files belong; for its upkeep."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from scene_model.library.schema import photos
from scene_model.library.store import Library


@dataclass(frozen=True)
class StoredPhoto:
    """One photo as its row tells it.

    reference: where the original lies when it was not copied into the library.
    """

    id: str
    name: str
    format: str
    file_bytes: int
    reference: Path | None


def stored_photos(
    connection: Connection, photo_id: str | None = None, only_trashed: bool = False
) -> list[StoredPhoto]:
    """All photos, those in the trash too, by id; or the one of an id, or those in the trash."""
    query = select(
        photos.c.id,
        photos.c.name,
        photos.c.format,
        photos.c.file_bytes,
        photos.c.reference,
    ).order_by(photos.c.id)
    if photo_id is not None:
        query = query.where(photos.c.id == photo_id)
    if only_trashed:
        query = query.where(photos.c.trashed_at.is_not(None))
    return [StoredPhoto(*row) for row in connection.execute(query)]


def original_of(library: Library, photo: StoredPhoto) -> Path:
    """Where the original lies, copied or by reference."""
    return photo.reference or library.files.copy_location(photo.id, photo.format)


def files_of(library: Library, photo: StoredPhoto) -> list[Path]:
    """The files of a photo that lie in the library's folder."""
    thumbnail = library.files.thumbnail_location(photo.id)
    if photo.reference is not None:
        return [thumbnail]
    return [thumbnail, library.files.copy_location(photo.id, photo.format)]


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, links too, which are not followed; sorted.

    By os.walk: a link whose target is no possible name ends Path.rglob with an error.
    """
    found = []
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        found += [Path(parent, name) for name in (*files, *links)]
    return sorted(found)
