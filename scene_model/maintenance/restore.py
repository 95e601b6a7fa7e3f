"""Bringing a library back from a backup: into a new folder, checked file by file.

Everything is unpacked beside the library's folder and takes its place when it is whole.
"""

import contextlib
import datetime
import hashlib
import os
import secrets
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import (
    BackupDamaged,
    BackupError,
    BackupTooNew,
    LibraryInUse,
    NotABackup,
    PathNotFound,
    TargetExists,
)
from scene_model.library.schema import SCHEMA_VERSION
from scene_model.maintenance.backup_file import DATABASE_NAME, BackupEntry, BackupList, read_list

_CHUNK_BYTES = 1 << 20
# What reading a damaged ZIP raises.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)

Watch = Callable[[int, int], None]
"""Gets the count of files unpacked so far, and of all."""


@dataclass(frozen=True)
class Restored:
    """A library that was brought back. moved_aside: where the one before it lies now."""

    folder: Path
    listed: BackupList
    moved_aside: Path | None


def restore_backup(
    file: Path,
    folder: Path,
    replace: bool = False,
    watch: Watch = lambda _done, _all: None,
) -> Restored:
    """Unpack a backup as the library in ``folder``, which must be new or empty.

    replace: move what is there aside, to FOLDER.before-DATE.
    Raises PathNotFound, TargetExists, LibraryInUse, NotABackup, BackupTooNew, BackupDamaged, or
    BackupError; what was there before is then as it was.
    """
    if not file.is_file():
        raise PathNotFound(f"There is no file {file}.")
    folder = Path(os.path.realpath(folder.expanduser()))
    if not _is_free(folder) and not replace:
        raise TargetExists(
            f"{folder} is not empty. Name another folder by --library, or add --replace to move "
            "what is there aside."
        )
    _refuse_in_use(folder)
    unpacked = folder.with_name(f"{folder.name}.restoring-{secrets.token_hex(4)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpacked.mkdir()
        listed = _unpack(file, unpacked, watch)
        _check_rows(unpacked / DATABASE_NAME, listed)
        if hasattr(os, "sync"):
            os.sync()
        _refuse_in_use(folder)
        moved_aside = _take_place(unpacked, folder, replace)
    except OSError as error:
        raise BackupError(
            f"The backup cannot be restored: {error.strerror or error} ({folder.parent}). "
            "Check the space and the permissions there."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return Restored(folder, listed, moved_aside)


def _unpack(file: Path, target: Path, watch: Watch) -> BackupList:
    try:
        with zipfile.ZipFile(file) as archive:
            listed = read_list(archive)
            _check_space(target, sum(entry.file_bytes for entry in listed.files))
            for done, entry in enumerate(listed.files, 1):
                _unpack_one(archive, entry, target)
                watch(done, len(listed.files))
    except _ZIP_ERRORS as error:
        if not _is_zip_start(file):
            raise NotABackup(
                f"{file.name} is no backup of a library. Name a file that `library backup` wrote."
            ) from error
        raise BackupDamaged(
            f"{file.name} is damaged or cut short ({error}). Use another backup."
        ) from error
    return listed


def _unpack_one(archive: zipfile.ZipFile, entry: BackupEntry, folder: Path) -> None:
    target = folder / entry.name  # `read_list` lets no name pass that leads elsewhere
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, file_bytes = hashlib.sha256(), 0
    with archive.open(entry.name) as source, target.open("xb") as unpacked:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            file_bytes += len(chunk)
            unpacked.write(chunk)
    if (digest.hexdigest(), file_bytes) != (entry.sha256, entry.file_bytes):
        raise BackupDamaged(
            f"{entry.name} in the backup is not what was backed up: its hash is another. "
            "Use another backup."
        )


def _check_rows(database: Path, listed: BackupList) -> None:
    """Hold the rows against the files, so that no library without its photos comes back."""
    if not database.is_file():
        raise BackupDamaged("The backup holds no database. Use another backup.")
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise BackupTooNew(
                    f"The library in the backup has version {version}; this program reads up to "
                    f"{SCHEMA_VERSION}. Update Scene Gallery."
                )
            said = [row[0] for row in connection.execute("PRAGMA quick_check")]
            ids = {row[0] for row in connection.execute("SELECT id FROM photos")}
    except sqlite3.DatabaseError as error:
        raise BackupDamaged(
            f"The database in the backup cannot be read: {error}. Use another backup."
        ) from error
    if said != ["ok"]:
        raise BackupDamaged(
            f"The database in the backup is damaged: {said[0]}. Use another backup."
        )
    kept = {Path(e.name).stem for e in listed.files if e.name.startswith("originals/")}
    told = {*listed.missing, *(referenced.photo for referenced in listed.references)}
    lost = sorted(ids - kept - told)
    if lost:
        raise BackupDamaged(
            f"The backup lacks {len(lost):,} originals that its rows name, first {lost[0][:12]}. "
            "Use another backup."
        )


def _take_place(unpacked: Path, folder: Path, replace: bool) -> Path | None:
    if _is_free(folder):
        if folder.is_dir():
            folder.rmdir()
        unpacked.rename(folder)
        return None
    if not replace:
        raise TargetExists(f"{folder} has been filled meanwhile. Name another by --library.")
    now = datetime.datetime.now().astimezone()
    aside = folder.with_name(f"{folder.name}.before-{now:%Y-%m-%dT%H%M%S}")
    if os.path.lexists(aside):
        raise TargetExists(f"{aside} is there already. Try again in a second.")
    folder.rename(aside)
    try:
        unpacked.rename(folder)
    except BaseException:
        aside.rename(folder)
        raise
    return aside


def _is_free(folder: Path) -> bool:
    """Tell whether nothing is there, or a folder with nothing inside."""
    return not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir()))


def _refuse_in_use(folder: Path) -> None:
    database = folder / DATABASE_NAME
    if not database.is_file():
        return
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=0)) as connection:
            # Leaving WAL needs the file alone: it fails while any other connection is open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            return  # a damaged database is no reason to refuse a backup
        raise LibraryInUse(
            f"The library {folder} is open in another program: the pages, perhaps. Stop it and "
            "try again."
        ) from error
    except sqlite3.DatabaseError:
        return


def _check_space(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise BackupError(
            f"The library needs {needed_bytes / 1e6:,.0f} MB; {free_bytes / 1e6:,.0f} MB are free "
            f"in {folder.parent}. Free some space, or restore to another disk."
        )


def _is_zip_start(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(2) == b"PK"
