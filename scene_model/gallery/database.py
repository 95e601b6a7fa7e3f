"""Opening the library's SQLite file: one engine that reads, one that writes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from scene_model.errors import LibraryTooNew, LibraryUnavailable
from scene_model.gallery.schema import MIGRATIONS, SCHEMA_VERSION, metadata
from scene_model.gallery.sql_functions import add_functions

_BUSY_TIMEOUT_MS = 30_000
_CACHE_KIB = 65_536


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


def open_database(file: Path) -> Database:
    """Open or create the database; one of an earlier version becomes one of this, or stays.

    Raises LibraryTooNew or LibraryUnavailable.
    """
    writer = _engine(file, "BEGIN IMMEDIATE")
    try:
        with writer.begin() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > SCHEMA_VERSION:
                raise LibraryTooNew(
                    f"The library {file.parent} has version {version}; this program reads up to "
                    f"{SCHEMA_VERSION}. Update Scene Gallery."
                )
            if version == 0:
                metadata.create_all(connection)
            else:
                for earlier in range(version, SCHEMA_VERSION):
                    for statement in MIGRATIONS[earlier]:
                        connection.exec_driver_sql(statement)
            if version != SCHEMA_VERSION:
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except LibraryTooNew:
        writer.dispose()
        raise
    except DatabaseError as error:
        writer.dispose()
        raise LibraryUnavailable(
            f"The library's database {file} cannot be opened: {error.orig}. "
            "Check that the folder can be written and the file is no other program's."
        ) from error
    return Database(_engine(file, "BEGIN"), writer)


def _engine(file: Path, begin: str) -> Engine:
    engine = create_engine(f"sqlite:///{file}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # Transactions are begun below, not by the driver's own guess.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        cursor.close()
        add_functions(connection)

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
