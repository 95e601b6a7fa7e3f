"""Decode a photo's bytes to upright RGB pixels, at a reduced scale where that is enough.

A JPEG is scaled while it is decoded (DCT scaling), so that a
12-megapixel photo costs a quarter of a full decode; other formats are decoded at full size.
"""

import io
import math
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, UnidentifiedImageError

from scene_model.errors import (
    DamagedPhoto,
    EmptyFile,
    FileTooLarge,
    NotAPicture,
    PhotoError,
    TooManyPixels,
    TruncatedPhoto,
    UnreadableFile,
    UnsupportedColours,
    UnsupportedPicture,
    VideoFile,
)
from scene_model.photos.sniff import FileKind, sniff

Pixels = npt.NDArray[np.uint8]

pillow_heif.register_heif_opener()
Image.init()  # load every codec now: loading at the first photo would race between threads
# `PixelLimits` is checked on every picture before it is decoded; Pillow's own, lower
# limit would warn about valid 100-megapixel photos and cannot be set per call.
Image.MAX_IMAGE_PIXELS = None
# Broken EXIF makes Pillow warn on stderr for each photo; relevant problems are errors here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")

# "JPEG" opens multi-picture files (MPO) too.
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "HEIF")
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MIN_IS_WHITE = 258, 262, 0
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Exceptions that Pillow and its codecs raise on inconsistent data.
_CODEC_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class PhotoLimits:
    """The largest photo that is accepted: bytes of the file, pixels of the picture."""

    max_file_bytes: int = 200_000_000
    max_pixels: int = 100_000_000


@dataclass(frozen=True)
class MinimumSize:
    """Minimum size of a decoded picture, in pixels.

    A smaller photo keeps its size: decoding never enlarges.
    """

    short_side: int = 224
    long_side: int = 320


@dataclass(frozen=True)
class DecodedPhoto:
    """One photo, upright.

    pixels: shape (height, width, 3), uint8, RGB, converted to sRGB where a profile is embedded;
        possibly a reduced scale of the original.
    width, height: of the original, in pixels, upright.
    format: by the file's first bytes: "JPEG", "HEIF", ...
    """

    pixels: Pixels
    width: int
    height: int
    format: str


def read_photo_file(path: Path, limits: PhotoLimits) -> bytes:
    """Read a file whole, unless it is larger than allowed.

    Raises UnreadableFile or FileTooLarge.
    """
    try:
        if not path.is_file():
            raise UnreadableFile(f"{path.name} is not a regular file.")
        check_file_bytes(path.stat().st_size, limits)
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableFile(f"The file cannot be read: {reason}.") from error


def check_file_bytes(file_bytes: int, limits: PhotoLimits) -> None:
    """Raise FileTooLarge when a file has more bytes than the limit."""
    if file_bytes > limits.max_file_bytes:
        raise FileTooLarge(
            f"The file has {file_bytes:,} bytes; the limit is {limits.max_file_bytes:,}. "
            "Raise SCENE_MAX_FILE_BYTES to accept it."
        )


def open_picture(data: bytes, limits: PhotoLimits) -> Image.Image:
    """Open a picture's header without decoding its pixels.

    Raises EmptyFile, FileTooLarge, TooManyPixels, VideoFile, NotAPicture,
    UnsupportedPicture, TruncatedPhoto or DamagedPhoto.
    """
    if not data:
        raise EmptyFile("The file is empty (0 bytes). Copy it again from where it came.")
    check_file_bytes(len(data), limits)
    sniffed = sniff(data)
    if sniffed.kind is FileKind.VIDEO:
        raise VideoFile(f"This is a video ({sniffed.name}); only pictures are tagged.")
    if sniffed.kind is FileKind.UNSUPPORTED_PICTURE:
        raise UnsupportedPicture(
            f"Pictures of the kind {sniffed.name} are not read. Export it as JPEG, PNG or TIFF."
        )
    if sniffed.kind is FileKind.OTHER:
        kind = "" if sniffed.name == "unknown" else f" ({sniffed.name})"
        raise NotAPicture(
            f"This is not a picture{kind}. JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF and BMP are read."
        )
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise DamagedPhoto(
            f"The file begins like a {sniffed.name} picture, but its header cannot be read. "
            "It may be cut short or damaged; copy it again."
        ) from error
    except _CODEC_ERRORS as error:
        raise _photo_error(error, sniffed.name) from error
    pixels = picture.width * picture.height
    if pixels > limits.max_pixels:
        raise TooManyPixels(
            f"The photo has {pixels:,} pixels; the limit is {limits.max_pixels:,}. "
            "Raise SCENE_MAX_PIXELS to accept it."
        )
    if pixels == 0:
        raise DamagedPhoto("The picture has no pixels.")
    return picture


def decode_photo(
    data: bytes,
    limits: PhotoLimits | None = None,
    minimum: MinimumSize | None = MinimumSize(),  # noqa: B008 - frozen
) -> DecodedPhoto:
    """Decode a photo's bytes to upright RGB.

    minimum: the size that is enough; None decodes at full size.
    Raises the errors of `open_picture`.
    """
    return decode_picture(open_picture(data, limits or PhotoLimits()), minimum)


def decode_picture(picture: Image.Image, minimum: MinimumSize | None) -> DecodedPhoto:
    """Decode what `open_picture` returned; raises TruncatedPhoto or DamagedPhoto."""
    width, height = picture.size
    name = "JPEG" if picture.format == "MPO" else str(picture.format)
    try:
        if minimum is not None and picture.format in ("JPEG", "MPO"):
            picture.draft(None, _draft_size(width, height, minimum))
        picture.load()
    except _CODEC_ERRORS as error:
        raise _photo_error(error, name) from error
    orientation = _orientation(picture)
    if minimum is not None:
        # Shrink before the colour conversions, which are then cheap.
        picture = _reduce(picture, minimum)
    try:
        rgb = _to_srgb(picture)
    except (OSError, ValueError) as error:
        if "conversion from" in str(error):  # Pillow: "conversion from LAB to RGB not supported"
            raise UnsupportedColours(
                f"The colour mode {picture.mode} cannot be converted to RGB. "
                "Save the picture in RGB and send it again."
            ) from error
        raise _photo_error(error, name) from error
    # Rotate last, when the picture is small: phones mark portrait shots only by an EXIF flag.
    if orientation in _TRANSPOSE:
        rgb = rgb.transpose(_TRANSPOSE[orientation])
    if orientation >= 5:
        width, height = height, width
    return DecodedPhoto(np.asarray(rgb), width, height, name)


def resize_to_square(pixels: Pixels, side: int) -> Pixels:
    """Stretch a whole picture to (side, side, 3): no cropping, no padding.

    The classifier's only resize rule ("stretch"): training and serving both call it.
    Area averaging where it shrinks, bilinear where it enlarges.
    """
    height, width = pixels.shape[:2]
    shrinks = height >= side and width >= side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if not shrinks and (height > 2 * side or width > 2 * side):
        # One side shrinks a lot while the other grows: average the long one first.
        pixels = cv2.resize(  # type: ignore[assignment]
            pixels, (min(width, side), min(height, side)), interpolation=cv2.INTER_AREA
        )
    return cv2.resize(pixels, (side, side), interpolation=method)  # type: ignore[return-value]


def _draft_size(width: int, height: int, minimum: MinimumSize) -> tuple[int, int]:
    scale = _smallest_scale(width, height, minimum)
    return max(1, math.ceil(width * scale)), max(1, math.ceil(height * scale))


def _smallest_scale(width: int, height: int, minimum: MinimumSize) -> float:
    """Scale in (0, 1] at which both sides still reach the minimum."""
    short, long = min(width, height), max(width, height)
    return min(1.0, max(minimum.short_side / short, minimum.long_side / long))


def _reduce(picture: Image.Image, minimum: MinimumSize) -> Image.Image:
    scale = _smallest_scale(picture.width, picture.height, minimum)
    factor = int(1 / scale)
    if factor < 2 or picture.mode in ("1", "P", "PA", "I", "F") or picture.mode.startswith("I;"):
        return picture
    reduced = picture.reduce(factor)
    reduced.info = picture.info
    return reduced


def _orientation(picture: Image.Image) -> int:
    try:
        value: Any = picture.getexif().get(_ORIENTATION, 1)
    except _CODEC_ERRORS:
        # Broken EXIF does not make the pixels unusable; such a photo is taken as upright.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_srgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        return Image.fromarray(_to_eight_bits(picture)).convert("RGB")
    profile = picture.info.get("icc_profile")
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, rgba).convert("RGB")
    elif picture.mode == "P":
        picture = picture.convert("RGB")
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
    """Bring 16-bit, 32-bit and float greyscale to uint8, shape (height, width)."""
    if picture.mode.startswith("I;16"):
        tags = getattr(picture, "tag_v2", {})  # of a TIFF
        bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
        levels = np.arange(65536) * (255.0 / (2**bits - 1))
        table = np.clip(levels, 0, 255).round().astype(np.uint8)
        if tags.get(_PHOTOMETRIC) == _MIN_IS_WHITE:
            table = 255 - table
        eight_bits: Pixels = table[np.asarray(picture).astype(np.uint16, copy=False)]
        return eight_bits
    values = np.nan_to_num(np.asarray(picture).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    highest = float(values.max(initial=0.0))
    if picture.mode == "I" and 255 < highest <= 65535:
        white = 65535.0
    elif picture.mode == "F" and highest <= 1.0:
        white = 1.0
    else:
        white = max(highest, 255.0)
    scaled: Pixels = np.clip(values * (255.0 / white), 0, 255).round().astype(np.uint8)
    return scaled


def _photo_error(error: BaseException, format_name: str) -> PhotoError:
    text = str(error).lower()
    if any(word in text for word in ("truncat", "premature", "end of file", "broken data stream")):
        return TruncatedPhoto(
            f"The {format_name} picture is cut short: its data ends before the picture does. "
            "Copy it again from where it came."
        )
    return DamagedPhoto(
        f"The {format_name} picture is damaged and cannot be decoded. "
        "Copy it again from where it came."
    )
