"""One group for each photo, decided by all heads together."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.heads import HeadBatchPrediction, softmax
from scene_model.classifier.labels import UNSURE_CLASS, LabelSet
from scene_model.classifier.tagging import BoolArray, IndexArray, Tag


@dataclass(frozen=True)
class PhotoGroup:
    """The group of a photo: the most probable one, its probability, and whether to believe it."""

    label: str
    score: float
    unsure: bool

    @property
    def believed_label(self) -> str:
        """The group to file the photo under: UNSURE_CLASS where it is not believed."""
        return UNSURE_CLASS if self.unsure else self.label


@dataclass(frozen=True)
class GroupBatch:
    """Groups of N photos. probabilities: shape (N, groups), float32, rows sum to 1."""

    groups: tuple[str, ...]
    probabilities: FloatArray
    confidence_threshold: float

    @cached_property
    def best(self) -> IndexArray:
        """Index of the most probable group, shape (N,)."""
        indices: IndexArray = self.probabilities.argmax(axis=1)
        return indices

    @cached_property
    def is_unsure(self) -> BoolArray:
        """Shape (N,)."""
        unsure: BoolArray = self.probabilities.max(axis=1) < self.confidence_threshold
        return unsure

    def of_photo(self, row: int) -> PhotoGroup:
        """Return one photo's group."""
        best = int(self.best[row])
        score = float(self.probabilities[row, best])
        return PhotoGroup(self.groups[best], score, bool(self.is_unsure[row]))

    def ranked(self, row: int) -> list[Tag]:
        """Return one photo's groups, most probable first."""
        order = np.argsort(-self.probabilities[row], kind="stable").tolist()
        return [Tag(self.groups[i], float(self.probabilities[row, i])) for i in order]


@dataclass(frozen=True)
class GroupPool:
    """A logarithmic opinion pool (Genest and Zidek 1986) of the heads' group probabilities.

    A group's logit is its offset plus, over the heads, weight × log(floor + the head's probability
    of the group). The floor of a head is what it leaves to groups that it does not know.
    matrices: by head, see `group_matrix`. offsets: shape (groups,), float32.
    """

    groups: tuple[str, ...]
    matrices: Mapping[str, FloatArray]
    weights: Mapping[str, float]
    floors: Mapping[str, float]
    offsets: FloatArray
    confidence_threshold: float

    def decide(self, predictions: Mapping[str, HeadBatchPrediction]) -> GroupBatch:
        """Decide the groups of N photos. predictions: by head id."""
        logits = self.offsets
        for head_id, weight in self.weights.items():
            summed = group_probabilities(predictions[head_id], self.matrices[head_id])
            logits = logits + np.float32(weight) * np.log(summed + np.float32(self.floors[head_id]))
        return GroupBatch(self.groups, softmax(logits), self.confidence_threshold)


def group_probabilities(prediction: HeadBatchPrediction, matrix: FloatArray) -> FloatArray:
    """Add up the probabilities of each group's labels: shape (N, groups), float32.

    matrix: from `group_matrix`. The probability that a photo shows no label of the head is left
    out, and so are labels without a group: rows sum to 1 or less.
    """
    summed: FloatArray = (prediction.probabilities @ matrix) * (
        1 - prediction.outside[:, np.newaxis]
    )
    return summed


def group_matrix(labels: LabelSet, groups: tuple[str, ...]) -> FloatArray:
    """Return which label is of which group: shape (labels, groups), float32, 1 or 0."""
    columns = {group: index for index, group in enumerate(groups)}
    matrix = np.zeros((len(labels), len(groups)), np.float32)
    for row, label in enumerate(labels.labels):
        if label.group in columns:
            matrix[row, columns[label.group]] = 1.0
    return matrix


def pool_of(bundle: Bundle) -> GroupPool | None:
    """Return the pool of a bundle; None for one without groups."""
    rule = bundle.decisions.groups
    if rule is None:
        return None
    groups = tuple(group.id for group in bundle.description.groups)
    label_sets = {head.id: bundle.label_set(head) for head in bundle.description.heads}
    return GroupPool(
        groups,
        {head_id: group_matrix(label_sets[head_id], groups) for head_id in rule.weights},
        rule.weights,
        rule.floors,
        np.array([rule.offsets.get(group, 0.0) for group in groups], np.float32),
        rule.confidence_threshold,
    )
