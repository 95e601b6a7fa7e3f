"""Make JPEGs like those of a phone: 12 megapixels, about 4 MB, each different.

Mosaics of enlarged parts of the test photographs with sensor noise, so that decoding takes as long
as for real photos.
"""

import io
import multiprocessing
import os
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from scene_model.config import PROJECT_DIR

SIZE = (4000, 3000)
_TILE, _QUALITY, _NOISE = 1000, 90, 7.0
_ASSETS = PROJECT_DIR / "tests" / "assets"


def large_photos(folder: Path, count: int) -> list[Path]:
    """Make the missing ones of ``count`` photos in a folder; returns all paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IMG_{number:05d}.jpg" for number in range(count)]
    missing = [(number, path) for number, path in enumerate(paths) if not path.exists()]
    if missing:
        with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
            pool.starmap(_make, missing, chunksize=8)
    return paths


def _make(number: int, path: Path) -> None:
    random = np.random.default_rng(number)
    mosaic = Image.new("RGB", SIZE)
    for left in range(0, SIZE[0], _TILE):
        for top in range(0, SIZE[1], _TILE):
            source = _sources()[int(random.integers(len(_sources())))]
            side = int(random.integers(200, min(source.size)))
            x, y = (int(random.integers(length - side + 1)) for length in source.size)
            tile = source.crop((x, y, x + side, y + side)).resize((_TILE, _TILE))
            noise = np.roll(_noise(), int(random.integers(_TILE)), axis=0)
            noisy = np.asarray(tile, np.int16) + noise
            mosaic.paste(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), (left, top))
    buffer = io.BytesIO()
    mosaic.save(buffer, "JPEG", quality=_QUALITY)
    # Write atomically: the folder may be reused.
    part = path.with_suffix(".part")
    part.write_bytes(buffer.getvalue())
    part.replace(path)


@cache
def _sources() -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in sorted(_ASSETS.glob("*.jpg"))]


@cache
def _noise() -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    grey = np.random.default_rng(0).normal(0, _NOISE, (_TILE, _TILE, 1))
    return grey.repeat(3, axis=2).astype(np.int16)
