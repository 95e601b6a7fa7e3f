"""The copy of the database that goes into a backup: consistent and checked."""

import contextlib
import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from scene_model.errors import BackupError
from scene_model.library.database.connections import is_disk_full
from scene_model.library.database.database_file import PHOTO_ID
from scene_model.library.inventory import StoredPhoto, stored_photos
from scene_model.library.store import Library
from scene_model.maintenance.row_check import value_problems


@contextlib.contextmanager
def database_snapshot(
    library: Library, folder: Path, prefix: str
) -> Iterator[tuple[Path, list[StoredPhoto]]]:
    """Copy the database to a temporary file in ``folder``; removed at the end.

    prefix: how the file's name begins. Returns it with the photos in it. Raises BackupError and
    OSError.
    """
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".part.db", dir=folder)
    os.close(handle)
    snapshot = Path(name)
    try:
        source = library.database.reader.raw_connection()
        try:
            with contextlib.closing(sqlite3.connect(snapshot)) as copy:
                driver = source.driver_connection
                if not isinstance(driver, sqlite3.Connection):
                    raise BackupError("The library's database is not an SQLite database.")
                driver.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                messages = [row[0] for row in copy.execute("PRAGMA integrity_check")]
                if messages == ["ok"]:
                    messages = value_problems(copy) or messages
        except sqlite3.DatabaseError as error:
            if is_disk_full(error, folder):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            messages = [str(error)]
        finally:
            source.close()
        if messages != ["ok"]:
            raise BackupError(
                f"The library's database is damaged ({messages[0]}), so a backup of it would be "
                "too. Run `library verify` for details."
            )
        with _engine(snapshot).begin() as connection:
            photos = stored_photos(connection)
        _require_hashes(photos)
        yield snapshot, photos
    finally:
        snapshot.unlink(missing_ok=True)


def _require_hashes(photos: list[StoredPhoto]) -> None:
    """Raise BackupError for an id that is not a hash: paths are made of it."""
    for photo in photos:
        if not PHOTO_ID.fullmatch(photo.id):
            raise BackupError(
                f"The library has a photo whose id is not the hash of a file: {photo.id[:80]!r}. "
                "`library verify --repair` moves its row away."
            )


def adjust_rows(snapshot: Path, deleted: list[str], copied_references: list[str]) -> int:
    """Make the copied rows agree with the files in the backup; returns the schema version."""
    with _engine(snapshot).begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        for photo_id in deleted:
            for table in ("automatic_tags", "tag_decisions", "class_decisions", "edit_changes"):
                query = f"DELETE FROM {table} WHERE photo_id = ?"  # noqa: S608 - constant names
                connection.exec_driver_sql(query, (photo_id,))
            connection.exec_driver_sql("DELETE FROM photos WHERE id = ?", (photo_id,))
        if copied_references:
            connection.exec_driver_sql(
                "UPDATE photos SET reference = NULL WHERE id = ?",
                [(photo_id,) for photo_id in copied_references],
            )
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _engine(file: Path) -> Engine:
    return create_engine(f"sqlite:///{file}", poolclass=NullPool)
