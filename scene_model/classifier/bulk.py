"""What a model would call many photos at once, from their embeddings: a matrix product a head.

The rules are those of `tagging` and `Classifier.answer`, for a whole batch; a test holds the two
against each other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import OBJECT_TAG_FLOOR, OBJECTS, Classifier
from scene_model.classifier.heads import Head, HeadBatchPrediction
from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.tagging import ALONE_ABOVE, TOGETHER_ABOVE


@dataclass(frozen=True)
class FiledPhoto:
    """What a photo is filed under, and the labels that are kept as its tags, of all heads."""

    photo_class: str
    labels: frozenset[str]


@dataclass(frozen=True)
class _HeadBatch:
    """One head's answers for N photos: the two best labels, and what the rules make of them.

    first, second: shape (N,), places of labels. is_unsure, has_first, has_second: shape (N,).
    """

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    is_unsure: npt.NDArray[np.bool_]
    has_first: npt.NDArray[np.bool_]
    has_second: npt.NDArray[np.bool_]


def predict_many(classifier: Classifier, embeddings: FloatArray) -> list[FiledPhoto]:
    """Tell class and tags of photos from embeddings of shape (N, embedding size), float32."""
    tags: list[set[str]] = [set() for _ in embeddings]
    classes = np.full(len(embeddings), UNSURE_CLASS, object)
    class_head, tag_head = classifier.bundle.class_head, classifier.bundle.tag_head
    # The class head last: where it is sure, its word counts more than the tag head's.
    for head in sorted(classifier.heads.values(), key=lambda head: head.id == class_head):
        answer = head.predict(embeddings)
        batch, ids = _batch(head, answer), np.array(head.labels.ids, object)
        first, second = ids[batch.first], ids[batch.second]
        if head.id == tag_head:
            classes[batch.has_first] = first[batch.has_first]
        if head.id == class_head:
            classes[~batch.is_unsure] = first[~batch.is_unsure]
        if head.id == OBJECTS:
            for photo, place in np.argwhere(answer.probabilities >= OBJECT_TAG_FLOOR):
                tags[photo].add(head.labels[int(place)].source_name)
        elif head.id == class_head or head.outside_threshold is not None:
            _add(tags, first, ~batch.is_unsure)
        else:
            _add(tags, first, batch.has_first)
            _add(tags, second, batch.has_second)
    return [
        FiledPhoto(str(photo_class), frozenset(labels))
        for photo_class, labels in zip(classes, tags, strict=True)
    ]


def _batch(head: Head, answer: HeadBatchPrediction) -> _HeadBatch:
    probabilities, rows = answer.probabilities, np.arange(len(answer.probabilities))
    first = probabilities.argmax(axis=1)
    best = probabilities[rows, first]
    rest = probabilities.copy()
    rest[rows, first] = -1.0
    second = rest.argmax(axis=1)
    runner_up = np.maximum(rest[rows, second], 0.0)  # a head of one label has no second
    is_unsure = head.is_unsure(answer)
    alone = best > ALONE_ABOVE
    both = ~alone & (best.astype(float) + runner_up > TOGETHER_ABOVE)
    has_second = both & (runner_up >= head.second_tag_floor) & (len(head.labels) > 1)
    return _HeadBatch(first, second, is_unsure, alone | both, has_second)


def _add(
    tags: list[set[str]], labels: npt.NDArray[np.object_], holds: npt.NDArray[np.bool_]
) -> None:
    for photo in np.flatnonzero(holds):
        tags[photo].add(labels[photo])
