"""Embeddings for benchmarks, made as those of photos are: many kinds, and few directions that vary.

A network's embedding of 1,280 values is never negative, and a few dozen directions hold most of its
variance. Independent values would be unlike that: each photo would be equally far from all others.
"""

import numpy as np

from scene_model.classifier.bundle import FloatArray

_KINDS, _DIRECTIONS = 2000, 256
# The standard deviation along the n-th direction falls with this power of n.
_DECAY = 0.6
# Of a photo around its kind, and of each value, relative to the distance between kinds.
_WITHIN, _NOISE = 0.5, 0.15


class MadeEmbeddings:
    """Draws embeddings of a given size."""

    def __init__(self, size: int) -> None:
        """Draw the kinds and directions, always the same."""
        random = np.random.default_rng(0)
        deviations = np.arange(1, _DIRECTIONS + 1, dtype=np.float32) ** -_DECAY
        deviations /= np.linalg.norm(deviations)
        self._directions = random.standard_normal((_DIRECTIONS, size), np.float32)
        self._directions *= deviations[:, np.newaxis]
        self._kinds = random.standard_normal((_KINDS, _DIRECTIONS), np.float32)
        self._mean = random.standard_normal(size, np.float32) * np.float32(0.5)

    def next_rows(self, random: np.random.Generator, count: int) -> FloatArray:
        """Return embeddings of the next photos: shape (count, size), float32."""
        kinds = self._kinds[random.integers(_KINDS, size=count)]
        position = kinds + _WITHIN * random.standard_normal(kinds.shape, np.float32)
        values = position @ self._directions + self._mean
        values += _NOISE * random.standard_normal(values.shape, np.float32)
        rows: FloatArray = np.maximum(values, 0)
        return rows
