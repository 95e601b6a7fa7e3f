"""Pictures made on the spot."""

import io
from typing import Any

import numpy as np
from PIL import Image


def textured(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth random RGB picture: survives JPEG, differs by seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def quadrants(width: int = 64, height: int = 48) -> Image.Image:
    """Red, green / blue, white: tells every orientation apart."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    picture.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    picture.paste((0, 0, 255), (0, height // 2, width // 2, height))
    return picture


def encode(picture: Image.Image, format_name: str = "JPEG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    if format_name == "JPEG":
        options.setdefault("quality", 92)
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **options)
    return buffer.getvalue()


def stored_as(upright: Image.Image, orientation: int) -> bytes:
    """A JPEG whose pixels lie as ``orientation`` says and whose EXIF turns them upright."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(stored, quality=95, exif=exif)


def striped(seed: int) -> bytes:
    """A JPEG of bold stripes, unlike the smooth pictures of `textured`."""
    picture = Image.new("RGB", (160, 120), "white")
    for x in range(seed % 5, 160, 16):
        picture.paste((seed * 9 % 120, 0, 0), (x, 0, x + 7, 120))
    return encode(picture)
