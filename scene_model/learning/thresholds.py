"""Thresholds of the class head: chosen by label, previewed, then saved.

The library stores the class head's label and confidence of each photo, so new thresholds take a few
SQL statements, however many photos change. Only for unsure photos is the embedding read again, to
test whether the photo is outside the head's labels; there are no new predictions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.errors import UsageError
from scene_model.library.database.connections import with_large_cache
from scene_model.library.database.schema import automatic_tags, choices, photos
from scene_model.library.edits import chosen_ids
from scene_model.library.embeddings.embedding_scan import scan_embeddings
from scene_model.library.store import Library

_CHOICE = "class_thresholds"
LOWEST, HIGHEST = 0.2, 0.99

Thresholds = Mapping[str, float]


@dataclass(frozen=True)
class ClassScores:
    """Predictions of the class head for the library's photos; all arrays have shape (N,).

    outputs: indices of the labels. is_inside: the photo shows one of the head's labels. is_filed:
    the head gives the class at present. is_open: no person chose a class, and the photo is not in
    the trash.
    """

    ids: list[str]
    outputs: npt.NDArray[np.intp]
    confidence: FloatArray
    is_inside: npt.NDArray[np.bool_]
    is_filed: npt.NDArray[np.bool_]
    is_open: npt.NDArray[np.bool_]

    def filed_by(self, head: Head) -> npt.NDArray[np.bool_]:
        """Return which photos the head would classify at its thresholds."""
        result: npt.NDArray[np.bool_] = self.is_inside & (
            self.confidence >= head.thresholds[self.outputs]
        )
        return result


@dataclass(frozen=True)
class ThresholdPreview:
    """What new thresholds would change on photos without a person's class.

    filed_now, filed_then: number of photos that the class head classifies, before and after.
    enters: ids of photos it would classify in addition, highest confidence first. leaves: ids of
    photos it would no longer classify, lowest confidence first.
    """

    filed_now: int
    filed_then: int
    enters: list[str]
    leaves: list[str]


@dataclass(frozen=True)
class ThresholdChange:
    """Number of photos that the class head classifies in addition, and no longer."""

    entered: int
    left: int


def own_thresholds(library: Library, classifier: Classifier) -> dict[str, float]:
    """Return the saved thresholds by label; other labels have the head's default."""
    return _stored(library, classifier)["own"]


def can_undo(library: Library, classifier: Classifier) -> bool:
    """True if there are thresholds from before the latest change."""
    return "before" in _stored(library, classifier)


def thresholds_before(library: Library, classifier: Classifier) -> dict[str, float]:
    """Return the thresholds from before the latest change."""
    return _stored(library, classifier).get("before", {})


def with_thresholds(library: Library, classifier: Classifier) -> Classifier:
    """Return the classifier with the thresholds saved in this library."""
    head = classifier.class_head
    return classifier.with_heads([_with_thresholds(head, own_thresholds(library, classifier))])


def class_scores(library: Library, classifier: Classifier) -> ClassScores:
    """Read the predictions of the class head in use; photos of another model are left out."""
    head = classifier.class_head
    query = select(
        *(photos.c.id, photos.c.class_head_label, photos.c.confidence),
        *(photos.c.class_head_unsure, photos.c.human_class, photos.c.trashed_at),
    ).where(photos.c.bundle == classifier.bundle_id, photos.c.class_head == head.id)
    with library.database.reader.begin() as connection:
        rows: list[Any] = [
            row for row in connection.execute(query) if row.class_head_label in head.labels.ids
        ]
    indices = {label: index for index, label in enumerate(head.labels.ids)}
    ids = [row.id for row in rows]
    confidence = np.array([row.confidence for row in rows], np.float32)
    is_filed = np.array([not row.class_head_unsure for row in rows], np.bool_)
    return ClassScores(
        ids,
        np.array([indices[row.class_head_label] for row in rows], np.intp),
        confidence,
        is_filed | _are_inside(library, classifier, head, ids, ~is_filed & (confidence >= LOWEST)),
        is_filed,
        np.array([row.human_class is None and row.trashed_at is None for row in rows], np.bool_),
    )


def preview_thresholds(
    scores: ClassScores, classifier: Classifier, chosen: Thresholds
) -> ThresholdPreview:
    """Return the photos that would change at new thresholds; nothing is saved.

    chosen: by label; other labels have the head's default. Raises UsageError.
    """
    then = scores.filed_by(_with_thresholds(classifier.class_head, chosen))
    enters = np.flatnonzero(scores.is_open & then & ~scores.is_filed)
    leaves = np.flatnonzero(scores.is_open & ~then & scores.is_filed)
    enters = enters[np.argsort(-scores.confidence[enters], kind="stable")]
    leaves = leaves[np.argsort(scores.confidence[leaves], kind="stable")]
    return ThresholdPreview(
        int((scores.is_open & scores.is_filed).sum()),
        int((scores.is_open & then).sum()),
        [scores.ids[index] for index in enters],
        [scores.ids[index] for index in leaves],
    )


def save_thresholds(
    library: Library, classifier: Classifier, chosen: Thresholds
) -> ThresholdChange:
    """Save thresholds and update classes and automatic tags, in one transaction.

    People's decisions stay. Photos in the trash are updated too. Raises UsageError.
    """
    head = _with_thresholds(classifier.class_head, chosen)
    scores = class_scores(library, classifier)
    then = scores.filed_by(head)
    enters = [scores.ids[index] for index in np.flatnonzero(then & ~scores.is_filed)]
    leaves = [scores.ids[index] for index in np.flatnonzero(~then & scores.is_filed)]
    stored = {"bundle": classifier.bundle.id, "own": dict(chosen)}
    stored["before"] = own_thresholds(library, classifier)
    with library.database.writer.begin() as connection, with_large_cache(connection):
        _enter(connection, enters)
        _leave(connection, leaves)
        row = {"name": _CHOICE, "value": json.dumps(stored)}
        connection.execute(
            upsert(choices)
            .values(row)
            .on_conflict_do_update(["name"], set_={"value": row["value"]})
        )
    return ThresholdChange(len(enters), len(leaves))


def _enter(connection: Connection, photo_ids: Sequence[str]) -> None:
    """Classify photos by the class head."""
    is_chosen = _in_order_of_rows(photo_ids)
    connection.execute(
        update(photos)
        .where(is_chosen)
        .values(
            class_head_unsure=False,
            auto_class=photos.c.class_head_label,
            auto_class_source=photos.c.class_head,
            auto_class_score=photos.c.confidence,
        )
    )
    class_tags = select(
        *(photos.c.id, photos.c.class_head, photos.c.class_head_label),
        *(photos.c.confidence, photos.c.bundle),
    )
    connection.execute(
        insert(automatic_tags)
        .prefix_with("OR IGNORE")
        .from_select(["photo_id", "head", "label", "score", "bundle"], class_tags.where(is_chosen))
    )


def _leave(connection: Connection, photo_ids: Sequence[str]) -> None:
    """Classify photos as if the class head were unsure."""
    connection.execute(
        update(photos)
        .where(_in_order_of_rows(photo_ids))
        .values(
            class_head_unsure=True,
            auto_class=photos.c.fallback_class,
            auto_class_source=photos.c.fallback_class_source,
            auto_class_score=photos.c.fallback_class_score,
        )
    )
    of_class_head = select(photos.c.class_head).where(photos.c.id == automatic_tags.c.photo_id)
    connection.execute(
        delete(automatic_tags).where(
            automatic_tags.c.photo_id.in_(chosen_ids(photo_ids)),
            automatic_tags.c.head == of_class_head.scalar_subquery(),
        )
    )


def _in_order_of_rows(photo_ids: Sequence[str]) -> ColumnElement[bool]:
    """Select photos by number: updating them in the order of their ids takes twice as long.

    They are read in the same transaction, because a freed number may be given to a new photo.
    """
    return photos.c.number.in_(
        select(photos.c.number).where(photos.c.id.in_(chosen_ids(photo_ids)))
    )


def _are_inside(
    library: Library,
    classifier: Classifier,
    head: Head,
    photo_ids: Sequence[str],
    is_tested: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Test whether photos show one of the head's labels; False without a stored embedding.

    is_tested: the photos to test; the others get False.
    """
    if head.outside_threshold is None:
        return is_tested
    tested = [i for i, is_tested_photo in zip(photo_ids, is_tested, strict=True) if is_tested_photo]
    inside: set[str] = set()
    size = classifier.bundle.backbone.embedding_size
    for chunk in scan_embeddings(
        library, classifier.provenance.backbone, size, tested, trashed=True
    ):
        is_inside = head.predict(chunk.embeddings).outside <= head.outside_threshold
        inside.update(chunk.ids[index] for index in np.flatnonzero(is_inside))
    return np.array([photo_id in inside for photo_id in photo_ids], np.bool_)


def _with_thresholds(head: Head, chosen: Thresholds) -> Head:
    """Return the head with thresholds for some labels; raises UsageError."""
    for label, threshold in chosen.items():
        if label not in head.labels.ids:
            raise UsageError(f"“{head.name}” has no label {label!r}.")
        if not LOWEST <= threshold <= HIGHEST:
            raise UsageError(
                f"The threshold of {label!r} is {threshold:g}; it must be from {LOWEST:g} to "
                f"{HIGHEST:g}."
            )
    if not chosen:
        return replace(head, own_thresholds=None)
    default = head.confidence_threshold
    thresholds = tuple(chosen.get(label, default) for label in head.labels.ids)
    return replace(head, own_thresholds=thresholds)


def _stored(library: Library, classifier: Classifier) -> dict[str, dict[str, float]]:
    text = library.choice(_CHOICE)
    stored: dict[str, Any] = json.loads(text) if text else {}
    if stored.pop("bundle", None) != classifier.bundle.id:
        return {"own": {}}
    return stored
