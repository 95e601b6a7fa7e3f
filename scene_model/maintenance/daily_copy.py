"""Copy a library's database once a day when it is used, so that damage costs a day at most.

LIBRARY/copies/library-2026-11-27.db   a complete database of that day, checked

A copy is made beside the older ones, checked, and only then is the oldest removed. It is made in
steps by a thread of low priority, from one moment of the database; nobody waits for it.
"""

import contextlib
import datetime
import logging
import os
import re
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from scene_model.errors import SceneError
from scene_model.library.database.connections import library_database_error
from scene_model.library.database.database_file import DATABASE_NAME, damaged
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE, PRIVATE_MODE, FileSystem

FOLDER_NAME = "copies"
_NAME = re.compile(r"library-\d{4}-\d\d-\d\d\.db")
_PART = re.compile(r"\.[0-9a-f]{16}\.part(-\w+)?")
# The first copy waits until the first pages are served.
_FIRST_S, _INTERVAL_S = 60.0, 600.0
_STEP_PAGES, _PAUSE_S = 1_000, 0.005
_NICENESS = 10

logger = logging.getLogger(__name__)


def database_copies(folder: Path) -> list[Path]:
    """Return the automatic copies of a library's database, newest first."""
    with contextlib.suppress(OSError):
        copies = [path for path in (folder / FOLDER_NAME).iterdir() if _NAME.fullmatch(path.name)]
        return sorted(copies, key=lambda path: path.name, reverse=True)
    return []


def is_copy_due(folder: Path, today: datetime.date) -> bool:
    """Whether the database was written since its latest copy, and has none of today."""
    copies = database_copies(folder)
    if not copies:
        return (folder / DATABASE_NAME).is_file()
    if copies[0].name >= _copy_name(today):
        return False
    return _written_at(folder) > copies[0].stat().st_mtime


def copy_database(
    folder: Path,
    today: datetime.date,
    keep: int,
    is_stopped: Callable[[], bool] = lambda: False,
    file_system: FileSystem | None = None,
) -> Path | None:
    """Copy and check a library's database, then remove copies beyond the newest ``keep``.

    is_stopped: asked between the steps; the copy is then given up and None is returned. Raises
    LibraryError, and LibraryDamaged when the copy is not intact; no older copy is removed then.
    """
    files = file_system or FileSystem()
    source, copies = folder / DATABASE_NAME, folder / FOLDER_NAME
    files.make_folder(copies, PRIVATE_FOLDER_MODE)
    _remove_parts(copies)
    files.require_space(copies, source.stat().st_size)
    part = copies / f".{secrets.token_hex(8)}.part"
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE))
        if not _copy(source, part, is_stopped):
            return None
        with part.open("rb+") as opened:
            os.fsync(opened.fileno())
        target = copies / _copy_name(today)
        files.before_step("rename", target)
        part.replace(target)
        files.flush_folder(copies)
    finally:
        _remove_parts(copies)
    for path in database_copies(folder)[keep:]:
        files.remove(path)
    return target


class DailyCopies:
    """A thread that copies the database of an open library once a day, when it was written."""

    def __init__(self, folder: Path, keep: int) -> None:
        """folder: of the library. keep: how many copies; 0: none are made."""
        self._folder, self._keep = folder, keep
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, first_s: float = _FIRST_S, interval_s: float = _INTERVAL_S) -> None:
        """Begin to look whether a copy is due: after ``first_s``, then every ``interval_s``."""
        if self._keep and self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(first_s, interval_s), name="copies", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """End the thread; an unfinished copy is given up."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def copy_if_due(self) -> Path | None:
        """Copy the database if a copy is due; a failure is logged."""
        today = datetime.datetime.now().astimezone().date()
        try:
            if self._keep and is_copy_due(self._folder, today):
                return copy_database(self._folder, today, self._keep, self._stop.is_set)
        except SceneError as error:
            logger.error("the database was not copied: %s", error.message)
        except OSError as error:
            logger.error("the database was not copied: %s", error.strerror or error)
        return None

    def _run(self, first_s: float, interval_s: float) -> None:
        if sys.platform == "linux":  # a thread has a priority of its own there
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        wait_s = first_s
        while not self._stop.wait(wait_s):
            self.copy_if_due()
            wait_s = interval_s


def _copy_name(day: datetime.date) -> str:
    return f"library-{day:%Y-%m-%d}.db"


def _written_at(folder: Path) -> float:
    times = [0.0]
    for path in (folder / DATABASE_NAME, folder / f"{DATABASE_NAME}-wal"):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _copy(source: Path, part: Path, is_stopped: Callable[[], bool]) -> bool:
    """Copy a database in steps and check the copy; returns False when it was stopped."""

    class Stopped(Exception):
        """Ends SQLite's loop over the pages."""

    def pause(_status: int, _left: int, _total: int) -> None:
        if is_stopped():
            raise Stopped
        time.sleep(_PAUSE_S)

    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as ours,
            contextlib.closing(sqlite3.connect(part)) as copy,
        ):
            ours.isolation_level = None
            # One reading transaction over all steps: writers do not make the copy begin again.
            ours.execute("BEGIN")
            ours.execute("SELECT count(*) FROM sqlite_master").fetchone()
            ours.backup(copy, pages=_STEP_PAGES, progress=pause)
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.set_progress_handler(lambda: int(is_stopped()), 100_000)
            message = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except Stopped:
        return False
    except sqlite3.Error as error:
        if is_stopped():
            return False
        raise library_database_error(error, source) from error
    if message != "ok":
        raise damaged(source, message)
    return True


def _remove_parts(copies: Path) -> None:
    for path in copies.iterdir():
        if _PART.fullmatch(path.name):
            path.unlink(missing_ok=True)
