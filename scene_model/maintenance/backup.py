"""Writing a backup of a library that may be in use: see `backup_file` for what it is.

The rows are copied first, as they are at one moment (SQLite's online backup); then come the
files they name. A photo that leaves the library meanwhile, because the trash is emptied, is
taken out of the copied rows again, so that rows and files agree.
"""

import contextlib
import datetime
import hashlib
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from scene_model import __version__
from scene_model.errors import BackupError
from scene_model.library.file_system import new_file
from scene_model.library.inventory import (
    StoredPhoto,
    files_below,
    original_of,
    stored_photos,
)
from scene_model.library.store import Library
from scene_model.maintenance.backup_file import (
    DATABASE_NAME,
    LIST_NAME,
    BackupEntry,
    BackupList,
    ReferencedOriginal,
    is_backup_name,
)

_CHUNK_BYTES = 1 << 20
_LARGE_BYTES = 1 << 30  # from here on a member gets the fields of large files (ZIP64)

Watch = Callable[[int, int], None]
"""Gets the count of photos done so far, and of all."""


@dataclass(frozen=True)
class BackupDone:
    """A backup that was written, and what it says of itself."""

    file: Path
    file_bytes: int
    listed: BackupList


@dataclass
class _Writing:
    """What is known of a backup while it is written."""

    library: Library
    archive: zipfile.ZipFile
    entries: list[BackupEntry] = field(default_factory=list)
    references: list[ReferencedOriginal] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    copied_references: list[str] = field(default_factory=list)


def write_backup(
    library: Library,
    file: Path,
    with_references: bool = False,
    watch: Watch = lambda _done, _all: None,
) -> BackupDone:
    """Write a library into one new file; others may go on using the library.

    It is written to FILE.part and renamed when it is whole. with_references: copy originals
    that lie outside the library too; they are inside it when the backup is restored.
    Raises TargetExists, PathNotFound or BackupError.
    """
    file = file.expanduser().absolute()
    try:
        with new_file(file) as part, _snapshot(library, file) as (snapshot, photos):
            _check_space(file, sum(p.file_bytes for p in photos if p.reference is None))
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                writing = _Writing(library, archive)
                # First: what rows of this moment name must not be given to other photos meanwhile.
                _embeddings(writing)
                for done, photo in enumerate(photos, 1):
                    _photo(writing, photo, with_references)
                    watch(done, len(photos))
                listed = _rest(writing, snapshot, len(photos))
    except OSError as error:
        raise BackupError(
            f"The backup cannot be written: {error.strerror or error} ({file.parent}). "
            "Free some space, or name a file on another disk."
        ) from error
    return BackupDone(file, file.stat().st_size, listed)


def _embeddings(writing: _Writing) -> None:
    library = writing.library
    for path in files_below(library.folder / "embeddings"):
        if is_backup_name(_name(library, path)):
            entry = _store(writing.archive, _name(library, path), path)
            writing.entries += [] if entry is None else [entry]


def _photo(writing: _Writing, photo: StoredPhoto, with_references: bool) -> None:
    library = writing.library
    if photo.reference is not None and not with_references:
        referenced = ReferencedOriginal(photo=photo.id, path=str(photo.reference))
        writing.references.append(referenced)
    else:
        kept_at = library.files.copy_location(photo.id, photo.format)
        entry = _store(writing.archive, _name(library, kept_at), original_of(library, photo))
        if entry is None:
            with library.database.reader.begin() as connection:
                is_there = bool(stored_photos(connection, photo.id))
            (writing.missing if is_there else writing.gone).append(photo.id)
            if not is_there:
                return
        else:
            writing.entries.append(entry)
            if entry.sha256 != photo.id:
                writing.changed.append(photo.id)
            if photo.reference is not None:
                writing.copied_references.append(photo.id)
    thumbnail = library.files.thumbnail_location(photo.id)
    entry = _store(writing.archive, _name(library, thumbnail), thumbnail)
    if entry is not None:
        writing.entries.append(entry)


def _rest(writing: _Writing, snapshot: Path, photo_count: int) -> BackupList:
    """Store the rows and, last, the list."""
    archive = writing.archive
    version = _adjust(snapshot, writing.gone, writing.copied_references)
    database = _store(archive, DATABASE_NAME, snapshot)
    if database is None:
        raise BackupError("The copy of the database vanished. Try again.")
    listed = BackupList(
        created_at=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        program=__version__,
        library_version=version,
        photos=photo_count - len(writing.gone),
        files=(*writing.entries, database),
        references=tuple(writing.references),
        missing=tuple(writing.missing),
        changed=tuple(writing.changed),
    )
    archive.writestr(_member(LIST_NAME), listed.model_dump_json(indent=1))
    return listed


def _store(archive: zipfile.ZipFile, name: str, path: Path) -> BackupEntry | None:
    """Copy a file into the ZIP, hashing it on the way; None when it cannot be opened.

    One that cannot be read to its end is stored as far as it goes: its hash tells.
    """
    try:
        source = path.open("rb")
    except OSError:
        return None
    digest, file_bytes = hashlib.sha256(), 0
    with source:
        is_large = os.fstat(source.fileno()).st_size >= _LARGE_BYTES
        with archive.open(_member(name), "w", force_zip64=is_large) as target:
            for chunk in _chunks(source):
                digest.update(chunk)
                file_bytes += len(chunk)
                target.write(chunk)
    return BackupEntry(name=name, file_bytes=file_bytes, sha256=digest.hexdigest())


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            chunk = source.read(_CHUNK_BYTES)
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def _member(name: str) -> zipfile.ZipInfo:
    now = datetime.datetime.now()
    date = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    member = zipfile.ZipInfo(name, date)
    member.external_attr = 0o644 << 16  # what ZIP tools on Unix give the file
    return member


def _name(library: Library, path: Path) -> str:
    return path.relative_to(library.folder).as_posix()


@contextlib.contextmanager
def _snapshot(library: Library, file: Path) -> Iterator[tuple[Path, list[StoredPhoto]]]:
    """Copy the rows of this moment to a file beside the backup, which is removed at the end."""
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", suffix=".part.db", dir=file.parent)
    os.close(handle)
    snapshot = Path(name)
    try:
        source = library.database.reader.raw_connection()
        try:
            with contextlib.closing(sqlite3.connect(snapshot)) as copy:
                driver = source.driver_connection
                if not isinstance(driver, sqlite3.Connection):
                    raise BackupError("The library's database is not SQLite's.")
                driver.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
                said = [row[0] for row in copy.execute("PRAGMA quick_check")]
        except sqlite3.DatabaseError as error:
            said = [str(error)]
        finally:
            source.close()
        if said != ["ok"]:
            raise BackupError(
                f"The library's database is damaged ({said[0]}), and a backup of it would be too. "
                "`library verify` says more."
            )
        with _engine(snapshot).begin() as connection:
            photos = stored_photos(connection)
        yield snapshot, photos
    finally:
        snapshot.unlink(missing_ok=True)


def _adjust(snapshot: Path, gone: list[str], copied_references: list[str]) -> int:
    """Bring the copied rows in line with the files that are in the backup; returns the version."""
    with _engine(snapshot).begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        for photo_id in gone:
            for table in ("automatic_tags", "tag_decisions", "class_decisions", "edit_changes"):
                query = f"DELETE FROM {table} WHERE photo_id = ?"  # noqa: S608 - our own names
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


def _check_space(file: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(file.parent).free
    if needed_bytes > free_bytes:
        raise BackupError(
            f"The backup needs {needed_bytes / 1e6:,.0f} MB; {free_bytes / 1e6:,.0f} MB are free "
            f"in {file.parent}. Free some space, or name a file on another disk."
        )
