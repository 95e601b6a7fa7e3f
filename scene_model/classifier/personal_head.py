"""Retrain a head on what one person corrected: a small change on top of the shipped one, in numpy.

The change is fitted by least cross-entropy with an L2 penalty on itself. Photos nobody decided
about take part with the shipped head's own answers as targets, so that the head stays as it was
where nobody corrected it (Li and Hoiem 2016, "Learning without Forgetting").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.heads import Head, softmax

# Fewer say nothing about photos that were held back.
MIN_CORRECTIONS = 20
# How many photos nobody decided about hold the head where it was.
ANCHORS = 400
_FOLDS = 5
_PENALTY = 1e-3
_STEPS, _LEARNING_RATE = 150, 0.3
# Adam's usual decay rates (Kingma and Ba 2015).
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Correction:
    """What a person said of one photo, as outputs of a head.

    wanted: outputs that are right; refused: outputs that are wrong. One of them is not empty.
    """

    wanted: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()

    def agrees(self, said: int) -> bool:
        """Tell whether an answer is what the person said."""
        return said in self.wanted if self.wanted else said not in self.refused


@dataclass(frozen=True)
class PersonalFigures:
    """Of so many photos people decided about, how many are answered as they said.

    before: by the shipped head. after: by a head trained without the photo, five folds.
    """

    corrections: int
    before: int
    after: int


def retrain(
    head: Head, embeddings: FloatArray, corrections: Sequence[Correction], anchors: FloatArray
) -> Head:
    """Make a personal head; the same input gives the same.

    Anchors that get another answer although they were to keep theirs look like what was corrected:
    they are let go, and the head is fitted once more.

    embeddings: shape (N, embedding size), of the corrected photos. anchors: shape (M, embedding
    size), of photos nobody decided about; may be none.
    """
    trained = _retrain_once(head, embeddings, corrections, anchors)
    changed = answers_as_outputs(trained, anchors) != answers_as_outputs(head, anchors)
    if not changed.any():
        return trained
    return _retrain_once(head, embeddings, corrections, anchors[~changed])


def _retrain_once(
    head: Head, embeddings: FloatArray, corrections: Sequence[Correction], anchors: FloatArray
) -> Head:
    seen = np.concatenate([embeddings, anchors])
    # The whole scale in one factor: rows of `scaled` have a length of about one.
    mean, spread = seen.mean(axis=0), (seen.std(axis=0) + 1e-3) * np.sqrt(seen.shape[1])
    scaled = ((seen - mean) / spread).astype(np.float32)
    shipped = ((seen @ head.weights.kernel + head.weights.bias) / head.temperature).astype(
        np.float32
    )
    targets = softmax(shipped)
    targets[: len(corrections)] = _targets(targets[: len(corrections)], corrections)
    # All anchors together weigh as much as all corrections; where they are few, one as one.
    shares = [np.full(len(embeddings), 1.0 / max(1, len(embeddings)), np.float32)]
    shares.append(np.full(len(anchors), 1.0 / max(1, len(anchors), len(embeddings)), np.float32))
    kernel, bias = _fit_change(scaled, shipped, targets, np.concatenate(shares)[:, np.newaxis])
    change = kernel / spread[:, np.newaxis] * head.temperature
    weights = HeadWeights(
        (head.weights.kernel + change).astype(np.float32),
        (head.weights.bias + bias * head.temperature - mean @ change).astype(np.float32),
    )
    return replace(head, weights=weights)


def cross_validate(
    head: Head, embeddings: FloatArray, corrections: Sequence[Correction], anchors: FloatArray
) -> PersonalFigures:
    """Ask of each corrected photo a head that was trained without it."""
    before = answers_as_outputs(head, embeddings)
    after = before.copy()
    folds = np.random.default_rng(0).permutation(len(corrections)) % _FOLDS
    for fold in range(_FOLDS):
        held = folds == fold
        kept = [one for one, is_held in zip(corrections, held, strict=True) if not is_held]
        trained = retrain(head, embeddings[~held], kept, anchors)
        after[held] = answers_as_outputs(trained, embeddings[held])
    return PersonalFigures(
        len(corrections), _agreeing(corrections, before), _agreeing(corrections, after)
    )


def answers_as_outputs(head: Head, embeddings: FloatArray) -> npt.NDArray[np.intp]:
    """What a head says of N photos: a label's output, or the one after them for "none of these"."""
    answer = head.predict(embeddings)
    said: npt.NDArray[np.intp] = answer.probabilities.argmax(axis=1)
    if head.outside_threshold is not None:
        said[answer.outside > head.outside_threshold] = len(head.labels)
    return said


def _agreeing(corrections: Sequence[Correction], said: npt.NDArray[np.intp]) -> int:
    return sum(one.agrees(int(output)) for one, output in zip(corrections, said, strict=True))


def _targets(shipped: FloatArray, corrections: Sequence[Correction]) -> FloatArray:
    """Distributions over the outputs: what is wanted, or what is left without what is refused."""
    targets = np.zeros_like(shipped)
    for row, one in enumerate(corrections):
        if one.wanted:
            targets[row, list(one.wanted)] = 1.0
        else:
            targets[row] = np.maximum(shipped[row], 1e-6)
            targets[row, list(one.refused)] = 0.0
    result: FloatArray = targets / np.maximum(targets.sum(axis=1, keepdims=True), 1e-12)
    return result


def _fit_change(
    scaled: FloatArray, shipped: FloatArray, targets: FloatArray, shares: FloatArray
) -> tuple[FloatArray, FloatArray]:
    kernel = np.zeros((scaled.shape[1], shipped.shape[1]), np.float32)
    bias = np.zeros(shipped.shape[1], np.float32)
    moments = [(np.zeros_like(x), np.zeros_like(x)) for x in (kernel, bias)]
    for step in range(1, _STEPS + 1):
        error = (softmax(shipped + scaled @ kernel + bias) - targets) * shares
        gradients = (scaled.T @ error + _PENALTY * kernel, error.sum(axis=0) + _PENALTY * bias)
        rate = _LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / _STEPS))
        for value, gradient, (first, second) in zip(
            (kernel, bias), gradients, moments, strict=True
        ):
            first += (1 - _BETA_1) * (gradient - first)
            second += (1 - _BETA_2) * (gradient * gradient - second)
            corrected = second / (1 - _BETA_2**step)
            value -= rate * (first / (1 - _BETA_1**step)) / (np.sqrt(corrected) + _EPSILON)
    return kernel, bias
