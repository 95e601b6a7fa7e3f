"""Migrate a library's database from an earlier schema version to the current one."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from scene_model.classifier.vocabulary import fold_case
from scene_model.errors import LibraryDamaged
from scene_model.library.database.schema import SCHEMA_VERSION, metadata, photos
from scene_model.library.database.triggers import INITIAL_FILL, TRIGGERS
from scene_model.library.embeddings.embedding_files import EmbeddingFiles, file_name, packed
from scene_model.photos.dates import EXIF, stored_confidence

_BATCH = 1000
_WITH_DATE_DECISIONS = 8  # the version

# SQL statements by the version they start from. Version 1 stored only the shipped model's heads.
_STATEMENTS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE photos ADD COLUMN backbone TEXT",
        "ALTER TABLE photos ADD COLUMN class_head TEXT NOT NULL DEFAULT 'scenes'",
        "ALTER TABLE photos ADD COLUMN tag_head TEXT DEFAULT 'camera'",
        "ALTER TABLE photos RENAME COLUMN scenes_label TO class_head_label",
        "ALTER TABLE photos RENAME COLUMN scenes_unsure TO class_head_unsure",
        "CREATE TABLE choices (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    ),
    # Followed by `_to_version_3`.
    2: (
        "DROP INDEX IF EXISTS automatic_tags_by_label",
        "ALTER TABLE photos ADD COLUMN auto_class_score FLOAT",
        "UPDATE photos SET auto_class_score = CASE "
        "WHEN auto_class_source = class_head THEN confidence "
        "ELSE coalesce((SELECT max(score) FROM automatic_tags WHERE photo_id = photos.id "
        "AND head = auto_class_source AND label = auto_class), 0.0) END",
    ),
    3: (
        "CREATE TABLE IF NOT EXISTS taught_tags (label TEXT NOT NULL, backbone TEXT NOT NULL, "
        "kernel BLOB NOT NULL, bias FLOAT NOT NULL, threshold FLOAT NOT NULL, told TEXT NOT NULL, "
        "made_at TEXT NOT NULL, PRIMARY KEY (label, backbone))",
        "CREATE TABLE IF NOT EXISTS compared_photos (number INTEGER NOT NULL PRIMARY KEY "
        "REFERENCES photos (number) ON DELETE CASCADE, embedding_file TEXT)",
        "CREATE TABLE IF NOT EXISTS twins (one INTEGER NOT NULL REFERENCES photos (number) "
        "ON DELETE CASCADE, other INTEGER NOT NULL REFERENCES photos (number) ON DELETE CASCADE, "
        "kind TEXT NOT NULL, likeness FLOAT NOT NULL, dismissed_at TEXT, "
        "PRIMARY KEY (one, other)) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS twins_by_other ON twins (other)",
    ),
    # Followed by `_to_version_5`.
    4: (),
    # Followed by `_to_version_6`.
    5: (),
    # Followed by `_to_version_7`.
    6: (),
    # Followed by `_to_version_8`.
    7: (),
    # Followed by `_to_version_9`.
    8: (),
    # Followed by `_to_version_10`.
    9: (),
    # Followed by `_to_version_11`.
    10: (),
    # Followed by `_to_version_12`.
    11: (),
}

# How migrations worded the tables that they created.
CREATED_TABLES = tuple(
    statement
    for statements in _STATEMENTS.values()
    for statement in statements
    if statement.startswith("CREATE TABLE")
)


def migrate(connection: Connection, version: int, files: EmbeddingFiles) -> None:
    """Bring a database of ``version`` to SCHEMA_VERSION, within the caller's transaction.

    Foreign keys must be off. Raises LibraryDamaged.
    """
    # Before all others: each that rebuilds the photos table builds the one of this version.
    for column in ("taken_at", "taken_source"):
        if version < _WITH_DATE_DECISIONS:
            connection.exec_driver_sql(
                f"ALTER TABLE photos RENAME COLUMN {column} TO auto_{column}"
            )
    for start_version in range(version, SCHEMA_VERSION):
        for statement in _STATEMENTS[start_version]:
            connection.exec_driver_sql(statement)
        if start_version in _FUNCTIONS:
            _FUNCTIONS[start_version](connection, files)


def _to_version_3(connection: Connection, files: EmbeddingFiles) -> None:
    """Rebuild the photos table: photos get numbers, and embeddings move to files.

    Foreign keys must be off, because the old table is dropped while other tables refer to it.
    A kill leaves the database unchanged and slots that no row refers to; the next try overwrites
    them.
    """
    shared_columns = _create_new_photos(connection)
    _copy_rows(connection, files, ", ".join(shared_columns))
    _use_new_photos(connection)
    for statement in INITIAL_FILL:
        connection.exec_driver_sql(statement)
    violation = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if violation is not None:
        raise LibraryDamaged(
            f"The library cannot be migrated to this version: the table {violation[0]} refers to "
            "a photo that does not exist. Restore the library from a backup."
        )


def _to_version_5(connection: Connection, _: EmbeddingFiles) -> None:
    """Rebuild the photos table with the columns of groups, guesses and fallback classes.

    Groups and guesses stay null until the photos are tagged again. A library of version 1 or 2
    has the columns already, since its table was just built.
    """
    if "fallback_class" not in _columns_of_photos(connection):
        _rebuild_photos(connection)
        connection.exec_driver_sql(
            f"UPDATE photos SET ({_FALLBACK_COLUMNS}) = "  # noqa: S608 - our own names
            "(auto_class, auto_class_source, auto_class_score)"
        )
    connection.exec_driver_sql(
        f"UPDATE photos SET ({_FALLBACK_COLUMNS}) = ('unsure', 'none', 0) "  # noqa: S608
        "WHERE NOT class_head_unsure"
    )
    first_tag = (
        "FROM automatic_tags WHERE photo_id = photos.id AND head = photos.tag_head "
        "ORDER BY score DESC, label LIMIT 1"
    )
    connection.exec_driver_sql(
        f"UPDATE photos SET ({_FALLBACK_COLUMNS}) = (SELECT label, head, score {first_tag}) "  # noqa: S608
        f"WHERE NOT class_head_unsure AND EXISTS (SELECT 1 {first_tag})"
    )


def _to_version_6(connection: Connection, _: EmbeddingFiles) -> None:
    """Rebuild the photos table with the columns of favourites and ratings, and its indexes.

    In a library of an earlier version than 5 the table was just built with them.
    """
    _add_missing_columns(connection)


def _to_version_7(connection: Connection, _: EmbeddingFiles) -> None:
    """Create the tables of albums; a rebuilt photos table has brought them already."""
    # Indexes of this version may need columns of later ones.
    _add_missing_columns(connection)
    create_missing_objects(connection)


def _to_version_8(connection: Connection, _: EmbeddingFiles) -> None:
    """Rebuild the photos table with the columns of date decisions, and rate the stored dates.

    In a library of an earlier version than 6 the table was just built with them.
    """
    _add_missing_columns(connection)
    rows = connection.exec_driver_sql(
        "SELECT number, auto_taken_at, auto_taken_source, added_at FROM photos "
        "WHERE auto_taken_at IS NOT NULL"
    ).fetchall()
    dates = [
        (source or EXIF, stored_confidence(taken_at, source, added_at), number)
        for number, taken_at, source, added_at in rows
    ]
    if dates:
        connection.exec_driver_sql(
            "UPDATE photos SET auto_taken_source = ?, auto_taken_confidence = ? WHERE number = ?",
            dates,
        )


def _to_version_9(connection: Connection, _: EmbeddingFiles) -> None:
    """Rebuild the photos table with the columns of videos, stacks and descriptions."""
    _add_missing_columns(connection)


def _to_version_10(connection: Connection, _: EmbeddingFiles) -> None:
    """Create the tables and columns of places and trips, if a step before has not done it.

    No photo of an earlier version is new, see `new_photos`.
    """
    _add_missing_columns(connection)
    create_missing_objects(connection)
    connection.exec_driver_sql(
        "INSERT OR IGNORE INTO choices (name, value) "
        "SELECT 'settled_photo', (SELECT max(number) FROM photos) "
        "WHERE EXISTS (SELECT 1 FROM photos)"
    )


def _to_version_11(connection: Connection, _: EmbeddingFiles) -> None:
    """Add the column of addresses of remote originals, if a step before has not done it."""
    _add_missing_columns(connection)


def _to_version_12(connection: Connection, _: EmbeddingFiles) -> None:
    """Add the columns, tables, indexes and triggers of this version.

    Of the new tables only `near_hashes` gets more rows here. Nothing is read for the others:
    triggers and jobs fill them later.
    """
    _add_missing_columns(connection)
    create_missing_objects(connection)
    # A hash that several photos have is near itself.
    connection.exec_driver_sql(
        "INSERT OR IGNORE INTO near_hashes SELECT perceptual_hash, perceptual_hash FROM photos "
        "WHERE perceptual_hash IS NOT NULL GROUP BY perceptual_hash HAVING count(*) > 1"
    )


def _add_missing_columns(connection: Connection) -> None:
    """Give the photos table the columns of this version, if a step before has not done it."""
    stored = {column.name for column in photos.columns if column.computed is None}
    if not stored <= _columns_of_photos(connection):
        _rebuild_photos(connection)


def _rebuild_photos(connection: Connection) -> None:
    """Build the photos table anew as it is in this version; new columns get their defaults."""
    # Renaming a table fails while a trigger refers to one that is missing.
    triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in triggers.fetchall():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    columns = ", ".join(_create_new_photos(connection))
    connection.exec_driver_sql(
        f"INSERT INTO photos_new ({columns}) SELECT {columns} FROM photos"  # noqa: S608 - our own
    )
    _use_new_photos(connection)


_FALLBACK_COLUMNS = "fallback_class, fallback_class_source, fallback_class_score"


def _columns_of_photos(connection: Connection) -> set[str]:
    rows = connection.exec_driver_sql("PRAGMA table_info(photos)").fetchall()
    return {row[1] for row in rows}


def _create_new_photos(connection: Connection) -> list[str]:
    """Create ``photos_new`` and return the columns it has in common with ``photos``."""
    connection.execute(CreateTable(photos.to_metadata(MetaData(), name="photos_new")))
    old_columns = _columns_of_photos(connection)
    return [column.name for column in photos.columns if column.name in old_columns]


def _use_new_photos(connection: Connection) -> None:
    """Put ``photos_new`` in the place of ``photos``, with indexes and triggers."""
    connection.exec_driver_sql("DROP TABLE photos")
    connection.exec_driver_sql("ALTER TABLE photos_new RENAME TO photos")
    create_missing_objects(connection)


# Migrations that SQL alone cannot do, by the version they start from; run after the statements.
_FUNCTIONS: dict[int, Callable[[Connection, EmbeddingFiles], None]] = {
    2: _to_version_3,
    4: _to_version_5,
    5: _to_version_6,
    6: _to_version_7,
    7: _to_version_8,
    8: _to_version_9,
    9: _to_version_10,
    10: _to_version_11,
    11: _to_version_12,
}


def create_missing_objects(connection: Connection) -> None:
    """Create the tables, indexes and triggers that do not exist yet."""
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master").fetchall()
    existing = {name for (name,) in rows}
    for name, statement in _creating_statements():
        if name not in existing:
            connection.exec_driver_sql(statement)
    for statement in TRIGGERS:
        connection.exec_driver_sql(statement)


# Composing them takes longer than SQLite takes to run them.
@functools.cache
def _creating_statements() -> tuple[tuple[str, str], ...]:
    """The name and the SQL of each table, and of its indexes after it."""
    elements: list[tuple[str, CreateTable | CreateIndex]] = []
    for table in metadata.sorted_tables:
        elements.append((table.name, CreateTable(table)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        elements += [(str(index.name), CreateIndex(index)) for index in indexes]
    return tuple(
        (name, str(element.compile(dialect=sqlite.dialect()))) for name, element in elements
    )


def _copy_rows(connection: Connection, files: EmbeddingFiles, columns: str) -> None:
    # The column names come from our schema, never from user input.
    insert = (
        f"INSERT INTO photos_new ({columns}, {_FALLBACK_COLUMNS}, "  # noqa: S608
        "folded_name, embedding_file, embedding_slot) "
        f"SELECT {columns}, auto_class, auto_class_source, auto_class_score, ?, ?, ? "
        "FROM photos WHERE id = ?"
    )
    rows = connection.exec_driver_sql(
        "SELECT id, name, backbone, embedding FROM photos ORDER BY rowid"
    )
    next_slot: dict[str, int] = {}
    for batch in rows.partitions(_BATCH):
        slots_by_file: dict[str, list[bytes]] = {}
        parameters: list[tuple[Any, ...]] = []
        for photo_id, name, backbone, blob in batch:
            values = np.frombuffer(blob, np.float16)
            file = file_name(backbone, len(values))
            slot = next_slot.get(file, 0) + len(slots_by_file.setdefault(file, []))
            slots_by_file[file].append(packed(photo_id, values))
            parameters.append((fold_case(name), file, slot, photo_id))
        for file, slots in slots_by_file.items():
            files.write(file, next_slot.get(file, 0), b"".join(slots))
            next_slot[file] = next_slot.get(file, 0) + len(slots)
        connection.exec_driver_sql(insert, parameters)
