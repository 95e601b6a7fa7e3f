"""Content hash (identity of the file) and perceptual hash (appearance of the picture)."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from scene_model.photos.colours import Pixels

_CHUNK_BYTES = 1 << 20


def content_hash(data: bytes) -> str:
    """SHA-256 of the file's bytes, 64 lower-case hex digits: the photo's id."""
    return hashlib.sha256(data).hexdigest()


def file_content_hash(path: Path) -> str:
    """SHA-256 of a file, read in chunks; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def perceptual_hash(pixels: Pixels) -> int:
    """64-bit hash that survives resizing and re-encoding; compare by Hamming distance.

    The signs of the 8×8 lowest frequencies of the 32×32 grey picture about their median
    (the DCT hash, Zauner 2010).
    pixels: shape (height, width, 3), uint8, RGB.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8]
    bits = (low > np.median(low)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def signed_hash(unsigned: int) -> int:
    """Convert an unsigned 64-bit hash to the signed number SQLite stores."""
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned
