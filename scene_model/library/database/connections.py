"""Open the library's SQLite database: one engine for reading, one for writing."""

import re
import sqlite3
import tempfile
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
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryTooNew,
    LibraryUnavailable,
)
from scene_model.library.database.database_file import damaged, require_database_file
from scene_model.library.database.migrations import create_missing_objects, migrate
from scene_model.library.database.schema import SCHEMA_VERSION
from scene_model.library.database.sqlite_extensions import add_functions
from scene_model.library.embeddings.embedding_files import EmbeddingFiles
from scene_model.library.files.file_system import FULL

BUSY_TIMEOUT_MS = 10_000
# Another process may hold the write lock for long: while it migrates a large library, for example.
LOCK_TIMEOUT_S = 60.0
_RETRY_INTERVAL_S = 0.02
_CACHE_KB, _LARGE_CACHE_KB = 8_000, 64_000
SYNCHRONOUS = "FULL"  # a commit is on the disk when it returns
_WAL_BYTES = 64_000_000
_ANALYZED_ROWS = 1_000
_PROBE_BYTES = 1 << 16
_WITH_EMBEDDING_FILES = 3  # the version
# No version of this program will have a higher number; a damaged header does.
_LAST_VERSION = 255
# A damaged schema: SQLite finds no fault with the file, but not what every library has.
_DAMAGED_SCHEMA = re.compile(
    r"no such (table|column|index)|duplicate column|malformed|has no column|already exists|"
    r"unknown function|unrecognized token|unsafe use of|unsupported file format"
)


class _Compiler(SQLiteCompiler):
    """SQLAlchemy's SQLite compiler with support for "INDEXED BY" as a table hint."""

    def get_from_hint_text(self, table: Any, text: Any) -> Any:
        """Return the hint, which SQLAlchemy appends to the table name."""
        return text


@dataclass(frozen=True)
class Database:
    """A reading and a writing engine on the same file.

    A writing transaction takes the write lock when it begins, so it waits for another writer
    instead of failing part-way. Readers never wait (WAL mode).
    """

    reader: Engine
    writer: Engine

    def close(self) -> None:
        """Close all connections."""
        self.reader.dispose()
        self.writer.dispose()


@contextmanager
def with_large_cache(connection: Connection) -> Iterator[None]:
    """Use a larger page cache for a transaction that changes much of the library.

    Each photo is in many indexes. With the small cache their pages would be evicted and read
    again repeatedly.
    """
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_LARGE_CACHE_KB}")
    try:
        yield
    finally:
        if not connection.invalidated:  # an interrupt closes the connection
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")


def open_database(file: Path, embeddings: EmbeddingFiles) -> Database:
    """Open or create the database and migrate an earlier schema version in one transaction.

    When the migration fails, the database is unchanged. Raises LibraryTooNew, LibraryDamaged or
    LibraryUnavailable.
    """
    require_database_file(file)
    migration_engine = _engine(file, "BEGIN IMMEDIATE", is_migrating=True)
    try:
        with migration_engine.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if not 0 <= version <= _LAST_VERSION:
                raise damaged(file, f"there is no version {version}")
            if version > SCHEMA_VERSION:
                raise LibraryTooNew(
                    f"The library {file.parent} has version {version}; this program reads up to "
                    f"{SCHEMA_VERSION}. Update Scene Gallery."
                )
            if version == 0:
                create_missing_objects(connection)
            else:
                migrate(connection, version, embeddings)
            if version != SCHEMA_VERSION:
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            _update_statistics(connection)
        if 0 < version < _WITH_EMBEDDING_FILES:
            _vacuum(migration_engine)
    finally:
        migration_engine.dispose()
    return Database(_engine(file, "BEGIN"), _engine(file, "BEGIN IMMEDIATE"))


def _update_statistics(connection: Connection) -> None:
    """Run ANALYZE when the library has doubled, so that the query planner picks good indexes."""
    photo_count = connection.exec_driver_sql("SELECT count(*) FROM photos").scalar_one()
    has_statistics = connection.exec_driver_sql(
        "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"
    ).first()
    analyzed_count = 0
    if has_statistics:
        row = connection.exec_driver_sql(
            "SELECT stat FROM sqlite_stat1 WHERE tbl = 'photos' LIMIT 1"
        ).first()
        number = str(row[0]).partition(" ")[0] if row else ""
        analyzed_count = int(number) if number.isdecimal() else 0
    if photo_count > max(_ANALYZED_ROWS, 2 * analyzed_count):
        connection.exec_driver_sql(f"PRAGMA analysis_limit = {_ANALYZED_ROWS}")
        connection.exec_driver_sql("ANALYZE")


def _vacuum(engine: Engine) -> None:
    """Shrink the file after embeddings were moved out of it; a failure is harmless."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM")
    except sqlite3.Error:
        return
    finally:
        raw.close()


def _engine(file: Path, begin: str, is_migrating: bool = False) -> Engine:
    engine = create_engine(f"sqlite:///{file}", connect_args={"check_same_thread": False})
    engine.dialect.statement_compiler = _Compiler

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # `begin_transaction` starts transactions, not the driver.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            # The busy timeout does not apply here when two processes create a library at once.
            _retry_while_busy(lambda: cursor.execute("PRAGMA journal_mode = WAL"), sqlite3.Error)
            cursor.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
            cursor.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
            cursor.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            # A migration may copy, or sort for an index, all photos of a large library.
            cursor.execute(f"PRAGMA temp_store = {'FILE' if is_migrating else 'MEMORY'}")
            # A database may come from a backup that a stranger made, or be damaged.
            cursor.execute("PRAGMA trusted_schema = OFF")
            cursor.execute("PRAGMA cell_size_check = ON")
            cursor.execute(f"PRAGMA foreign_keys = {'OFF' if is_migrating else 'ON'}")
        except sqlite3.Error as error:
            connection.close()
            raise library_database_error(error, file, is_migrating) from error
        cursor.close()
        add_functions(connection)

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        _retry_while_busy(lambda: connection.exec_driver_sql(begin), LibraryBusy)

    @event.listens_for(engine, "handle_error")
    def translate_error(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.IntegrityError | sqlite3.ProgrammingError
        ):
            raise library_database_error(error, file, is_migrating) from error

    return engine


def _retry_while_busy(step: Callable[[], object], busy_error: type[Exception]) -> None:
    """Repeat a step while another process holds a lock, for `LOCK_TIMEOUT_S` at most."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            step()
        except busy_error as error:
            is_busy = isinstance(error, LibraryBusy) or _primary_code(error) in _BUSY_CODES
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_INTERVAL_S)
        else:
            return


# Too big: a damaged size of a value that a computed column reads; nothing of ours is that long.
_DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG)
_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _primary_code(error: BaseException) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF


def is_disk_full(error: BaseException, folder: Path) -> bool:
    """Whether an SQLite error means that nothing more can be written to a folder.

    SQLite reports a full disk as such only for some operations, and an exhausted quota for none;
    the others are "disk I/O error". So a few bytes are written to see.
    """
    code = _primary_code(error)
    if code not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return code == sqlite3.SQLITE_FULL
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
    except OSError as problem:
        return problem.errno in FULL
    return False


def _temporary_folder() -> Path:
    """Return the folder of SQLite's temporary files (sqlite.org/tempfiles.html, section 5)."""
    folder, default = Path(tempfile.gettempdir()), Path("/var/tmp")  # noqa: S108 - SQLite's default
    # Where TMPDIR is not set, Python takes /tmp instead.
    return default if folder == Path("/tmp") and default.is_dir() else folder  # noqa: S108


def library_database_error(
    error: sqlite3.Error, file: Path, is_migrating: bool = False
) -> LibraryError:
    """Translate an SQLite error into a LibraryError.

    is_migrating: the library is being opened; SQLite also writes into the temporary folder then.
    """
    code = _primary_code(error)
    temporary = _temporary_folder()
    if is_migrating and (is_disk_full(error, file.parent) or is_disk_full(error, temporary)):
        return LibraryFull(
            f"A disk is full: the library's database {file} cannot be opened. Free some space and "
            "try again; nothing was changed. A library of an earlier version also needs space in "
            f"the temporary folder {temporary}: set TMPDIR (on Windows: TMP) to use another one."
        )
    if is_disk_full(error, file.parent):
        return LibraryFull(
            f"The disk is full: the library's database {file} cannot grow. "
            "Free some space and try again; nothing was changed."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return LibraryReadOnly(
            f"The library's database {file} is read-only: {error}. "
            "Change the permissions of the folder and its files."
        )
    if code in _DAMAGE_CODES or _shows_damage(error, code):
        return damaged(file, error)
    if code in _BUSY_CODES:
        return LibraryBusy(
            f"Another program has been writing to the library {file.parent} for more than "
            f"{LOCK_TIMEOUT_S:.0f} seconds. Wait until it has finished, or stop it, and try again."
        )
    return LibraryUnavailable(
        f"The library's database {file} cannot be used: {error}. "
        "Check that the folder is writable and that the file belongs to Scene Gallery."
    )


def _shows_damage(error: sqlite3.Error, code: int) -> bool:
    """Whether an error that SQLite reports in general terms comes from a damaged database."""
    if code == 0:  # of Python's module, which reads all text as UTF-8
        return "Could not decode" in str(error)
    return code == sqlite3.SQLITE_ERROR and _DAMAGED_SCHEMA.search(str(error)) is not None
