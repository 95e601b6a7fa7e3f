"""Train a linear head on embeddings: softmax regression, in numpy, in seconds."""

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.heads import softmax
from scene_model.classifier.optimiser import minimise

_STEPS = 400
_LEARNING_RATE = 0.05


def one_hot(labels: npt.NDArray[np.intp], label_count: int) -> FloatArray:
    """Targets of photos with one label each: shape (N, label_count), float32."""
    return np.eye(label_count, dtype=np.float32)[labels]


def fit_linear_head(
    embeddings: FloatArray,
    targets: FloatArray,
    penalty: float = 1e-3,
    weights: FloatArray | None = None,
) -> HeadWeights:
    """Fit kernel and bias by least cross-entropy with an L2 penalty; deterministic.

    embeddings: shape (N, embedding size), float32. targets: shape (N, outputs), each row a
    distribution, see `one_hot`. weights: weight of each photo, shape (N,); in addition, the total
    weight of a class grows with the root of its size, so that a large folder does not outweigh a
    small one.
    """
    mean, spread = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-3
    scaled = ((embeddings - mean) / spread).astype(np.float32)
    # The root is a compromise between equal weights of photos and equal weights of classes.
    class_sizes = np.maximum(targets.sum(axis=0), 1.0)
    photo_weights = 1.0 / np.sqrt(class_sizes)[targets.argmax(axis=1)]
    if weights is not None:
        photo_weights = photo_weights * weights
    shares = (photo_weights / photo_weights.sum()).astype(np.float32)[:, np.newaxis]

    def gradients(kernel: FloatArray, bias: FloatArray) -> tuple[FloatArray, FloatArray]:
        error = (softmax(scaled @ kernel + bias) - targets) * shares
        return scaled.T @ error + penalty * kernel, error.sum(axis=0)

    kernel, bias = minimise(gradients, scaled.shape[1], targets.shape[1], _STEPS, _LEARNING_RATE)
    # Fold the scaling into the head: it is applied to unscaled embeddings.
    folded = (kernel / spread[:, np.newaxis]).astype(np.float32)
    return HeadWeights(folded, (bias - mean @ folded).astype(np.float32))
