"""Check the database of an unpacked backup: its schema, its rows, and the files they name.

A backup may come from a stranger. So the schema must be exactly ours, which leaves no trigger, view
or expression to run, and an id must be a hash, since paths are made of it.
"""

import contextlib
import errno
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from scene_model.errors import BackupDamaged, BackupTooNew, LibraryError, LibraryFull, NotABackup
from scene_model.library.database.connections import is_disk_full, open_database
from scene_model.library.database.schema import MOST_PHOTOS, SCHEMA_VERSION
from scene_model.library.database.schema_check import schema_problems
from scene_model.library.embeddings.embedding_files import EmbeddingFiles
from scene_model.library.files.file_system import FileSystem
from scene_model.library.files.photo_files import copy_location
from scene_model.maintenance.backup_file import BackupManifest, is_backup_name
from scene_model.maintenance.row_check import value_problems

_ANOTHER = "Use another backup."
_ID = re.compile(r"[0-9a-f]{64}")


def check_backup_database(database: Path, manifest: BackupManifest) -> list[str]:
    """Check a backup's database, and that the backup has the original of each row.

    A database of an earlier version is migrated first. Returns the paths and URLs outside the
    library that its rows refer to. Raises BackupTooNew, BackupDamaged or NotABackup, and OSError
    when the disk is full.
    """
    if not database.is_file():
        raise BackupDamaged(f"The backup has no database. {_ANOTHER}")
    try:
        with _opened(database) as connection:
            version = _check_schema(connection)
        if version < SCHEMA_VERSION:
            _migrate(database)
        with _opened(database) as connection:
            if version < SCHEMA_VERSION:
                _refuse(schema_problems(connection))
            _check_content(connection)
            rows = _photo_rows(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.Error) and is_disk_full(error, database.parent):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise BackupDamaged(
            f"The database in the backup cannot be read: {error}. {_ANOTHER}"
        ) from error
    _check_originals(rows, manifest, database.parent)
    return [reference for _, _, reference in rows if reference is not None]


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        yield connection


def _check_schema(connection: sqlite3.Connection) -> int:
    """Check version, pages and schema; returns the version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise BackupTooNew(
            f"The library in the backup has version {version}; this program reads up to "
            f"{SCHEMA_VERSION}. Update Scene Gallery."
        )
    messages = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    if messages != ["ok"]:
        raise BackupDamaged(f"The database in the backup is damaged: {messages[0]}. {_ANOTHER}")
    if version < 1:
        raise NotABackup(f"The database in the backup is not a library's. {_ANOTHER}")
    _refuse(schema_problems(connection, is_current=version == SCHEMA_VERSION))
    return int(version)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise NotABackup(
            f"The database in the backup was not written by this program: {problems[0]}. {_ANOTHER}"
        )


def _migrate(database: Path) -> None:
    embeddings = database.parent / "embeddings"
    embeddings.mkdir(exist_ok=True, mode=0o700)
    try:
        open_database(database, EmbeddingFiles(embeddings, FileSystem())).close()
    except LibraryFull as error:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    except LibraryError as error:
        raise BackupDamaged(
            f"The database in the backup cannot be migrated: {error.message} {_ANOTHER}"
        ) from error


def _check_content(connection: sqlite3.Connection) -> None:
    problems = value_problems(connection)
    if problems:
        raise BackupDamaged(f"The database in the backup is damaged: {problems[0]}. {_ANOTHER}")
    _check_numbers(connection)
    names = connection.execute(
        "SELECT embedding_file FROM photos UNION SELECT file FROM free_slots "
        "UNION SELECT embedding_file FROM compared_photos "
        "UNION SELECT file FROM backbone_embeddings"
    )
    for (name,) in names:
        if name is not None and not is_backup_name(f"embeddings/{name}"):
            raise NotABackup(
                f"The backup names a file that does not belong in a library: {name!r}. {_ANOTHER}"
            )


def _check_numbers(connection: sqlite3.Connection) -> None:
    """Check the numbers of photos: arrays of the highest one's size are kept in memory."""
    outside = connection.execute(
        "SELECT number FROM photos WHERE number NOT BETWEEN 1 AND ? LIMIT 1", (MOST_PHOTOS,)
    ).fetchone()
    if outside is not None:
        raise NotABackup(
            f"The backup has a photo with the number {outside[0]:,}; numbers are from 1 to "
            f"{MOST_PHOTOS:,}. {_ANOTHER}"
        )


def _photo_rows(connection: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    """Return id, format, and path or URL of an original outside the library, of each photo."""
    rows = []
    for photo_id, picture_format, reference in connection.execute(
        "SELECT id, format, coalesce(reference, remote_url) FROM photos ORDER BY id"
    ):
        if not _ID.fullmatch(photo_id):
            raise NotABackup(
                f"The backup has a photo whose id is not the hash of a file: {photo_id[:80]!r}. "
                f"{_ANOTHER}"
            )
        path = os.fsdecode(reference) if isinstance(reference, bytes) else reference
        rows.append((photo_id, picture_format, path))
    return rows


def _check_originals(
    rows: Iterable[tuple[str, str, str | None]], manifest: BackupManifest, folder: Path
) -> None:
    """Check that each photo has the original that its id is the hash of, or is listed."""
    hash_by_name = {entry.name: entry.sha256 for entry in manifest.files}
    listed = {*manifest.missing, *(reference.photo for reference in manifest.references)}
    absent = []
    for photo_id, picture_format, reference in rows:
        name = copy_location(folder, photo_id, picture_format).relative_to(folder).as_posix()
        if reference is not None and photo_id not in listed:
            raise NotABackup(
                f"The backup refers to a file that its list does not name: {reference}. {_ANOTHER}"
            )
        if name not in hash_by_name:
            absent += [] if photo_id in listed else [photo_id]
        elif hash_by_name[name] != photo_id and photo_id not in manifest.changed:
            raise NotABackup(
                f"The backup has another file in place of the original of {photo_id[:12]}: its "
                f"id is not the hash of it. {_ANOTHER}"
            )
    if absent:
        originals = "1 original" if len(absent) == 1 else f"{len(absent):,} originals"
        raise BackupDamaged(
            f"The backup lacks {originals} of photos in its database, first {absent[0][:12]}. "
            f"{_ANOTHER}"
        )
