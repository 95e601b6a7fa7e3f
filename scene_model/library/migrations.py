"""From version 2 to 3: photos get numbers, and their embeddings move out to files."""

from typing import Any

import numpy as np
from sqlalchemy import Connection, MetaData
from sqlalchemy.schema import CreateTable

from scene_model.classifier.vocabulary import fold_case
from scene_model.errors import LibraryDamaged
from scene_model.library.embeddings import EmbeddingFiles, file_name, packed
from scene_model.library.schema import metadata, photos
from scene_model.library.triggers import FIRST_FILL, TRIGGERS

_BATCH = 1000


def to_version_3(connection: Connection, files: EmbeddingFiles) -> None:
    """Build the table of photos anew, within the caller's transaction.

    Foreign keys must be off: the old table is dropped under those that point to it. A kill leaves
    the library as it was, and slots no row names: the next try writes them again.
    """
    new = photos.to_metadata(MetaData(), name="photos_new")
    connection.execute(CreateTable(new))
    old_columns = {
        row[1] for row in connection.exec_driver_sql("PRAGMA table_info(photos)").fetchall()
    }
    kept = [column.name for column in photos.columns if column.name in old_columns]
    _copy(connection, files, ", ".join(kept))
    connection.exec_driver_sql("DROP TABLE photos")
    connection.exec_driver_sql("ALTER TABLE photos_new RENAME TO photos")
    create_what_is_missing(connection)
    for statement in FIRST_FILL:
        connection.exec_driver_sql(statement)
    astray = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if astray is not None:
        raise LibraryDamaged(
            f"The library cannot be brought to this version: {astray[0]} speaks of a photo that "
            "is not there. Restore the library from a backup."
        )


def create_what_is_missing(connection: Connection) -> None:
    """Create tables, indexes and triggers, those that are not there."""
    metadata.create_all(connection)
    for table in metadata.tables.values():
        for index in table.indexes:
            index.create(connection, checkfirst=True)
    for statement in TRIGGERS:
        connection.exec_driver_sql(statement)


def _copy(connection: Connection, files: EmbeddingFiles, kept: str) -> None:
    # The columns are our own names, never a person's words.
    insert = (
        f"INSERT INTO photos_new ({kept}, folded_name, embedding_file, embedding_slot) "  # noqa: S608
        f"SELECT {kept}, ?, ?, ? FROM photos WHERE id = ?"
    )
    rows = connection.exec_driver_sql(
        "SELECT id, name, backbone, embedding FROM photos ORDER BY rowid"
    )
    next_slot: dict[str, int] = {}
    for batch in rows.partitions(_BATCH):
        slots: dict[str, list[bytes]] = {}
        moved: list[tuple[Any, ...]] = []
        for photo_id, name, backbone, blob in batch:
            values = np.frombuffer(blob, np.float16)
            file = file_name(backbone, len(values))
            slot = next_slot.get(file, 0) + len(slots.setdefault(file, []))
            slots[file].append(packed(photo_id, values))
            moved.append((fold_case(name), file, slot, photo_id))
        for file, packs in slots.items():
            files.write(file, next_slot.get(file, 0), b"".join(packs))
            next_slot[file] = next_slot.get(file, 0) + len(packs)
        connection.exec_driver_sql(insert, moved)
