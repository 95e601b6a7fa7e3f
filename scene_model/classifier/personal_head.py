"""Retrain a head on one person's corrections: a small change to the shipped head, in numpy.

The change is fitted by least cross-entropy with an L2 penalty on the change. Photos that nobody
corrected take part with the shipped head's own predictions as targets, so that the head stays the
same where nobody corrected it (Li and Hoiem 2016, "Learning without Forgetting").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.heads import Head, softmax
from scene_model.classifier.optimiser import minimise

# With fewer corrections, cross-validation is not conclusive.
MIN_CORRECTIONS = 20
# How many uncorrected photos keep the head as it was.
ANCHORS = 400
_FOLDS = 5
_PENALTY = 1e-3
_STEPS, _LEARNING_RATE = 150, 0.3


@dataclass(frozen=True)
class Correction:
    """A person's decision about one photo, as outputs of a head.

    accepted: outputs that are right; refused: outputs that are wrong. One of them is not empty.
    """

    accepted: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()

    def agrees(self, output: int) -> bool:
        """Return whether a predicted output agrees with the decision."""
        return output in self.accepted if self.accepted else output not in self.refused


@dataclass(frozen=True)
class PersonalFigures:
    """How many of the corrected photos are predicted in agreement with the correction.

    before: by the shipped head. after: by a head trained without the photo, five folds.
    """

    corrections: int
    before: int
    after: int


def retrain(
    head: Head, embeddings: FloatArray, corrections: Sequence[Correction], anchors: FloatArray
) -> Head:
    """Train a personal head; deterministic.

    Anchors whose prediction changes although it should not are similar to the corrected photos:
    they are dropped, and the head is fitted once more.

    embeddings: shape (N, embedding size), of the corrected photos. anchors: shape (M, embedding
    size), of photos that nobody corrected; M may be 0.
    """
    trained = _retrain_once(head, embeddings, corrections, anchors)
    changed = predicted_outputs(trained, anchors) != predicted_outputs(head, anchors)
    if not changed.any():
        return trained
    return _retrain_once(head, embeddings, corrections, anchors[~changed])


def _retrain_once(
    head: Head, embeddings: FloatArray, corrections: Sequence[Correction], anchors: FloatArray
) -> Head:
    photos = np.concatenate([embeddings, anchors])
    # Divide by the root of the size too: rows of `scaled` have a length of about one.
    mean, spread = photos.mean(axis=0), (photos.std(axis=0) + 1e-3) * np.sqrt(photos.shape[1])
    scaled = ((photos - mean) / spread).astype(np.float32)
    shipped = ((photos @ head.weights.kernel + head.weights.bias) / head.temperature).astype(
        np.float32
    )
    targets = softmax(shipped)
    targets[: len(corrections)] = _targets(targets[: len(corrections)], corrections)
    # All anchors together weigh as much as all corrections; fewer anchors than corrections weigh
    # as much per photo as a correction.
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
    """Predict each corrected photo by a head that was trained without it."""
    before = predicted_outputs(head, embeddings)
    after = before.copy()
    folds = np.random.default_rng(0).permutation(len(corrections)) % _FOLDS
    for fold in range(_FOLDS):
        is_test = folds == fold
        training = [corrections[int(row)] for row in np.flatnonzero(~is_test)]
        trained = retrain(head, embeddings[~is_test], training, anchors)
        after[is_test] = predicted_outputs(trained, embeddings[is_test])
    return PersonalFigures(
        len(corrections), _agreeing(corrections, before), _agreeing(corrections, after)
    )


def predicted_outputs(head: Head, embeddings: FloatArray) -> npt.NDArray[np.intp]:
    """Predict N photos: a label's output, or the output after the labels for "none of these"."""
    prediction = head.predict(embeddings)
    outputs: npt.NDArray[np.intp] = prediction.probabilities.argmax(axis=1)
    if head.outside_threshold is not None:
        outputs[prediction.outside > head.outside_threshold] = len(head.labels)
    return outputs


def _agreeing(corrections: Sequence[Correction], outputs: npt.NDArray[np.intp]) -> int:
    return sum(
        correction.agrees(int(output))
        for correction, output in zip(corrections, outputs, strict=True)
    )


def _targets(shipped: FloatArray, corrections: Sequence[Correction]) -> FloatArray:
    """Distributions over outputs: the accepted ones, or the shipped one without the refused."""
    targets = np.zeros_like(shipped)
    for row, correction in enumerate(corrections):
        if correction.accepted:
            targets[row, list(correction.accepted)] = 1.0
        else:
            targets[row] = np.maximum(shipped[row], 1e-6)
            targets[row, list(correction.refused)] = 0.0
    result: FloatArray = targets / np.maximum(targets.sum(axis=1, keepdims=True), 1e-12)
    return result


def _fit_change(
    scaled: FloatArray, shipped: FloatArray, targets: FloatArray, shares: FloatArray
) -> tuple[FloatArray, FloatArray]:
    def gradients(kernel: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        error = (softmax(shipped + scaled @ kernel + bias) - targets) * shares
        return scaled.T @ error + _PENALTY * kernel, error.sum(axis=0) + _PENALTY * bias

    return minimise(gradients, scaled.shape[1], shipped.shape[1], _STEPS, _LEARNING_RATE)
