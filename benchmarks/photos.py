"""Test photos for benchmarks."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

PHOTOS = 24
SIZE = (4000, 3000)


def make_photos(folder: Path) -> list[bytes]:
    """Make 24 different 12-megapixel JPEGs: mosaics of the photographs in a folder."""
    sources = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.jpg"))]
    rng = np.random.default_rng(0)
    photos = []
    for _ in range(PHOTOS):
        mosaic = Image.new("RGB", SIZE)
        for x in range(0, SIZE[0], 1000):
            for y in range(0, SIZE[1], 1000):
                source = sources[int(rng.integers(len(sources)))]
                side = int(rng.integers(200, min(source.size)))
                left = int(rng.integers(source.width - side + 1))
                top = int(rng.integers(source.height - side + 1))
                tile = source.crop((left, top, left + side, top + side)).resize((1000, 1000))
                mosaic.paste(tile, (x, y))
        buffer = io.BytesIO()
        mosaic.save(buffer, "JPEG", quality=92)
        photos.append(buffer.getvalue())
    return photos
