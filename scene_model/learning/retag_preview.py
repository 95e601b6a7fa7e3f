"""Preview of retagging: how many photos would change their class or tags."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier, Provenance
from scene_model.library.database.schema import (
    automatic_tags,
    class_decisions,
    photos,
    tag_decisions,
)
from scene_model.library.edits import chosen_ids
from scene_model.library.store import Library

_BATCH = 2_000


@dataclass(frozen=True)
class RetagPreview:
    """What retagging would change on the photos that another model tagged.

    total: number of these photos. changed: of them, those whose class or tags would change,
    people's decisions respected. class_changed, tags_changed: each of the two alone. unknown:
    photos without an embedding by this network, which would need a new prediction.
    """

    total: int
    changed: int = 0
    class_changed: int = 0
    tags_changed: int = 0
    unknown: int = 0


def retag_preview(library: Library, classifier: Classifier) -> RetagPreview:
    """Count the changes from stored embeddings; nothing is written."""
    query = select(
        photos.c.id,
        photos.c.bundle,
        photos.c.backbone,
        photos.c.embedding_file,
        photos.c.embedding_slot,
        photos.c.auto_class,
    ).where(photos.c.bundle != classifier.bundle_id, photos.c.trashed_at.is_(None))
    with library.database.reader.begin() as connection:
        rows: list[Any] = list(connection.execute(query))
    readable = [row for row in rows if classifier.can_read(Provenance(row.bundle, row.backbone))]
    changes: Counter[str] = Counter()
    compared_count = 0
    for batch, embeddings in _batches(library, readable):
        compared_count += len(batch)
        changes += _changes(library, classifier, batch, embeddings)
    return RetagPreview(
        total=len(rows),
        changed=changes["any"],
        class_changed=changes["class"],
        tags_changed=changes["tags"],
        unknown=len(rows) - compared_count,
    )


def _batches(library: Library, rows: Sequence[Any]) -> Iterator[tuple[list[Any], FloatArray]]:
    """Yield rows with their embeddings, float32 (N, size); those without one are left out."""
    by_file: dict[str, list[Any]] = {}
    for row in rows:
        if row.embedding_file is not None and row.embedding_slot is not None:
            by_file.setdefault(row.embedding_file, []).append(row)
    for file, of_file in by_file.items():
        slot_count = library.embeddings.slot_count(file)
        stored = [row for row in of_file if row.embedding_slot < slot_count]
        stored.sort(key=lambda row: row.embedding_slot)  # sequential reads
        for start in range(0, len(stored), _BATCH):
            batch = stored[start : start + _BATCH]
            yield batch, library.embeddings.rows(file, [row.embedding_slot for row in batch])


def _changes(
    library: Library, classifier: Classifier, rows: Sequence[Any], embeddings: FloatArray
) -> Counter[str]:
    ids = [row.id for row in rows]
    automatic, decided = _labels(library, automatic_tags, ids), _labels(library, tag_decisions, ids)
    chosen = _labels(library, class_decisions, ids)
    changes: Counter[str] = Counter()
    predictions = classifier.predict_embeddings(embeddings).classified_photos()
    for row, called in zip(rows, predictions, strict=True):
        is_other_class = row.id not in chosen and called.photo_class != row.auto_class
        others = (called.labels ^ automatic.get(row.id, set())) - decided.get(row.id, set())
        changes["class"] += is_other_class
        changes["tags"] += bool(others)
        changes["any"] += is_other_class or bool(others)
    return changes


def _labels(library: Library, table: Table, photo_ids: Sequence[str]) -> dict[str, set[str]]:
    query = select(table.c.photo_id, table.c.label).where(
        table.c.photo_id.in_(chosen_ids(photo_ids))
    )
    labels: dict[str, set[str]] = {}
    with library.database.reader.begin() as connection:
        for photo_id, label in connection.execute(query):
            labels.setdefault(photo_id, set()).add(label)
    return labels
