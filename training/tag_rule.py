"""Fit which labels of a head are tags, on tags of ours that were judged by eye.

``tag_verdicts.csv`` lists photos by content hash with a label that a head gave them and whether
it is right. The photos are of other sources than the one the head learned from.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.bundle_decisions import TagRule
from scene_model.classifier.groups import GroupBatch
from scene_model.classifier.heads import HeadBatchPrediction
from scene_model.classifier.labels import LabelSet
from scene_model.classifier.optimiser import minimise
from training.recipe import TRAINING_DIR

VERDICTS_FILE = TRAINING_DIR / "tag_verdicts.csv"
# Tags judged after the rule was fitted, to check it.
CHECKS_FILE = TRAINING_DIR / "tag_checks.csv"
GROUP_FLOOR = 0.02
# A label is a tag if it is right with at least this probability. By cross-validation over photos,
# nine of ten such tags are right.
THRESHOLD = 0.8
# Spread of the labels' offsets: how much labels differ in how far they can be believed.
_LABEL_SPREAD = 1.5
_WEIGHT_PENALTY = 0.05
_STEPS = 1500
_LEARNING_RATE = 0.05
FOLDS = 10


@dataclass(frozen=True)
class TagVerdict:
    """One tag of a photo, judged by eye. photo: SHA-256 of the file. label: its source name."""

    photo: str
    head: str
    label: str
    is_right: bool


@dataclass(frozen=True)
class JudgedTags:
    """N tags of one head. Arrays of shape (N,).

    photos: content hashes. labels: indices of the labels. scores: logits of their probabilities.
    groups: log of the floor and the probability of the label's group. unknown: whether the label's
    group is one that no labelled photo shows, so that its probability says little.
    """

    photos: tuple[str, ...]
    labels: npt.NDArray[np.intp]
    scores: FloatArray
    groups: FloatArray
    unknown: npt.NDArray[np.bool_]
    is_right: npt.NDArray[np.bool_]


def read_verdicts(file: Path = VERDICTS_FILE) -> list[TagVerdict]:
    """Read the list of judged tags."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            TagVerdict(row["photo"], row["head"], row["label"], row["right"] == "yes")
            for row in csv.DictReader(lines)
        ]


def judged_tags(
    verdicts: Sequence[TagVerdict],
    rows: Mapping[str, int],
    labels: LabelSet,
    prediction: HeadBatchPrediction,
    groups: GroupBatch,
    known_groups: frozenset[str],
) -> JudgedTags:
    """Collect the judged tags of one head. rows: a photo's row in the predictions, by its hash."""
    indices = {label.source_name: index for index, label in reversed([*enumerate(labels.labels)])}
    of_photo = np.array([rows[verdict.photo] for verdict in verdicts])
    of_label = np.array([indices[verdict.label] for verdict in verdicts])
    probabilities = np.clip(prediction.probabilities[of_photo, of_label], 1e-6, 1 - 1e-6)
    group_ids = [labels[int(index)].group for index in of_label]
    of_groups = [
        groups.probabilities[row, groups.groups.index(group)] if group else 0.0
        for row, group in zip(of_photo, group_ids, strict=True)
    ]
    return JudgedTags(
        tuple(verdict.photo for verdict in verdicts),
        of_label,
        np.log(probabilities / (1 - probabilities)).astype(np.float32),
        np.log(np.array(of_groups, np.float32) + np.float32(GROUP_FLOOR)),
        np.array([group not in known_groups for group in group_ids]),
        np.array([verdict.is_right for verdict in verdicts]),
    )


def fit_tag_rule(tags: JudgedTags, labels: LabelSet, unknown_groups: Sequence[str]) -> TagRule:
    """Fit a logistic regression with an offset for each label, drawn towards zero."""
    weights, offsets = _fit(tags, np.ones(len(tags.photos), np.bool_), len(labels))
    return TagRule(
        offset=round(float(weights[0]), 4),
        score_weight=round(float(weights[1]), 4),
        group_weight=round(float(weights[2]), 4),
        group_floor=GROUP_FLOOR,
        group_offsets={group: round(float(weights[3]), 4) for group in unknown_groups},
        label_offsets={
            labels[index].id: round(float(offsets[index]), 4)
            for index in sorted({*tags.labels.tolist()})
        },
        threshold=THRESHOLD,
    )


def cross_validated(tags: JudgedTags, labels: int) -> FloatArray:
    """Return how probably each tag is right, from fits without its photo; shape (N,)."""
    photos = sorted(set(tags.photos))
    folds = dict(zip(photos, np.random.default_rng(0).integers(0, FOLDS, len(photos)), strict=True))
    fold = np.array([folds[photo] for photo in tags.photos])
    probabilities = np.zeros(len(fold), np.float32)
    for number in range(FOLDS):
        own = fold == number
        weights, offsets = _fit(tags, ~own, labels)
        logits = _inputs(tags)[own] @ weights + offsets[tags.labels[own]]
        probabilities[own] = 1 / (1 + np.exp(-logits))
    return probabilities


def _inputs(tags: JudgedTags) -> FloatArray:
    ones = np.ones(len(tags.photos), np.float32)
    return np.stack([ones, tags.scores, tags.groups, tags.unknown], axis=1).astype(np.float32)


def _fit(
    tags: JudgedTags, chosen: npt.NDArray[np.bool_], labels: int
) -> tuple[FloatArray, FloatArray]:
    """Return the weights of the inputs, shape (4,), and the labels' offsets, shape (labels,)."""
    shared = _inputs(tags)[chosen]
    of_label = np.zeros((len(shared), labels), np.float32)
    of_label[np.arange(len(shared)), tags.labels[chosen]] = 1.0
    inputs = np.concatenate([shared, of_label], axis=1)
    is_right = tags.is_right[chosen].astype(np.float32)
    penalty = np.full(inputs.shape[1], 1 / _LABEL_SPREAD**2, np.float32)
    penalty[: shared.shape[1]] = 2 * _WEIGHT_PENALTY

    def gradients(kernel: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        weights = kernel[:, 0]
        error = 1 / (1 + np.exp(-(inputs @ weights))) - is_right
        return (inputs.T @ error + penalty * weights)[:, None], np.zeros_like(bias)

    kernel, _ = minimise(gradients, inputs.shape[1], 1, _STEPS, _LEARNING_RATE)
    return kernel[: shared.shape[1], 0], kernel[shared.shape[1] :, 0]
