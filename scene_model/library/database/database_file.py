"""The database file before it is opened: whether it is there, and can be one of ours.

A library whose database is gone must not be opened as a new, empty one: a check would then call
all of its originals files of no photo.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from scene_model.errors import DatabaseMissing, LibraryDamaged

DATABASE_NAME = "library.db"
ORIGINALS, THUMBNAILS = "originals", "thumbnails"
# While this file exists, the database is incomplete: `library rebuild` is adding rows to it.
REBUILDING_NAME = "rebuilding"
WHAT_TO_DO = (
    "Run `library rebuild`, which takes the newest automatic copy of the database and adds a row "
    "for every other original, or restore the library from a backup with `library restore FILE "
    "--replace`. The photo files are separate and are not changed."
)
PHOTO_ID = re.compile(r"[0-9a-f]{64}")
_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def stored_files(folder: Path, kind: str) -> Iterator[Path]:
    """Yield the files named by a photo's hash, as the library stores them; links are left out.

    folder: of the library. kind: ORIGINALS or THUMBNAILS.
    """
    for parent in _entries(folder / kind, r"[0-9a-f]{2}", is_folder=True):
        for path in _entries(parent, r"[0-9a-f]{64}(\.frames)?\.[a-z0-9]{1,5}", is_folder=False):
            if path.name.startswith(parent.name):
                yield path


def require_database(folder: Path, is_rebuilding: bool = False) -> None:
    """Raise DatabaseMissing when a library has photos, but no database or an incomplete one.

    is_rebuilding: the caller is about to make it complete.
    """
    if is_rebuilding:
        return
    file = folder / DATABASE_NAME
    if (folder / REBUILDING_NAME).exists():
        raise DatabaseMissing(
            f"Rebuilding the database of the library {folder} was interrupted. Run `library "
            "rebuild` again, which continues it."
        )
    try:
        is_empty = file.stat().st_size == 0
    except FileNotFoundError:
        is_empty = True
    except OSError:
        return  # opening it says what is wrong
    if not is_empty:
        return
    state = "is empty" if file.exists() else "is missing"
    originals = sum(1 for _ in stored_files(folder, ORIGINALS))
    thumbnails = 0 if originals else sum(1 for _ in stored_files(folder, THUMBNAILS))
    if originals or thumbnails:
        count, kind = (originals, "original") if originals else (thumbnails, "thumbnail")
        files = f"{count:,} {kind}" + ("" if count == 1 else "s")
        raise DatabaseMissing(
            f"The library's database {file} {state}, but there are files of photos ({files}). "
            f"{WHAT_TO_DO}"
        )


def require_database_file(file: Path) -> None:
    """Raise LibraryDamaged when a file cannot be a database; reads its header only."""
    problem = header_problem(file)
    if problem is not None:
        raise damaged(file, problem)


def damaged(file: Path, problem: object) -> LibraryDamaged:
    """Return the error for a damaged database."""
    return LibraryDamaged(f"The library's database {file} is damaged: {problem}. {WHAT_TO_DO}")


def header_problem(file: Path) -> str | None:
    """Return what is wrong with a database's header or size; None if nothing is.

    Only SQLite opens the file. POSIX releases all locks of a process on a file when any of its
    handles on that file is closed; another process would then remove the write-ahead log of this
    one.
    """
    try:
        file_bytes = file.stat().st_size
    except OSError:
        return None  # opening it says what is wrong
    if file_bytes == 0:
        return None  # SQLite makes a new database of it
    # With a write-ahead log, the end of the file may be there.
    log = file.with_name(f"{file.name}-wal")
    has_log = log.exists() and log.stat().st_size > 0
    uri = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, timeout=0, uri=True)) as connection:
            connection.execute("PRAGMA schema_version")
            page_bytes: int = connection.execute("PRAGMA page_size").fetchone()[0]
    except sqlite3.DatabaseError as error:
        is_damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE_CODES
        return str(error) if is_damaged else None
    if not has_log and file_bytes % page_bytes:
        return f"its last page is cut short ({file_bytes:,} bytes)"
    return None


def _entries(folder: Path, name: str, is_folder: bool) -> Iterator[Path]:
    pattern = re.compile(name)
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_kind = entry.is_dir if is_folder else entry.is_file
                if pattern.fullmatch(entry.name) and is_kind(follow_symlinks=False):
                    yield Path(entry.path)
    except OSError:
        return
