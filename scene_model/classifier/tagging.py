"""The tag rule and the class of a photo, computed from probabilities for N photos at once.

A single photo is a batch of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.heads import Head, HeadBatchPrediction
from scene_model.classifier.labels import NONE, OBJECTS, UNSURE_CLASS, LabelSet

# The rule's two numbers are a public contract (`/classify/`), not a calibration.
ALONE_ABOVE = 0.9
TOGETHER_ABOVE = 0.5

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Tag:
    """A label id and its probability in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class HeadPrediction:
    """One head's prediction for one photo.

    probabilities: shape (labels,), float32, sums to 1. label: the most probable label;
    confidence: its probability; unsure: whether it is below the threshold or outside the
    head's labels. outside: probability that the photo shows none of the labels; None for a head
    without that output. tags: by the tag rule, with the head's floor.
    """

    head: str
    probabilities: FloatArray
    label: str
    confidence: float
    unsure: bool
    outside: float | None
    tags: list[Tag]


@dataclass(frozen=True)
class PhotoClass:
    """The label a photo is filed under, its source, and the source's confidence.

    source: HUMAN, the id of the deciding head, or NONE. score: in [0, 1]; 0.0 for NONE.
    """

    label: str
    source: str
    score: float


@dataclass(frozen=True)
class RuleTags:
    """The tag rule applied to N photos.

    first, second: shape (N,), indices of the two most probable labels; second is meaningless
    where there is only one label. has_first, has_second: shape (N,), whether each is a tag.
    """

    first: IndexArray
    second: IndexArray
    has_first: BoolArray
    has_second: BoolArray

    def of_photo(self, row: int, probabilities: FloatArray, labels: LabelSet) -> list[Tag]:
        """Return one photo's tags; probabilities: those the rule was applied to."""
        indices = ((self.first, self.has_first), (self.second, self.has_second))
        return [
            Tag(labels[int(index[row])].id, float(probabilities[row, index[row]]))
            for index, holds in indices
            if holds[row]
        ]


def apply_tag_rule(probabilities: FloatArray, second_tag_floor: float = 0.0) -> RuleTags:
    """Assign none, one or two tags to each of N photos.

    Highest probability above 0.9 → that label; else the two highest together above 0.5 →
    both; else none (``Unknown``, a state, never a tag). A second tag below the floor is dropped.
    Equal probabilities keep label order.

    probabilities: shape (N, labels), float32, rows sum to 1.
    """
    rows = np.arange(len(probabilities))
    first = probabilities.argmax(axis=1)
    without_first = probabilities.copy()
    without_first[rows, first] = -1.0
    second = without_first.argmax(axis=1)
    # In float64: the sum and the thresholds must not be rounded to float32.
    first_score = probabilities[rows, first].astype(np.float64)
    second_score = without_first[rows, second].astype(np.float64)  # -1 in a head of one label
    is_alone = first_score > ALONE_ABOVE
    is_pair = ~is_alone & (first_score + np.maximum(second_score, 0.0) > TOGETHER_ABOVE)
    has_second = is_pair & (second_score >= max(second_tag_floor, 0.0))
    return RuleTags(first, second, is_alone | is_pair, has_second)


def tags_by_rule(
    probabilities: FloatArray, labels: LabelSet, second_tag_floor: float = 0.0
) -> list[Tag]:
    """Apply `apply_tag_rule` to one photo; probabilities: shape (labels,), float32."""
    batch = probabilities[np.newaxis]
    return apply_tag_rule(batch, second_tag_floor).of_photo(0, batch, labels)


def top_tags(probabilities: FloatArray, labels: LabelSet, limit: int) -> list[Tag]:
    """Rank one photo's labels, most probable first; equal scores keep label order.

    probabilities: shape (len(labels),), float32, sums to 1.
    """
    # Sort only the candidates: sorting a thousand labels would take most of the time.
    least = np.partition(probabilities, -limit)[-limit] if limit < len(labels) else 0.0
    candidates = np.flatnonzero(probabilities >= least)
    order = candidates[np.argsort(-probabilities[candidates], kind="stable")[:limit]]
    return [Tag(labels[i].id, float(probabilities[i])) for i in order.tolist()]


@dataclass(frozen=True)
class Beliefs:
    """What a `TagDecision` says of the labels of a head. Both of shape (N, labels).

    probabilities: that the label is a right tag of the photo, float32 in [0, 1]. is_tag: whether
    it is probable enough.
    """

    probabilities: FloatArray
    is_tag: BoolArray


@dataclass(frozen=True)
class HeadBatch:
    """One head's prediction for N photos; the tag rule and the unsure rule are applied lazily.

    beliefs: decide the tags; None for a head without such a decision.
    """

    head: Head
    prediction: HeadBatchPrediction
    beliefs: Beliefs | None = None

    @cached_property
    def rule(self) -> RuleTags:
        """The tag rule, with the head's floor."""
        return apply_tag_rule(self.prediction.probabilities, self.head.second_tag_floor)

    @cached_property
    def is_unsure(self) -> BoolArray:
        """Whether to doubt the most probable label, shape (N,), see `Head.is_unsure`."""
        if self.beliefs is not None:
            return ~self.beliefs.is_tag[np.arange(len(self.rule.first)), self.rule.first]
        return self.head.is_unsure(self.prediction)

    @property
    def tag_scores(self) -> FloatArray:
        """Scores of the labels as tags and classes, shape (N, labels), float32.

        Where tags are decided, how probably they are right: one of 365 places can be the right one
        at a probability of 0.3 when the next ones mean nearly the same.
        """
        return self.prediction.probabilities if self.beliefs is None else self.beliefs.probabilities

    @cached_property
    def confidence(self) -> FloatArray:
        """Probability of the most probable label, shape (N,), float32."""
        highest: FloatArray = self.prediction.probabilities.max(axis=1)
        return highest

    @cached_property
    def sure_confidence(self) -> FloatArray:
        """`confidence`, and -1 where the head is unsure."""
        return np.where(self.is_unsure, np.float32(-1), self.confidence)

    @property
    def tag_names(self) -> tuple[str, ...]:
        """Names of the labels in stored tags: ids, but the ImageNet lines of objects."""
        labels = self.head.labels
        return labels.source_names if self.head.id == OBJECTS else labels.ids

    def of_photo(self, row: int) -> HeadPrediction:
        """Return the prediction for one photo of the batch."""
        head, probabilities = self.head, self.prediction.probabilities
        best = int(self.rule.first[row])
        outside = float(self.prediction.outside[row])
        return HeadPrediction(
            head=head.id,
            probabilities=probabilities[row],
            label=head.labels[best].id,
            confidence=float(probabilities[row, best]),
            unsure=bool(self.is_unsure[row]),
            outside=None if head.outside_threshold is None else outside,
            tags=self.rule.of_photo(row, probabilities, head.labels),
        )


@dataclass(frozen=True)
class DecidedClasses:
    """The classes of N photos, by the models alone.

    classes: what the photos are filed under. fallbacks: what they would be filed under if the class
    head were unsure of them all.
    """

    classes: list[PhotoClass]
    fallbacks: list[PhotoClass]


def decide_classes(
    class_head: HeadBatch, next_heads: Sequence[HeadBatch], objects: HeadBatch | None
) -> DecidedClasses:
    """File N photos, by the models alone.

    The class head's label if it is sure; else the label of the surest of those next heads that are
    sure, the first of equals; else the group of the object, if that head is sure and the object has
    a group; else unsure. A person's choice comes before all of these; the library stores it
    separately.
    """
    others = [PhotoClass(UNSURE_CLASS, NONE, 0.0)] * len(class_head.is_unsure)
    if objects is not None:
        _file_by_objects(others, objects)
    if next_heads:
        confidences = np.stack([batch.sure_confidence for batch in next_heads])
        surest = confidences.argmax(axis=0)
        for number, batch in enumerate(next_heads):
            _file_by_label(others, batch, (surest == number) & ~batch.is_unsure)
    classes = others.copy()
    _file_by_label(classes, class_head, ~class_head.is_unsure)
    return DecidedClasses(classes, others)


def best_guesses(heads: Sequence[HeadBatch]) -> list[Tag]:
    """Return the most probable label over several heads for each of N photos.

    What a head leaves to "none of these" counts against its labels; the first of equals wins.
    """
    confidences = np.stack([batch.confidence * (1 - batch.prediction.outside) for batch in heads])
    best = confidences.argmax(axis=0)
    guesses = []
    for row, number in enumerate(best.tolist()):
        batch = heads[number]
        label = batch.tag_names[int(batch.rule.first[row])]
        guesses.append(Tag(label, float(confidences[number, row])))
    return guesses


def _file_by_label(classes: list[PhotoClass], batch: HeadBatch, decides: BoolArray) -> None:
    labels = batch.head.labels.ids
    for row, index, score in _first_labels(batch, decides):
        classes[row] = PhotoClass(labels[index], batch.head.id, score)


def _file_by_objects(classes: list[PhotoClass], batch: HeadBatch) -> None:
    for row, index, score in _first_labels(batch, ~batch.is_unsure):
        group = batch.head.labels[index].group
        if group is not None:
            classes[row] = PhotoClass(group, batch.head.id, score)


def _first_labels(batch: HeadBatch, chosen: BoolArray) -> Iterator[tuple[int, int, float]]:
    """Yield the index, most probable label and its score as a tag of each chosen photo."""
    rows = np.flatnonzero(chosen)
    indices = batch.rule.first[rows]
    scores = batch.tag_scores[rows, indices]
    return zip(rows.tolist(), indices.tolist(), scores.tolist(), strict=True)
