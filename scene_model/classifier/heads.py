"""Embeddings → calibrated probabilities: a matrix product per label set."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import Bundle, FloatArray, HeadWeights
from scene_model.classifier.bundle_description import HeadEntry
from scene_model.classifier.labels import LabelSet


@dataclass(frozen=True)
class HeadBatchPrediction:
    """One head's prediction for N photos.

    probabilities: shape (N, labels), float32, rows sum to 1: the labels among themselves.
    outside: shape (N,), float32 in [0, 1]: probability that the photo is none of the labels;
        zeros for a head without that output.
    """

    probabilities: FloatArray
    outside: FloatArray


@dataclass(frozen=True)
class Head:
    """One label set's dense layer with its calibration."""

    id: str
    name: str
    labels: LabelSet
    weights: HeadWeights
    temperature: float
    confidence_threshold: float
    outside_threshold: float | None
    second_tag_floor: float
    # Thresholds chosen for a library, one a label; None: `confidence_threshold` for each.
    own_thresholds: tuple[float, ...] | None = None

    def predict(self, embeddings: FloatArray) -> HeadBatchPrediction:
        """Predict from embeddings of shape (N, embedding_size), float32."""
        part = self._used_part
        products = embeddings[:, part] @ self.weights.kernel[part]
        logits = (products + self.weights.bias) / self.temperature
        count = len(self.labels)
        probabilities = softmax(logits[:, :count])
        if self.outside_threshold is None:
            return HeadBatchPrediction(probabilities, np.zeros(len(logits), np.float32))
        return HeadBatchPrediction(probabilities, softmax(logits)[:, count])

    @cached_property
    def _used_part(self) -> slice:
        """The part of the embedding that the head uses; of a network's branches, often one."""
        rows = np.flatnonzero(self.weights.kernel.any(axis=1))
        return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)

    @cached_property
    def thresholds(self) -> FloatArray:
        """Confidence threshold of each label, shape (labels,), float32."""
        if self.own_thresholds is None:
            return np.full(len(self.labels), self.confidence_threshold, np.float32)
        return np.array(self.own_thresholds, np.float32)

    def is_unsure(self, prediction: HeadBatchPrediction) -> npt.NDArray[np.bool_]:
        """Return which of N predictions are unsure, shape (N,).

        A higher threshold never makes a photo sure.
        """
        best = prediction.probabilities.argmax(axis=1)
        unsure = prediction.probabilities.max(axis=1) < self.thresholds[best]
        if self.outside_threshold is not None:
            unsure |= prediction.outside > self.outside_threshold
        result: npt.NDArray[np.bool_] = unsure
        return result


def heads_of(bundle: Bundle) -> dict[str, Head]:
    """Make the heads of a bundle, in its order."""
    return {
        entry.id: _head(entry, bundle.label_set(entry), bundle.head_weights[entry.id])
        for entry in bundle.description.heads
    }


def softmax(logits: FloatArray) -> FloatArray:
    """Row-wise softmax of shape (N, outputs), float32."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    result: FloatArray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def _head(entry: HeadEntry, labels: LabelSet, weights: HeadWeights) -> Head:
    return Head(
        id=entry.id,
        name=entry.name,
        labels=labels,
        weights=weights,
        temperature=entry.temperature,
        confidence_threshold=entry.confidence_threshold,
        outside_threshold=entry.outside_threshold,
        second_tag_floor=entry.second_tag_floor,
    )
