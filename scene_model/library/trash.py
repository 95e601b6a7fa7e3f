"""Empty the trash: the only operation on a library that cannot be undone.

One transaction writes a list of the files and deletes the rows; then the files are removed, then
the list. After a kill, the list names the files still to be removed; no row is without its file.

LIBRARY/trash/emptying-….json      files to remove
"""

import json
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, select

from scene_model.library.database.schema import edit_changes, edits, photos
from scene_model.library.edits import chosen_ids
from scene_model.library.files.file_system import FileSystem, library_error
from scene_model.library.inventory import StoredPhoto, stored_photos
from scene_model.library.store import Library

_ID = re.compile(r"[0-9a-f]{64}")
_LIST_PATTERN = "emptying-*.json"
_PHOTOS_PER_LOCK = 200  # bounds how long other writers wait

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrashContents:
    """The photos in the trash.

    file_bytes: total size of their originals in the library folder. referenced: number of photos
    whose original is outside it and is not removed.
    """

    photo_ids: tuple[str, ...]
    file_bytes: int
    referenced: int


@dataclass(frozen=True)
class EmptyTrashResult:
    """Result of emptying the trash. unremoved_files: files that could not be removed yet."""

    photo_count: int
    freed_bytes: int
    unremoved_files: tuple[Path, ...] = ()


def trash_dir(library: Library) -> Path:
    """Return the folder for lists of files to remove and for files moved aside by a repair."""
    return library.folder / "trash"


def trash_contents(library: Library) -> TrashContents:
    """Return the photos in the trash, for the confirmation before emptying it."""
    with library.database.reader.begin() as connection:
        trashed_photos = stored_photos(connection, only_trashed=True)
    return TrashContents(
        photo_ids=tuple(photo.id for photo in trashed_photos),
        file_bytes=sum(photo.file_bytes for photo in trashed_photos if photo.is_copied),
        referenced=sum(not photo.is_copied for photo in trashed_photos),
    )


def empty_trash(library: Library, photo_ids: Sequence[str]) -> EmptyTrashResult:
    """Delete photos in the trash permanently: rows, tags, decisions and files.

    Photos no longer in the trash are skipped. Referenced files are never touched. Edits of the
    deleted photos can no longer be undone. Raises LibraryUnavailable.
    """
    finish_emptying(library)
    requested_ids = set(photo_ids)
    with library.database.reader.begin() as connection:
        trashed_photos = stored_photos(connection, only_trashed=True)
    photos_to_delete = [photo for photo in trashed_photos if photo.id in requested_ids]
    if not photos_to_delete:
        return EmptyTrashResult(0, 0)
    with library.database.writer.begin() as connection:
        # Inside the transaction: another process that finishes an interrupted emptying waits for
        # the write lock, so it does not process this list before the rows are deleted.
        list_file = _write_list(library, photos_to_delete)
        count = _delete_rows(connection, [photo.id for photo in photos_to_delete])
    freed_bytes, unremoved = _remove_files(library, list_file)
    return EmptyTrashResult(count, freed_bytes, unremoved)


def finish_emptying(library: Library) -> EmptyTrashResult:
    """Remove the files that an interrupted emptying of the trash did not remove."""
    freed_bytes, unremoved = 0, list[Path]()
    for list_file in unfinished_lists(library):
        list_freed_bytes, list_unremoved = _remove_files(library, list_file)
        freed_bytes += list_freed_bytes
        unremoved += list_unremoved
    return EmptyTrashResult(0, freed_bytes, tuple(unremoved))


def unfinished_lists(library: Library) -> list[Path]:
    """Return the lists of files that are still to be removed."""
    return sorted(trash_dir(library).glob(_LIST_PATTERN))


def _write_list(library: Library, photos_to_delete: Sequence[StoredPhoto]) -> Path:
    # It lists formats, not paths, so that only the library's own copies can be removed by it.
    items = [
        {"id": photo.id, "format": photo.format if photo.is_copied else None}
        for photo in photos_to_delete
    ]
    list_file = trash_dir(library) / f"emptying-{secrets.token_hex(8)}.json"
    try:
        data = json.dumps(items).encode()
        library.file_system.write_whole(list_file, data, library.files.new_dir)
    except OSError as error:
        raise library_error(error, library.folder) from error
    return list_file


def _delete_rows(connection: Connection, photo_ids: Sequence[str]) -> int:
    trashed = select(photos.c.id).where(
        photos.c.id.in_(chosen_ids(photo_ids)), photos.c.trashed_at.is_not(None)
    )
    connection.execute(delete(edit_changes).where(edit_changes.c.photo_id.in_(trashed)))
    edits_with_changes = select(edit_changes.c.edit_id)
    connection.execute(delete(edits).where(edits.c.id.not_in(edits_with_changes)))
    return connection.execute(delete(photos).where(photos.c.id.in_(trashed))).rowcount


def _remove_files(library: Library, list_file: Path) -> tuple[int, tuple[Path, ...]]:
    """Remove the listed files of photos without a row; returns freed bytes, unremoved files.

    The list is removed when all its files are.
    """
    try:
        items = json.loads(list_file.read_text(encoding="utf-8"))
        format_by_id = {item["id"]: item["format"] for item in items if _ID.fullmatch(item["id"])}
    except FileNotFoundError:
        return 0, ()  # another process finished it meanwhile
    except (OSError, ValueError, TypeError, KeyError):
        logger.warning("the list %s cannot be read; no files are removed for it", list_file.name)
        return 0, ()
    freed_bytes, unremoved, ids = 0, list[Path](), list(format_by_id)
    for start in range(0, len(ids), _PHOTOS_PER_LOCK):
        batch = ids[start : start + _PHOTOS_PER_LOCK]
        # With the write lock that adding takes, so that a photo being added again keeps its files.
        with library.database.writer.begin() as connection:
            query = select(photos.c.id).where(photos.c.id.in_(batch))
            ids_with_row = connection.execute(query).scalars()
            for photo_id in sorted(set(batch).difference(ids_with_row)):
                # The list does not say which referenced originals are videos.
                paths = [
                    library.files.thumbnail_location(photo_id),
                    library.files.frames_location(photo_id),
                    library.files.fetched.location(photo_id),
                ]
                if format_by_id[photo_id] is not None:
                    paths.append(library.files.copy_location(photo_id, format_by_id[photo_id]))
                for path in paths:
                    file_bytes, is_removed = _remove(library.file_system, path)
                    freed_bytes += file_bytes
                    unremoved += [] if is_removed else [path]
    if not unremoved:
        library.file_system.remove(list_file)
    return freed_bytes, tuple(unremoved)


def _remove(file_system: FileSystem, path: Path) -> tuple[int, bool]:
    """Remove a file; returns the bytes freed, and whether it no longer exists."""
    try:
        file_bytes = path.stat().st_size
        file_system.remove(path)
    except FileNotFoundError:
        return 0, True
    except OSError as error:
        logger.warning("%s cannot be removed: %s", path, error.strerror)
        return 0, False
    return file_bytes, True
