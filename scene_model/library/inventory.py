"""The photos by their rows and the paths of their files; updating paths when files move."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, bindparam, or_, select, update

from scene_model.library.database.schema import photos
from scene_model.library.store import Library
from scene_model.photos.video.kinds import VIDEO_FORMATS

_DATABASE_NAME = "library.db"


@dataclass(frozen=True)
class StoredPhoto:
    """A photo's file data.

    reference: path of an original that is not copied into the library. remote_url: address of one
    that is fetched when a person opens it.
    """

    id: str
    name: str
    format: str
    file_bytes: int
    reference: Path | None
    remote_url: str | None = None

    @property
    def is_copied(self) -> bool:
        """Whether the original is in the library folder."""
        return self.reference is None and self.remote_url is None


def stored_photos(
    connection: Connection, photo_id: str | None = None, only_trashed: bool = False
) -> list[StoredPhoto]:
    """Return all photos by id, the trash included; or one photo, or only the trash."""
    query = select(
        photos.c.id,
        photos.c.name,
        photos.c.format,
        photos.c.file_bytes,
        photos.c.reference,
        photos.c.remote_url,
    ).order_by(photos.c.id)
    if photo_id is not None:
        query = query.where(photos.c.id == photo_id)
    if only_trashed:
        query = query.where(photos.c.trashed_at.is_not(None))
    return [StoredPhoto(*row) for row in connection.execute(query)]


def referenced_below(library: Library, folder: Path) -> list[tuple[str, Path]]:
    """Return id and path of the photos outside the trash whose originals lie below a folder."""
    query = select(photos.c.id, photos.c.reference).where(
        photos.c.reference.is_not(None), photos.c.trashed_at.is_(None)
    )
    start = f"{folder}{os.sep}" if folder.name else str(folder)
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    return [(row.id, row.reference) for row in rows if str(row.reference).startswith(start)]


def names_and_sizes(library: Library) -> list[tuple[str, int, str | None]]:
    """Return folded name, size in bytes and date of all photos, the trash included.

    The date is that of the photo's own data, which no correction changes.
    """
    query = select(photos.c.folded_name, photos.c.file_bytes, photos.c.auto_taken_at)
    with library.database.reader.begin() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def original_of(library: Library, photo: StoredPhoto) -> Path:
    """Return the path of an original; of a remote one, that of the fetched file."""
    return library.files.location(photo)


def files_of(library: Library, photo: StoredPhoto) -> list[Path]:
    """Return the paths of a photo's files inside the library folder."""
    files = previews_of(library, photo)
    if photo.is_copied:
        files.append(library.files.copy_location(photo.id, photo.format))
    return files


def previews_of(library: Library, photo: StoredPhoto) -> list[Path]:
    """Return the path of a photo's thumbnail, and of a video's frames."""
    files = [library.files.thumbnail_location(photo.id)]
    if photo.format in VIDEO_FORMATS:
        files.append(library.files.frames_location(photo.id))
    return files


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted; symlinks are included and not followed.

    A folder that is a library of its own is left out: its files are another library's.
    Uses os.walk, because Path.rglob raises for a link whose target is not a valid file name.
    """
    paths = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [n for n in folders if not Path(parent, n, _DATABASE_NAME).is_file()]
        links = [name for name in folders if Path(parent, name).is_symlink()]
        paths += [Path(parent, name) for name in (*files, *links)]
    return sorted(paths)


@dataclass(frozen=True, slots=True)
class MovedFile:
    """A photo's referenced original that was moved; both paths absolute."""

    photo_id: str
    before: Path
    now: Path


def update_references(library: Library, moved: Sequence[MovedFile]) -> int:
    """Update references to moved files; returns how many changed.

    References that differ from ``before`` are left alone, so repeating the call is harmless.
    """
    if not moved:
        return 0
    # With a symlink above it, a file has two paths; it may have been added by either.
    statement = (
        update(photos)
        .where(
            photos.c.id == bindparam("photo_id"),
            or_(photos.c.reference == bindparam("before"), photos.c.reference == bindparam("real")),
        )
        .values(reference=bindparam("now"), remote_url=None)
    )
    parameters = [
        {
            "photo_id": file.photo_id,
            "before": file.before,
            "real": file.before.parent.resolve() / file.before.name,
            "now": file.now,
        }
        for file in moved
    ]
    with library.database.writer.begin() as connection:
        return connection.execute(statement, parameters).rowcount


def move_reference_to_url(library: Library, photo_id: str, before: Path, url: str) -> None:
    """Store the URL that a photo's original was moved to; any other reference stays."""
    real = before.parent.resolve() / before.name
    is_it = photos.c.reference.in_([before, real])
    with library.database.writer.begin() as connection:
        connection.execute(
            update(photos)
            .where(photos.c.id == photo_id, is_it)
            .values(reference=None, remote_url=url)
        )


def move_reference_from_url(library: Library, photo_id: str, url: str, now: Path) -> None:
    """Store the path that a photo's original was moved back to from a URL."""
    is_it = (photos.c.id == photo_id, photos.c.remote_url == url)
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(*is_it).values(reference=now, remote_url=None))


def update_remote_url(library: Library, photo_id: str, url: str) -> None:
    """Change the URL of a photo's original; one that is on this computer stays there."""
    is_remote = (photos.c.id == photo_id, photos.c.remote_url.is_not(None))
    with library.database.writer.begin() as connection:
        connection.execute(update(photos).where(*is_remote).values(remote_url=url))
