"""From which probability on the class head is believed: chosen label by label, tried, then kept.

A library keeps what the class head said of each photo and how sure it was, so that another
threshold is a few statements, however many photos it moves. Only whether a photo that was unsure
is outside the head's world is asked of the embeddings again; the network looks at nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import NONE, UNSURE_CLASS
from scene_model.errors import UsageError
from scene_model.library.database import with_large_cache
from scene_model.library.edits import chosen_ids
from scene_model.library.embedding_scan import scan_embeddings
from scene_model.library.schema import automatic_tags, choices, photos
from scene_model.library.store import Library

_CHOICE = "class_thresholds"
LOWEST, HIGHEST = 0.2, 0.99

Thresholds = Mapping[str, float]


@dataclass(frozen=True)
class ClassScores:
    """What the class head said of the library's photos, all arrays of shape (N,).

    outputs: places of the labels. is_inside: the photo shows one of the labels at all. is_filed:
    the head files it now. is_open: nobody decided about it, and it is not in the trash.
    """

    ids: list[str]
    outputs: npt.NDArray[np.intp]
    confidence: FloatArray
    is_inside: npt.NDArray[np.bool_]
    is_filed: npt.NDArray[np.bool_]
    is_open: npt.NDArray[np.bool_]

    def filed_by(self, head: Head) -> npt.NDArray[np.bool_]:
        """Tell which photos the head files at its thresholds."""
        result: npt.NDArray[np.bool_] = self.is_inside & (
            self.confidence >= head.thresholds[self.outputs]
        )
        return result


@dataclass(frozen=True)
class ThresholdPreview:
    """What other thresholds would do to photos nobody decided about.

    filed: how many the class head would file, now and then. enters, leaves: ids, the surest and
    the least sure of them first.
    """

    filed_now: int
    filed_then: int
    enters: list[str]
    leaves: list[str]


@dataclass(frozen=True)
class ThresholdChange:
    """What was changed: how many photos the class head files now, and how many no more."""

    entered: int
    left: int


def own_thresholds(library: Library, classifier: Classifier) -> dict[str, float]:
    """What people chose for labels of the class head in use; the others have the head's own."""
    return _kept(library, classifier)["own"]


def can_undo(library: Library, classifier: Classifier) -> bool:
    """Tell whether there were other thresholds before those in use."""
    return "before" in _kept(library, classifier)


def thresholds_before(library: Library, classifier: Classifier) -> dict[str, float]:
    """The thresholds that people had chosen before the latest change."""
    return _kept(library, classifier).get("before", {})


def with_thresholds(library: Library, classifier: Classifier) -> Classifier:
    """The classifier with the thresholds people chose for this library."""
    head = _class_head(classifier)
    return classifier.with_heads([_changed(head, own_thresholds(library, classifier))])


def class_scores(library: Library, classifier: Classifier) -> ClassScores:
    """Read what the class head in use said; photos that another model tagged are left out."""
    head = _class_head(classifier)
    query = select(
        *(photos.c.id, photos.c.class_head_label, photos.c.confidence),
        *(photos.c.class_head_unsure, photos.c.human_class, photos.c.trashed_at),
    ).where(photos.c.bundle == classifier.bundle_id, photos.c.class_head == head.id)
    with library.database.reader.begin() as connection:
        rows: list[Any] = [
            row for row in connection.execute(query) if row.class_head_label in head.labels.ids
        ]
    places = {label: place for place, label in enumerate(head.labels.ids)}
    ids = [row.id for row in rows]
    confidence = np.array([row.confidence for row in rows], np.float32)
    is_filed = np.array([not row.class_head_unsure for row in rows], np.bool_)
    return ClassScores(
        ids,
        np.array([places[row.class_head_label] for row in rows], np.intp),
        confidence,
        is_filed | _are_inside(library, classifier, head, ids, ~is_filed & (confidence >= LOWEST)),
        is_filed,
        np.array([row.human_class is None and row.trashed_at is None for row in rows], np.bool_),
    )


def preview_thresholds(
    scores: ClassScores, classifier: Classifier, chosen: Thresholds
) -> ThresholdPreview:
    """Tell which photos the class head would file at other thresholds; nothing is kept.

    chosen: by label; the others have the head's own. Raises UsageError.
    """
    then = scores.filed_by(_changed(_class_head(classifier), chosen))
    enters = np.flatnonzero(scores.is_open & then & ~scores.is_filed)
    leaves = np.flatnonzero(scores.is_open & ~then & scores.is_filed)
    enters = enters[np.argsort(-scores.confidence[enters], kind="stable")]
    leaves = leaves[np.argsort(scores.confidence[leaves], kind="stable")]
    return ThresholdPreview(
        int((scores.is_open & scores.is_filed).sum()),
        int((scores.is_open & then).sum()),
        [scores.ids[place] for place in enters],
        [scores.ids[place] for place in leaves],
    )


def save_thresholds(
    library: Library, classifier: Classifier, chosen: Thresholds
) -> ThresholdChange:
    """Keep thresholds, and let classes and automatic tags be what they say; all or nothing.

    What people decided stays. Photos in the trash are changed with the others. Raises UsageError.
    """
    head = _changed(_class_head(classifier), chosen)
    scores = class_scores(library, classifier)
    then = scores.filed_by(head)
    enters = [scores.ids[place] for place in np.flatnonzero(then & ~scores.is_filed)]
    leaves = [scores.ids[place] for place in np.flatnonzero(~then & scores.is_filed)]
    kept = {"bundle": classifier.bundle.id, "own": dict(chosen)}
    kept["before"] = own_thresholds(library, classifier)
    with library.database.writer.begin() as connection, with_large_cache(connection):
        _enter(connection, enters)
        _leave(connection, leaves)
        row = {"name": _CHOICE, "value": json.dumps(kept)}
        connection.execute(
            upsert(choices)
            .values(row)
            .on_conflict_do_update(["name"], set_={"value": row["value"]})
        )
    return ThresholdChange(len(enters), len(leaves))


def _enter(connection: Connection, photo_ids: Sequence[str]) -> None:
    """File photos under what the class head said of them."""
    these = _in_order_of_rows(photo_ids)
    connection.execute(
        update(photos)
        .where(these)
        .values(
            class_head_unsure=False,
            auto_class=photos.c.class_head_label,
            auto_class_source=photos.c.class_head,
            auto_class_score=photos.c.confidence,
        )
    )
    said = select(
        *(photos.c.id, photos.c.class_head, photos.c.class_head_label),
        *(photos.c.confidence, photos.c.bundle),
    )
    connection.execute(
        insert(automatic_tags)
        .prefix_with("OR IGNORE")
        .from_select(["photo_id", "head", "label", "score", "bundle"], said.where(these))
    )


def _leave(connection: Connection, photo_ids: Sequence[str]) -> None:
    """File photos as if the class head had not been sure: by the tag head's first tag, if any."""
    first = (
        select(automatic_tags.c.label)
        .where(
            automatic_tags.c.photo_id == photos.c.id,
            automatic_tags.c.head == photos.c.tag_head,
        )
        .order_by(automatic_tags.c.score.desc(), automatic_tags.c.label)
        .limit(1)
    )
    label = first.scalar_subquery()
    score = first.with_only_columns(automatic_tags.c.score).scalar_subquery()
    connection.execute(
        update(photos)
        .where(_in_order_of_rows(photo_ids))
        .values(
            class_head_unsure=True,
            auto_class=func.coalesce(label, UNSURE_CLASS),
            auto_class_source=case((label.is_not(None), photos.c.tag_head), else_=NONE),
            auto_class_score=func.coalesce(score, 0.0),
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
    """Choose photos by number: to change them in the order of their ids takes twice as long.

    The numbers are asked for in the same transaction: one that was freed may be another photo's.
    """
    return photos.c.number.in_(
        select(photos.c.number).where(photos.c.id.in_(chosen_ids(photo_ids)))
    )


def _are_inside(
    library: Library,
    classifier: Classifier,
    head: Head,
    photo_ids: Sequence[str],
    asked: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Ask of some photos whether they show one of the head's labels; no, where nothing is kept."""
    if head.outside_threshold is None:
        return asked
    wanted = [one for one, is_asked in zip(photo_ids, asked, strict=True) if is_asked]
    inside: set[str] = set()
    size = classifier.bundle.backbone.embedding_size
    for piece in scan_embeddings(
        library, classifier.provenance.backbone, size, wanted, trashed=True
    ):
        is_inside = head.predict(piece.embeddings).outside <= head.outside_threshold
        inside.update(piece.ids[place] for place in np.flatnonzero(is_inside))
    return np.array([photo_id in inside for photo_id in photo_ids], np.bool_)


def _class_head(classifier: Classifier) -> Head:
    return classifier.heads[classifier.bundle.class_head]


def _changed(head: Head, chosen: Thresholds) -> Head:
    for label, threshold in chosen.items():
        if label not in head.labels.ids:
            raise UsageError(f"“{head.name}” has no label {label!r}.")
        if not LOWEST <= threshold <= HIGHEST:
            raise UsageError(
                f"The threshold of {label!r} is {threshold:g}; it can be from {LOWEST:g} to "
                f"{HIGHEST:g}."
            )
    if not chosen:
        return replace(head, own_thresholds=None)
    usual = head.confidence_threshold
    return replace(head, own_thresholds=tuple(chosen.get(one, usual) for one in head.labels.ids))


def _kept(library: Library, classifier: Classifier) -> dict[str, dict[str, float]]:
    text = library.choice(_CHOICE)
    kept: dict[str, Any] = json.loads(text) if text else {}
    if kept.pop("bundle", None) != classifier.bundle.id:
        return {"own": {}}
    return kept
