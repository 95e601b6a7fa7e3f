"""Train a linear head on embeddings: softmax regression, in numpy, in seconds."""

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.heads import softmax

_STEPS = 400
_LEARNING_RATE = 0.05
# Adam's usual decay rates (Kingma and Ba 2015).
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


def one_hot(labels: npt.NDArray[np.intp], label_count: int) -> FloatArray:
    """Targets of photos with one label each: shape (N, label_count), float32."""
    return np.eye(label_count, dtype=np.float32)[labels]


def fit_linear_head(
    embeddings: FloatArray,
    targets: FloatArray,
    penalty: float = 1e-3,
    weights: FloatArray | None = None,
) -> HeadWeights:
    """Fit kernel and bias by least cross-entropy with an L2 penalty; the same input gives the same.

    embeddings: shape (N, embedding size), float32. targets: shape (N, outputs), each row a
    distribution, see `one_hot`. weights: how much each photo counts, shape (N,); beside it a
    class counts by the root of its size, so that a large folder does not swallow a small one.
    """
    mean, spread = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-3
    scaled = ((embeddings - mean) / spread).astype(np.float32)
    outputs = targets.shape[1]
    sizes = targets.sum(axis=0)
    # The root: between every photo alike and every class alike.
    counted = 1.0 / np.sqrt(np.maximum(sizes, 1.0))[targets.argmax(axis=1)]
    if weights is not None:
        counted = counted * weights
    share = (counted / counted.sum()).astype(np.float32)[:, np.newaxis]
    kernel = np.zeros((scaled.shape[1], outputs), np.float32)
    bias = np.zeros(outputs, np.float32)
    moments = [(np.zeros_like(x), np.zeros_like(x)) for x in (kernel, bias)]
    for step in range(1, _STEPS + 1):
        error = (softmax(scaled @ kernel + bias) - targets) * share
        gradients = (scaled.T @ error + penalty * kernel, error.sum(axis=0))
        rate = _LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / _STEPS))
        for value, gradient, (first, second) in zip(
            (kernel, bias), gradients, moments, strict=True
        ):
            first += (1 - _BETA_1) * (gradient - first)
            second += (1 - _BETA_2) * (gradient * gradient - second)
            corrected = second / (1 - _BETA_2**step)
            value -= rate * (first / (1 - _BETA_1**step)) / (np.sqrt(corrected) + _EPSILON)
    # Fold the scaling into the head: it is asked about embeddings as they are.
    folded = (kernel / spread[:, np.newaxis]).astype(np.float32)
    return HeadWeights(folded, (bias - mean @ folded).astype(np.float32))
