"""Convert every colour mode to RGB with eight bits, in sRGB where a profile is embedded."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Pixels = npt.NDArray[np.uint8]

_STRIP_PIXELS = 1 << 20
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MIN_IS_WHITE = 258, 262, 0  # tags of TIFF


def reducible(picture: Image.Image) -> Image.Image:
    """Convert the modes that cannot be averaged: palettes, and more than eight bits of grey."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        return Image.fromarray(_to_eight_bits(picture))
    if picture.mode == "PA" or (picture.mode == "P" and "transparency" in picture.info):
        return picture.convert("RGBA")
    return picture.convert("RGB") if picture.mode == "P" else picture


def to_srgb(picture: Image.Image) -> Image.Image:
    """Convert to RGB: transparent on white, colours by the embedded profile.

    Raises ValueError for a mode that Pillow cannot convert.
    """
    profile = picture.info.get("icc_profile")
    if picture.mode in ("RGBA", "LA", "RGBa", "La") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, rgba).convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK"):
        converted = _through_profile(picture, profile)
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _through_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).startswith("sRGB"):
            return None  # already sRGB, like most photos
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A broken or unsupported profile: the plain conversion is slightly off, not wrong.
        return None


def _to_eight_bits(picture: Image.Image) -> Pixels:
    """Bring 16-bit, 32-bit and float greyscale to uint8, shape (height, width).

    Strip by strip: the numbers in between take several times the memory of the picture.
    """
    to_eight_bits = (
        _sixteen_bit_table(picture).__getitem__
        if picture.mode.startswith("I;16")
        else _scale_by(_white(picture))
    )
    eight_bits = np.empty((picture.height, picture.width), np.uint8)
    for top, strip in _strips(picture):
        eight_bits[top : top + len(strip)] = to_eight_bits(strip)
    return eight_bits


def _strips(picture: Image.Image) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    rows = max(1, _STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        bottom = min(top + rows, picture.height)
        strip = np.asarray(picture.crop((0, top, picture.width, bottom)))
        yield top, strip if picture.mode.startswith("I;16") else _finite(strip)


def _finite(strip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.nan_to_num(strip.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _sixteen_bit_table(picture: Image.Image) -> Pixels:
    tags = getattr(picture, "tag_v2", {})  # of a TIFF
    bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
    levels = np.arange(65536) * (255.0 / (2**bits - 1))
    table: Pixels = np.clip(levels, 0, 255).round().astype(np.uint8)
    return 255 - table if tags.get(_PHOTOMETRIC) == _MIN_IS_WHITE else table


def _white(picture: Image.Image) -> float:
    highest = max(float(strip.max(initial=0.0)) for _, strip in _strips(picture))
    if picture.mode == "I" and 255 < highest <= 65535:
        return 65535.0
    if picture.mode == "F" and highest <= 1.0:
        return 1.0
    return max(highest, 255.0)


def _scale_by(white: float) -> Callable[[npt.NDArray[Any]], Pixels]:
    def scale(values: npt.NDArray[Any]) -> Pixels:
        scaled: Pixels = np.clip(values * (255.0 / white), 0, 255).round().astype(np.uint8)
        return scaled

    return scale
