"""Rows of photos, written without files or predictions."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import delete, insert

from scene_model.classifier.vocabulary import fold_case
from scene_model.duplicates.hash_neighbours import add_hash
from scene_model.duplicates.stacks import write_stack
from scene_model.library.database.schema import (
    automatic_tags,
    class_decisions,
    photos,
    tag_decisions,
)
from scene_model.library.records import WrittenPhoto
from scene_model.library.store import Library


@dataclass(frozen=True)
class Row:
    """One photo. tags: (head, label, score). added, rejected: labels by a person's decision."""

    name: str
    auto_class: str = "sea"
    auto_source: str = "scenes"
    auto_score: float = 0.9
    human_class: str | None = None
    tags: Sequence[tuple[str, str, float]] = ()
    added: Sequence[str] = ()
    rejected: Sequence[str] = ()
    taken_at: str | None = None
    added_at: str = "2024-07-15T12:00:00.000+02:00"
    camera: str | None = None
    lens: str | None = None
    place: tuple[float, float] | None = None
    trashed: bool = False
    hash: int | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()


def put(library: Library, rows: Sequence[Row]) -> None:
    """Replace all photos of the library by these."""
    with library.database.writer.begin() as connection:
        for table in (automatic_tags, tag_decisions, class_decisions, photos):
            connection.execute(delete(table))
        for row in rows:
            connection.execute(insert(photos).values(**_photo(row)))
            tags = {(head, label): score for head, label, score in row.tags}
            for (head, label), score in tags.items():
                connection.execute(
                    insert(automatic_tags).values(
                        photo_id=row.id, head=head, label=label, score=score, bundle="b"
                    )
                )
            verdicts = dict.fromkeys(row.rejected, "rejected") | dict.fromkeys(row.added, "added")
            for label, verdict in verdicts.items():
                connection.execute(
                    insert(tag_decisions).values(
                        photo_id=row.id, label=label, verdict=verdict, at=row.added_at
                    )
                )
            if row.human_class is not None:
                connection.execute(
                    insert(class_decisions).values(
                        photo_id=row.id, label=row.human_class, at=row.added_at
                    )
                )
            if row.hash is not None:
                add_hash(connection, row.hash)


def add(library: Library, *rows: Row) -> None:
    """Add photos one by one, joined in stacks as ingest does."""
    for row in rows:
        with library.database.writer.begin() as connection:
            connection.execute(insert(photos).values(**_photo(row)))
            if row.hash is not None:
                add_hash(connection, row.hash)
            write_stack(connection, WrittenPhoto(row.id, row.hash, np.zeros(1, np.float32), "b"))


def _photo(row: Row) -> dict[str, object]:
    latitude, longitude = row.place or (None, None)
    return {
        "id": row.id,
        "name": row.name,
        "folded_name": fold_case(row.name),
        "format": "JPEG",
        "file_bytes": 1,
        "width": 1,
        "height": 1,
        "added_at": row.added_at,
        "auto_taken_at": row.taken_at,
        "auto_taken_source": row.taken_at and "DateTimeOriginal",
        "auto_taken_confidence": row.taken_at and 0.95,
        "camera": row.camera,
        "lens": row.lens,
        "latitude": latitude,
        "longitude": longitude,
        "bundle": "b",
        "class_head": "scenes",
        "tag_head": "camera",
        "class_head_label": "sea",
        "confidence": 0.5,
        "class_head_unsure": False,
        "auto_class": row.auto_class,
        "auto_class_source": row.auto_source,
        "auto_class_score": row.auto_score,
        "fallback_class": row.auto_class,
        "fallback_class_source": row.auto_source,
        "fallback_class_score": row.auto_score,
        "trashed_at": row.added_at if row.trashed else None,
        "perceptual_hash": row.hash,
    } | dict(row.more)
