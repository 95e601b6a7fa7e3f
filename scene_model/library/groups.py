"""The effective group of a photo: one rule, for Python and SQL.

A person's class decides, if it belongs to a group; else the predicted group. Where the model that
predicted knows no groups, the group of the predicted class.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_

from scene_model.classifier.classify import HeadPredictions
from scene_model.classifier.labels import HUMAN, UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.database.schema import photos
from scene_model.library.label_lists import is_one_of
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library


def group_of(photo: PhotoRecord, vocabulary: Vocabulary) -> str:
    """Return the effective group of a photo, or UNSURE_CLASS."""
    if photo.class_source == HUMAN or photo.auto_group is None:
        by_class = vocabulary.group_of(photo.photo_class)
        if by_class is not None:
            return by_class
    return photo.auto_group or UNSURE_CLASS


def group_of_prediction(predictions: HeadPredictions, vocabulary: Vocabulary) -> str:
    """Return the effective group that a photo would have in the library, or UNSURE_CLASS."""
    if predictions.group is not None:
        return predictions.group.believed_label
    return vocabulary.group_of(predictions.photo_class.label) or UNSURE_CLASS


def is_in_group(group: str, vocabulary: Vocabulary) -> ColumnElement[bool]:
    """Return the condition that a photo's effective group is this one; UNSURE_CLASS too."""
    labels = {of.id: {of.id, *of.label_ids} for of in vocabulary.groups}
    grouped = set().union(*labels.values())
    is_by_class = _is_by_class()
    return or_(
        and_(is_by_class, is_one_of(photos.c.photo_class, labels.get(group, set()))),
        and_(
            func.coalesce(photos.c.auto_group, UNSURE_CLASS) == group,
            or_(not_(is_by_class), not_(is_one_of(photos.c.photo_class, grouped))),
        ),
    )


def count_by_group(
    library: Library, vocabulary: Vocabulary, where: ColumnElement[bool] | None = None
) -> dict[str, int]:
    """Count photos by effective group, most frequent first."""
    counts: dict[str, int] = {}
    for value, count in library.columns.classes.get().counts(library.numbers(where)):
        auto_group, human_class, photo_class = value
        is_by_class = human_class is not None or auto_group is None
        by_class = vocabulary.group_of(photo_class) if is_by_class else None
        group = by_class or auto_group or UNSURE_CLASS
        counts[group] = counts.get(group, 0) + count
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def group_key(columns: Any = photos.c) -> ColumnElement[str]:
    """Return what decides a photo's effective group as one SQL text, for `group_of_key`.

    A class may have any character, a group no line break.
    columns: those of `photos`, or of a query with its `auto_group`, `human_class`, `photo_class`.
    """
    by_class = case((_is_by_class(columns), columns.photo_class), else_="").concat("\n")
    return by_class.concat(func.coalesce(columns.auto_group, UNSURE_CLASS))


def group_of_key(key: str, vocabulary: Vocabulary) -> str:
    """Return the effective group that a `group_key` stands for."""
    by_class, _, auto_group = key.rpartition("\n")
    return vocabulary.group_of(by_class) or auto_group


def _is_by_class(columns: Any = photos.c) -> ColumnElement[bool]:
    return or_(columns.human_class.is_not(None), columns.auto_group.is_(None))
