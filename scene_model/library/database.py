"""Opening the library's SQLite file: one engine that reads, one that writes."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import ExceptionContext

from scene_model.errors import (
    LibraryBusy,
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryTooNew,
    LibraryUnavailable,
)
from scene_model.library.embeddings import EmbeddingFiles
from scene_model.library.migrations import create_what_is_missing, to_version_3
from scene_model.library.schema import MIGRATIONS, SCHEMA_VERSION
from scene_model.library.sqlite_extensions import add_functions

_BUSY_TIMEOUT_MS = 10_000
# Another process may write for long: it brings over a large library, or copies a backup.
_PATIENCE_S = 60.0
_PAUSE_S = 0.02
_CACHE_KB, _LARGE_CACHE_KB = 8_000, 64_000
_SYNCHRONOUS = "FULL"  # a commit is on the disk when it returns
_WAL_BYTES = 64_000_000
_SAMPLED_ROWS = 1_000

# What only a program can say of the way from one version to the next, by the version it leaves.
_STEPS: dict[int, Callable[[Connection, EmbeddingFiles], None]] = {2: to_version_3}


class _Compiler(SQLiteCompiler):
    """SQLite's dialect, and "INDEXED BY", which SQLAlchemy leaves out of it."""

    def get_from_hint_text(self, table: Any, text: Any) -> Any:
        """Write a table's hint behind its name."""
        return text


@dataclass(frozen=True)
class Database:
    """Two engines on one file.

    A writing transaction takes the write lock when it begins, so that it waits for another
    writer instead of failing half-way; readers never wait (WAL).
    """

    reader: Engine
    writer: Engine

    def close(self) -> None:
        """Close all connections."""
        self.reader.dispose()
        self.writer.dispose()


@contextmanager
def with_large_cache(connection: Connection) -> Iterator[None]:
    """Hold more of the file in memory while one transaction changes much of the library.

    Each photo stands in many indexes: else their pages are written and read again and again.
    """
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_LARGE_CACHE_KB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")


def open_database(file: Path, embeddings: EmbeddingFiles) -> Database:
    """Open or create the database; one of an earlier version becomes one of this, or stays.

    Raises LibraryTooNew or LibraryUnavailable.
    """
    opener = _engine(file, "BEGIN IMMEDIATE", foreign_keys=False)
    try:
        with opener.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > SCHEMA_VERSION:
                raise LibraryTooNew(
                    f"The library {file.parent} has version {version}; this program reads up to "
                    f"{SCHEMA_VERSION}. Update Scene Gallery."
                )
            if version == 0:
                create_what_is_missing(connection)
            for earlier in range(version, SCHEMA_VERSION) if version else ():
                for statement in MIGRATIONS[earlier]:
                    connection.exec_driver_sql(statement)
                if earlier in _STEPS:
                    _STEPS[earlier](connection, embeddings)
            if version != SCHEMA_VERSION:
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            _keep_statistics(connection)
        if 0 < version < SCHEMA_VERSION:
            _give_back_room(opener)
    finally:
        opener.dispose()
    return Database(_engine(file, "BEGIN"), _engine(file, "BEGIN IMMEDIATE"))


def _keep_statistics(connection: Connection) -> None:
    """Let SQLite sample its indexes when the library has grown: it then chooses the right one."""
    count = connection.exec_driver_sql("SELECT count(*) FROM photos").scalar_one()
    has_any = connection.exec_driver_sql(
        "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"
    ).first()
    known = 0
    if has_any:
        row = connection.exec_driver_sql(
            "SELECT stat FROM sqlite_stat1 WHERE tbl = 'photos' LIMIT 1"
        ).first()
        known = int(row[0].split()[0]) if row else 0
    if count > max(_SAMPLED_ROWS, 2 * known):
        connection.exec_driver_sql(f"PRAGMA analysis_limit = {_SAMPLED_ROWS}")
        connection.exec_driver_sql("ANALYZE")


def _give_back_room(engine: Engine) -> None:
    """Shrink the file by what was moved out of it; where that fails, it is only larger."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM")
    except sqlite3.Error:
        return
    finally:
        raw.close()


def _engine(file: Path, begin: str, foreign_keys: bool = True) -> Engine:
    engine = create_engine(f"sqlite:///{file}", connect_args={"check_same_thread": False})
    engine.dialect.statement_compiler = _Compiler

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # Transactions are begun below, not by the driver's own guess.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
            # Not covered by that timeout when two processes begin a library at once.
            _patiently(lambda: cursor.execute("PRAGMA journal_mode = WAL"), sqlite3.Error)
            cursor.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
            cursor.execute(f"PRAGMA synchronous = {_SYNCHRONOUS}")
            cursor.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            cursor.execute("PRAGMA temp_store = MEMORY")
            cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        except sqlite3.Error as error:
            connection.close()
            raise _said(error, file) from error
        cursor.close()
        add_functions(connection)

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        _patiently(lambda: connection.exec_driver_sql(begin), LibraryBusy)

    @event.listens_for(engine, "handle_error")
    def say(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.IntegrityError | sqlite3.ProgrammingError
        ):
            raise _said(error, file) from error

    return engine


def _patiently(step: Callable[[], object], refusal: type[Exception]) -> None:
    """Take a step again while another process is in the way, for a minute at most."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            step()
        except refusal as error:
            is_busy = isinstance(error, LibraryBusy) or _primary_code(error) in _BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _primary_code(error: BaseException) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF


def _said(error: sqlite3.Error, file: Path) -> LibraryError:
    """Say in the library's words what SQLite could not do."""
    code = _primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return LibraryFull(
            f"There is no room left for the library's database {file}. "
            "Free some space and try again; nothing was changed."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return LibraryReadOnly(
            f"The library's database {file} may not be written: {error}. "
            "Change the permissions of the folder and what is in it."
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return LibraryDamaged(
            f"The library's database {file} is damaged: {error}. Restore it from a backup; the "
            "photos themselves lie beside it and are not touched."
        )
    if code in _BUSY:
        return LibraryBusy(
            f"Another program has been writing to the library {file.parent} for more than "
            f"{_PATIENCE_S:.0f} seconds. Wait until it is done, or end it, and try again."
        )
    return LibraryUnavailable(
        f"The library's database {file} cannot be used: {error}. "
        "Check that the folder can be written and the file is no other program's."
    )
