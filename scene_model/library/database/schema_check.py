"""Compare the tables, indexes and triggers of a database with ours."""

import re
import sqlite3
from collections.abc import Iterable, Iterator

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from scene_model.library.database.migrations import CREATED_TABLES, create_missing_objects

Objects = dict[tuple[str, str], str]
"""SQL of each object without white space, by kind and name."""

# What a library of an earlier version may have beside ours; migrating removes it.
_EARLIER = {("index", "automatic_tags_by_label")}
_SQLITES_OWN = re.compile(r"sqlite_(sequence|stat\d|autoindex_\w+)")


def schema_problems(connection: sqlite3.Connection, is_current: bool = True) -> list[str]:
    """Say how a database's schema differs from ours.

    is_current: whether it has the current version. Of an earlier one only names and triggers are
    compared; migrate it first for the rest. Raises sqlite3.DatabaseError.
    """
    ours, theirs = _our_objects(), _objects(connection)
    return list(_foreign(ours, theirs, is_current)) + (
        list(_differing(ours, theirs)) if is_current else []
    )


def _our_objects() -> Objects:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        create_missing_objects(connection)
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            raise TypeError("the library's database is an SQLite database")
        objects = _objects(driver)
    engine.dispose()
    return objects


def _objects(connection: sqlite3.Connection) -> Objects:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master")
    return {
        (str(kind), str(name)): _plain(str(sql))
        for kind, name, sql in rows
        if not (kind in ("table", "index") and _SQLITES_OWN.fullmatch(str(name)))
    }


def _foreign(ours: Objects, theirs: Objects, is_current: bool) -> Iterator[str]:
    allowed = set(ours) if is_current else set(ours) | _EARLIER
    for kind, name in sorted(set(theirs) - allowed):
        yield f"it has a {kind} {name!r}, which is not this program's"
    for (kind, name), sql in sorted(theirs.items()):
        if kind == "trigger" and (kind, name) in ours and sql != ours[kind, name]:
            yield f"its trigger {name!r} is not this program's"


def _differing(ours: Objects, theirs: Objects) -> Iterator[str]:
    # Tables that a migration created are worded differently.
    texts = set(ours.values()) | set(map(_plain, CREATED_TABLES))
    for (kind, name), sql in sorted(ours.items()):
        if (kind, name) not in theirs:
            yield f"its {kind} {name!r} is missing"
        elif kind != "trigger" and theirs[kind, name] not in _allowed(sql, name, texts):
            yield f"its {kind} {name!r} is different from this program's"


def _allowed(sql: str, name: str, texts: Iterable[str]) -> set[str]:
    start = f"CREATETABLE{name}("
    return {sql, *(text for text in texts if text.startswith(start))}


def _plain(sql: str) -> str:
    """SQL without white space, and without the quotes that a renamed table gets."""
    return re.sub(r'[\s"]|IF NOT EXISTS', "", sql)
