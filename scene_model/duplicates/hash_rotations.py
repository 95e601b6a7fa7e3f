"""Compute the perceptual hash of a rotated or mirrored picture from the original's hash.

A hash holds the signs of 8×8 cosine frequencies relative to their median, which is near zero.
Mirroring negates the odd frequencies along its axis; a quarter turn also swaps the axes. Bits are
therefore inverted and permuted, and the picture is not needed.
"""

import numpy as np
import numpy.typing as npt

from scene_model.photos.alignment import TURNS

Signs = npt.NDArray[np.float32]


def hash_signs(hashes: npt.NDArray[np.int64]) -> Signs:
    """Convert stored hashes to signs: shape (N, 8, 8), float32, +1 and -1, vertical axis first."""
    octets = hashes.astype(">i8").view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(octets, axis=1).reshape(-1, 8, 8)
    result: Signs = bits.astype(np.float32) * 2 - 1
    return result


def rotated_signs(signs: Signs, turn: int) -> Signs:
    """Return the signs of the pictures after `alignment.rotated` by ``turn``; shape (N, 8, 8)."""
    quarters, is_mirrored = TURNS[turn]
    odd = np.where(np.arange(8) % 2, -1.0, 1.0).astype(np.float32)
    result = signs
    for _ in range(quarters):
        # Anticlockwise: columns become rows in reverse order.
        result = result.transpose(0, 2, 1) * odd[:, np.newaxis]
    if is_mirrored:
        result = result * odd
    return result
