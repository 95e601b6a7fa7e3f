"""Emptying the trash: the one thing here that cannot be undone.

In one transaction a list of the files is written and the rows go; then the files go, then the
list. After a kill the list says what is still to be done: a row never lacks its file.

LIBRARY/trash/emptying-….json      files that are to go
"""

import json
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, select

from scene_model.library.edits import chosen_ids
from scene_model.library.file_system import library_error
from scene_model.library.inventory import StoredPhoto, stored_photos
from scene_model.library.schema import edit_changes, edits, photos
from scene_model.library.store import Library

_ID = re.compile(r"[0-9a-f]{64}")
_LIST_PATTERN = "emptying-*.json"
_AT_A_TIME = 200  # photos whose files go under one lock, so that others need not wait long

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrashContents:
    """What emptying the trash would remove.

    file_bytes: size of the originals that lie in the library folder. referenced: photos whose
    original lies elsewhere and stays there.
    """

    photo_ids: tuple[str, ...]
    file_bytes: int
    referenced: int


@dataclass(frozen=True)
class Emptied:
    """What became of emptying the trash; left: files that could not be removed yet."""

    photo_count: int
    freed_bytes: int
    left: tuple[Path, ...] = ()


def trash_dir(library: Library) -> Path:
    """Where lists of files to remove, and files moved out of the way, lie."""
    return library.folder / "trash"


def trash_contents(library: Library) -> TrashContents:
    """Say what is in the trash, for the question before it is emptied."""
    with library.database.reader.begin() as connection:
        found = stored_photos(connection, only_trashed=True)
    return TrashContents(
        photo_ids=tuple(photo.id for photo in found),
        file_bytes=sum(photo.file_bytes for photo in found if photo.reference is None),
        referenced=sum(photo.reference is not None for photo in found),
    )


def empty_trash(library: Library, photo_ids: Sequence[str]) -> Emptied:
    """Remove photos of the trash for good, with all that was said of them.

    Those that are not in the trash any more stay. A file that was only referenced is never
    touched. Edits of these photos cannot be undone after. Raises LibraryUnavailable.
    """
    finish_emptying(library)
    asked = set(photo_ids)
    with library.database.reader.begin() as connection:
        gone = [p for p in stored_photos(connection, only_trashed=True) if p.id in asked]
    if not gone:
        return Emptied(0, 0)
    with library.database.writer.begin() as connection:
        # Inside: another program that finishes what was cut off waits until the rows are gone.
        listing = _write_list(library, gone)
        count = _remove_rows(connection, [photo.id for photo in gone])
    freed_bytes, left = _remove_files(library, listing)
    return Emptied(count, freed_bytes, left)


def finish_emptying(library: Library) -> Emptied:
    """Remove the files that a cut-off emptying of the trash left behind."""
    freed_bytes, left = 0, list[Path]()
    for listing in unfinished(library):
        freed, stayed = _remove_files(library, listing)
        freed_bytes += freed
        left += stayed
    return Emptied(0, freed_bytes, tuple(left))


def unfinished(library: Library) -> list[Path]:
    """Lists of files that are still to go."""
    return sorted(trash_dir(library).glob(_LIST_PATTERN))


def _write_list(library: Library, gone: Sequence[StoredPhoto]) -> Path:
    # A format, not a path: what is removed lies where the library puts originals, nowhere else.
    items = [
        {"id": photo.id, "format": None if photo.reference else photo.format} for photo in gone
    ]
    listing = trash_dir(library) / f"emptying-{secrets.token_hex(8)}.json"
    try:
        library.file_system.write_whole(listing, json.dumps(items).encode(), library.files.new_dir)
    except OSError as error:
        raise library_error(error, library.folder) from error
    return listing


def _remove_rows(connection: Connection, photo_ids: Sequence[str]) -> int:
    trashed = select(photos.c.id).where(
        photos.c.id.in_(chosen_ids(photo_ids)), photos.c.trashed_at.is_not(None)
    )
    connection.execute(delete(edit_changes).where(edit_changes.c.photo_id.in_(trashed)))
    changed = select(edit_changes.c.edit_id)
    connection.execute(delete(edits).where(edits.c.id.not_in(changed)))
    return connection.execute(delete(photos).where(photos.c.id.in_(trashed))).rowcount


def _remove_files(library: Library, listing: Path) -> tuple[int, tuple[Path, ...]]:
    """Remove what a list names and no row needs; the list goes when nothing is left."""
    try:
        items = json.loads(listing.read_text(encoding="utf-8"))
        wanted = {item["id"]: item["format"] for item in items if _ID.fullmatch(item["id"])}
    except FileNotFoundError:
        return 0, ()  # another program finished it meanwhile
    except (OSError, ValueError, TypeError, KeyError):
        logger.warning("the list %s cannot be read; nothing is removed by it", listing.name)
        return 0, ()
    freed_bytes, left, ids = 0, list[Path](), list(wanted)
    for start in range(0, len(ids), _AT_A_TIME):
        batch = ids[start : start + _AT_A_TIME]
        # Under the lock that adding takes: a photo that is added again just now keeps its file.
        with library.database.writer.begin() as connection:
            kept = connection.execute(select(photos.c.id).where(photos.c.id.in_(batch))).scalars()
            for photo_id in sorted(set(batch).difference(kept)):
                files = [library.files.thumbnail_location(photo_id)]
                if wanted[photo_id] is not None:
                    files.append(library.files.copy_location(photo_id, wanted[photo_id]))
                for path in files:
                    freed, is_left = _remove(path)
                    freed_bytes += freed
                    left += [path] if is_left else []
    if not left:
        listing.unlink(missing_ok=True)
    return freed_bytes, tuple(left)


def _remove(path: Path) -> tuple[int, bool]:
    """Remove a file; returns its bytes, and whether it is still there."""
    try:
        file_bytes = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0, False
    except OSError as error:
        logger.warning("%s cannot be removed: %s", path, error.strerror)
        return 0, True
    return file_bytes, False
