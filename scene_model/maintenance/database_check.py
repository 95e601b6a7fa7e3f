"""Check a library's database before its rows are believed: pages, schema, then rows.

The checks read with a connection of their own, which changes nothing.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from scene_model.errors import LibraryDamaged, SceneError
from scene_model.library.database.connections import library_database_error
from scene_model.library.database.database_file import DATABASE_NAME, damaged, header_problem
from scene_model.library.database.schema import SCHEMA_VERSION
from scene_model.library.database.schema_check import schema_problems
from scene_model.maintenance.row_check import row_problems

_MAX_MESSAGES = 20


def database_problems(file: Path) -> list[str]:
    """Return what is wrong with a database: integrity_check, then its schema and its rows.

    Of a database of another version, only the integrity is checked. Raises LibraryUnavailable
    when it cannot be opened, except for damage.
    """
    with _problems(file) as (problems, connection):
        if connection is not None:
            problems += _messages(connection, "integrity_check")
            if not problems:
                problems += _content_problems(connection)
    return problems


def page_problems(file: Path) -> list[str]:
    """Return what is wrong with a database's pages: the quick check, before it is opened."""
    with _problems(file) as (problems, connection):
        if connection is not None:
            problems += _messages(connection, "quick_check")
    return problems


@contextlib.contextmanager
def damage_named(folder: Path) -> Iterator[None]:
    """Turn an unexpected error into LibraryDamaged when a library's database explains it."""
    try:
        yield
    except (SceneError, OSError):
        raise
    except Exception as error:
        file = folder / DATABASE_NAME
        problems = database_problems(file) if file.is_file() else []
        if not problems:
            raise
        raise damaged(file, problems[0]) from error


@contextlib.contextmanager
def _problems(file: Path) -> Iterator[tuple[list[str], sqlite3.Connection | None]]:
    """Yield a list for problems, and a reading connection; None where the header is wrong.

    An error that damage causes becomes a problem.
    """
    header = header_problem(file)
    if header is not None:
        yield [header], None
        return
    problems: list[str] = []
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            yield problems, connection
    except sqlite3.DatabaseError as error:
        translated = library_database_error(error, file)
        if not isinstance(translated, LibraryDamaged):
            raise translated from error
        problems.append(str(error))
    except UnicodeDecodeError as error:  # in the name of a table
        problems.append(str(error))


def _messages(connection: sqlite3.Connection, check: str) -> list[str]:
    rows = connection.execute(f"PRAGMA {check}({_MAX_MESSAGES})")
    return [str(message) for (message,) in rows if message != "ok"]


def _content_problems(connection: sqlite3.Connection) -> list[str]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    foreign = schema_problems(connection) if version >= SCHEMA_VERSION else []
    if version > SCHEMA_VERSION:
        return [] if foreign else [f"it says version {version}, but has the tables of an earlier"]
    if version < SCHEMA_VERSION:
        return []
    return foreign or row_problems(connection)
