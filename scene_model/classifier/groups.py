"""One group for each photo, decided by all heads together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray, HeadWeights
from scene_model.classifier.bundle_decisions import GroupRule, TagRule
from scene_model.classifier.heads import HeadBatchPrediction, softmax
from scene_model.classifier.labels import UNSURE_CLASS, LabelSet
from scene_model.classifier.tagging import Beliefs, BoolArray, IndexArray

# Probabilities are kept this far from 0 and 1 before their logit is taken.
_LEAST = np.float32(1e-6)


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


@dataclass(frozen=True)
class GroupDecision:
    """Decides the groups of photos: a dense layer on what each head says of each group.

    Its inputs are the logarithms of the heads' group probabilities (stacked generalization,
    Wolpert 1992): without the weights between different groups it would be a logarithmic opinion
    pool. matrices: by head, see `group_matrix`. kernel: shape (heads × groups, groups). bias:
    shape (groups,). Both float32. by_embedding: a dense layer from the embedding to the groups,
    which counts as one more head; None without it.
    """

    groups: tuple[str, ...]
    matrices: Mapping[str, FloatArray]
    floor: float
    kernel: FloatArray
    bias: FloatArray
    confidence_threshold: float
    by_embedding: HeadWeights | None = None

    def decide(
        self, predictions: Mapping[str, HeadBatchPrediction], embeddings: FloatArray
    ) -> GroupBatch:
        """Decide the groups of N photos.

        predictions: by head id. embeddings: shape (N, embedding size), float32.
        """
        probabilities = [
            group_probabilities(predictions[head], matrix) for head, matrix in self.matrices.items()
        ]
        if self.by_embedding is not None:
            probabilities.append(groups_by_embedding(embeddings, self.by_embedding))
        inputs = group_inputs(probabilities, self.floor)
        logits = inputs @ self.kernel + self.bias
        return GroupBatch(self.groups, softmax(logits), self.confidence_threshold)


@dataclass(frozen=True)
class TagDecision:
    """Decides which labels of a head are tags, see `TagRule`.

    label_offsets: all offsets of each label added up, shape (labels,), float32. group_columns: the
    column of each label's group, shape (labels,); -1 for a label without a group.
    """

    score_weight: float
    group_weight: float
    group_floor: float
    label_offsets: FloatArray
    group_columns: IndexArray
    least_logit: float

    def beliefs(self, prediction: HeadBatchPrediction, groups: GroupBatch) -> Beliefs:
        """Return, for N photos, how probable each label is as a right tag, and which are tags."""
        probabilities = np.clip(prediction.probabilities, _LEAST, 1 - _LEAST)
        scores = np.log(probabilities / (1 - probabilities))
        # The last column stands for no group.
        of_groups = np.log(groups.probabilities + np.float32(self.group_floor))
        nothing = np.full((len(of_groups), 1), np.log(self.group_floor), np.float32)
        of_labels = np.concatenate([of_groups, nothing], axis=1)[:, self.group_columns]
        logits = self.label_offsets + self.score_weight * scores + self.group_weight * of_labels
        # The logistic function, written with tanh so that it cannot overflow.
        return Beliefs((1 + np.tanh(logits / 2)) / 2, logits >= self.least_logit)


def group_inputs(probabilities: Iterable[FloatArray], floor: float) -> FloatArray:
    """Return the inputs of the layer, shape (N, heads × groups), float32.

    probabilities: of each head in order, see `group_probabilities`.
    """
    logs: FloatArray = np.log(np.concatenate(list(probabilities), axis=1) + np.float32(floor))
    return logs


def groups_by_embedding(embeddings: FloatArray, weights: HeadWeights) -> FloatArray:
    """Return the probabilities of the groups by the embedding alone: shape (N, groups), float32."""
    return softmax(embeddings @ weights.kernel + weights.bias)


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


def group_decision_of(bundle: Bundle) -> GroupDecision | None:
    """Return how a bundle decides groups; None for one without."""
    rule = bundle.decisions.groups
    if rule is None:
        return None
    groups = tuple(group.id for group in bundle.description.groups)
    label_sets = {head.id: bundle.label_set(head) for head in bundle.description.heads}
    return GroupDecision(
        groups,
        {head_id: group_matrix(label_sets[head_id], groups) for head_id in rule.heads},
        rule.floor,
        np.array(rule.kernel, np.float32),
        np.array(rule.bias, np.float32),
        rule.confidence_threshold,
        layer_of(rule),
    )


def layer_of(rule: GroupRule) -> HeadWeights | None:
    """Return the layer from the embedding to the groups; None where only the heads decide."""
    if not rule.embedding_kernel:
        return None
    return HeadWeights(
        np.array(rule.embedding_kernel, np.float32), np.array(rule.embedding_bias, np.float32)
    )


def tag_decisions_of(bundle: Bundle) -> dict[str, TagDecision]:
    """Return by head how a bundle decides tags, for the heads with such a rule."""
    groups = [group.id for group in bundle.description.groups]
    entries = {head.id: head for head in bundle.description.heads}
    return {
        head_id: _tag_decision(rule, bundle.label_set(entries[head_id]), groups)
        for head_id, rule in bundle.decisions.tags.items()
    }


def _tag_decision(rule: TagRule, labels: LabelSet, groups: list[str]) -> TagDecision:
    offsets = [
        rule.offset
        + rule.group_offsets.get(label.group or "", 0.0)
        + rule.label_offsets.get(label.id, 0.0)
        for label in labels.labels
    ]
    columns = [groups.index(label.group) if label.group else -1 for label in labels.labels]
    return TagDecision(
        rule.score_weight,
        rule.group_weight,
        rule.group_floor,
        np.array(offsets, np.float32),
        np.array(columns, np.intp),
        float(np.log(rule.threshold / (1 - rule.threshold))),
    )
