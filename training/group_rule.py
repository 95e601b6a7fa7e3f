"""Fit the rule that decides one group for a photo from the probabilities of all heads."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.bundle_decisions import GroupRule
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.groups import (
    group_inputs,
    group_matrix,
    group_probabilities,
    groups_by_embedding,
)
from scene_model.classifier.heads import Head, softmax
from scene_model.classifier.linear_head import fit_linear_head
from scene_model.classifier.optimiser import minimise
from training.recipe import Recipe

FLOOR = 0.005
# Chosen on the validation photos among 0.1 to 0.0003, see EXPERIMENTS.md.
PENALTY = 0.001
LAYER_PENALTY = 0.003
UNSURE_SHARE = 0.05
_STEPS = 400
_LEARNING_RATE = 0.05
_TINY = np.float32(1e-20)

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class GroupExamples:
    """N photos of which the right groups are known.

    probabilities: by head, what it gives to each group, shape (N, groups), see
    `group_probabilities`. right: shape (N, groups), at least one per row: a photo with the labels
    dog and beach is right as animals and as water. sources: the source of each photo.
    by_embedding: what a dense layer on the embedding gives to each group, shape (N, groups); None
    without such a layer.
    """

    probabilities: Mapping[str, FloatArray]
    right: BoolArray
    sources: tuple[str, ...]
    by_embedding: FloatArray | None = None

    @property
    def weight(self) -> FloatArray:
        """Weight of each photo, so that each source counts the same; shape (N,), sums to 1."""
        counts = Counter(self.sources)
        return np.array([1 / counts[s] / len(counts) for s in self.sources], np.float32)

    def select(self, rows: npt.NDArray[np.intp], heads: Collection[str]) -> "GroupExamples":
        """Return some photos with what some heads say of them, and nothing else."""
        return GroupExamples(
            {head: self.probabilities[head][rows] for head in heads},
            self.right[rows],
            tuple(self.sources[row] for row in rows),
        )


@dataclass(frozen=True)
class GroupFigures:
    """Shares of photos whose group is right, unsure or wrong, each in [0, 1]."""

    photos: int
    right: float
    unsure: float
    wrong: float


def right_groups(
    examples: Sequence[Example], recipe: Recipe, heads: Mapping[str, Head], groups: tuple[str, ...]
) -> BoolArray:
    """Return the groups of each photo's labels, shape (N, groups); a row may have none."""
    head_of = {source.id: source.head for source in recipe.sources}
    by_name = {
        head_id: {label.source_name: label.group for label in head.labels.labels}
        for head_id, head in heads.items()
    }
    right = np.zeros((len(examples), len(groups)), np.bool_)
    for row, example in enumerate(examples):
        names = by_name[head_of[example.source]]
        for name in (example.label, *example.also):
            group = names.get(name)
            if group is not None:
                right[row, groups.index(group)] = True
    return right


def group_examples(
    examples: Sequence[Example],
    embeddings: FloatArray,
    recipe: Recipe,
    heads: Mapping[str, Head],
    groups: tuple[str, ...],
    layer: HeadWeights | None = None,
) -> GroupExamples:
    """Collect the photos whose labels belong to a group.

    embeddings: shape (N, size), float32. layer: from `fit_group_layer`.
    """
    right = right_groups(examples, recipe, heads, groups)
    rows = np.flatnonzero(right.any(axis=1))
    probabilities = {
        head_id: group_probabilities(
            head.predict(embeddings[rows]), group_matrix(head.labels, groups)
        )
        for head_id, head in heads.items()
    }
    return GroupExamples(
        probabilities,
        right[rows],
        tuple(examples[int(row)].source for row in rows),
        None if layer is None else groups_by_embedding(embeddings[rows], layer),
    )


def fit_group_layer(examples: GroupExamples, embeddings: FloatArray) -> HeadWeights:
    """Fit a dense layer from the embedding to the groups; a photo's right groups share its target.

    embeddings: of the examples, shape (N, size), float32.
    """
    targets = examples.right / examples.right.sum(axis=1, keepdims=True)
    layer = fit_linear_head(embeddings, targets.astype(np.float32), LAYER_PENALTY, examples.weight)
    return HeadWeights(layer.kernel.round(4), layer.bias.round(4))


def fit_group_rule(
    examples: GroupExamples, groups: tuple[str, ...], layer: HeadWeights | None = None
) -> GroupRule:
    """Fit kernel and bias by likelihood, then the threshold, which makes UNSURE_SHARE unsure.

    The probability of a photo is that of its right groups together. The penalty is on the
    difference to an even pool of the heads, in which each group is its own evidence: that is what
    stays for groups which no example shows. The layer, which gave ``by_embedding``, is left out of
    the pool: it knows nothing of such groups.
    """
    heads = tuple(sorted(examples.probabilities))
    inputs = _inputs(examples, heads)
    weight = examples.weight
    own: FloatArray = np.eye(len(groups), dtype=np.float32) / np.float32(len(heads))
    pool: FloatArray = np.concatenate([own] * len(heads))
    if examples.by_embedding is not None:
        pool = np.concatenate([pool, np.zeros_like(own)])

    def gradients(change: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        probabilities = softmax(inputs @ (pool + change) + bias)
        expected = (probabilities + _TINY) * examples.right
        expected /= expected.sum(axis=1, keepdims=True)
        error = weight[:, None] * (probabilities - expected)
        return inputs.T @ error + 2 * PENALTY * change, error.sum(axis=0) + 2 * PENALTY * bias

    change, bias = minimise(gradients, len(pool), len(groups), _STEPS, _LEARNING_RATE)
    rule = GroupRule(
        heads=heads,
        floor=FLOOR,
        kernel=_rounded(pool + change),
        bias=_rounded([bias])[0],
        confidence_threshold=0.0,
        embedding_kernel=() if layer is None else _rounded(layer.kernel),
        embedding_bias=() if layer is None else _rounded([layer.bias])[0],
    )
    confidence = decide(rule, examples).max(axis=1)
    threshold = np.quantile(
        confidence, UNSURE_SHARE, weights=examples.weight, method="inverted_cdf"
    )
    return rule.model_copy(update={"confidence_threshold": round(float(threshold), 4)})


def decide(rule: GroupRule, examples: GroupExamples) -> FloatArray:
    """Return the probabilities of the groups, shape (N, groups), float32."""
    inputs = _inputs(examples, rule.heads)
    return softmax(inputs @ np.array(rule.kernel, np.float32) + np.array(rule.bias, np.float32))


def group_figures(rule: GroupRule, examples: GroupExamples) -> dict[str, GroupFigures]:
    """Count right, unsure and wrong groups by source."""
    probabilities, sources = decide(rule, examples), np.array(examples.sources)
    is_unsure = probabilities.max(axis=1) < rule.confidence_threshold
    best = probabilities.argmax(axis=1)
    is_right = examples.right[np.arange(len(best)), best] & ~is_unsure
    figures = {}
    for source in sorted(set(examples.sources)):
        own = sources == source
        figures[source] = GroupFigures(
            int(own.sum()),
            float(is_right[own].mean()),
            float(is_unsure[own].mean()),
            float((~is_right & ~is_unsure)[own].mean()),
        )
    return figures


def _inputs(examples: GroupExamples, heads: Sequence[str]) -> FloatArray:
    probabilities = [examples.probabilities[head] for head in heads]
    if examples.by_embedding is not None:
        probabilities.append(examples.by_embedding)
    return group_inputs(probabilities, FLOOR)


def _rounded(rows: Iterable[FloatArray]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(x), 4) for x in row) for row in rows)
