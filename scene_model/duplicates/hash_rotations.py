"""What a perceptual hash would be had the picture been turned or mirrored: out of its bits alone.

A hash is the signs of 8×8 cosine frequencies about their median, which lies near nought. A mirror
negates the odd frequencies along its axis, a quarter turn swaps the axes too: so bits flip and
change places, and no picture has to be opened.
"""

import numpy as np
import numpy.typing as npt

from scene_model.photos.alignment import TURNS

Signs = npt.NDArray[np.float32]


def hash_signs(hashes: npt.NDArray[np.int64]) -> Signs:
    """Hashes as kept → shape (N, 8, 8), float32, +1 and -1: down, then across."""
    octets = hashes.astype(">i8").view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(octets, axis=1).reshape(-1, 8, 8)
    result: Signs = bits.astype(np.float32) * 2 - 1
    return result


def rotated_signs(signs: Signs, turn: int) -> Signs:
    """The signs of pictures laid as `alignment.turned` lays them; shape (N, 8, 8)."""
    quarters, is_mirrored = TURNS[turn]
    odd = np.where(np.arange(8) % 2, -1.0, 1.0).astype(np.float32)
    laid = signs
    for _ in range(quarters):
        # Anticlockwise: the columns become rows, from the last to the first.
        laid = laid.transpose(0, 2, 1) * odd[:, np.newaxis]
    if is_mirrored:
        laid = laid * odd
    return laid
