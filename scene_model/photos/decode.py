"""Decode a photo's bytes to upright RGB pixels, at a reduced scale where that is enough.

A JPEG is scaled while it is decoded (DCT scaling), so that a
12-megapixel photo costs a quarter of a full decode; other formats are decoded at full size.

The functions here run in the caller's process, without a limit of time. What strangers send is
decoded by `decoders`, in processes that can be killed.
"""

import io
import math
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, UnidentifiedImageError

from scene_model.errors import (
    DamagedPhoto,
    EmptyFile,
    ExtremeShape,
    FileTooLarge,
    NotAPicture,
    TooManyPixels,
    TruncatedPhoto,
    UnreadableFile,
    UnsupportedColours,
    UnsupportedPicture,
    VideoFile,
)
from scene_model.photos.colours import Pixels, reducible, to_srgb
from scene_model.photos.faults import CODEC_ERRORS, codec_fault
from scene_model.photos.jpeg_xl.picture import open_jxl
from scene_model.photos.quality import PictureQuality
from scene_model.photos.raw.extent import is_cut_short
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.raw.picture import open_raw
from scene_model.photos.sniff import JPEG_XL, FileKind, Sniffed, sniff
from scene_model.photos.structure import check_structure, is_progressive
from scene_model.photos.video.kinds import VIDEO_FORMATS
from scene_model.photos.wrapped import OpenedPicture, Size, WrappedPicture

pillow_heif.register_heif_opener()
Image.init()  # load every codec now: loading at the first photo would race between threads
# `PhotoLimits` are checked on every picture before it is decoded; Pillow's own, lower
# limit would warn about valid 100-megapixel photos and cannot be set per call.
Image.MAX_IMAGE_PIXELS = None
# Broken EXIF makes Pillow warn on stderr for each photo; relevant problems are errors here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\..*")

# "JPEG" opens multi-picture files (MPO) too.
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "HEIF")
_ORIENTATION = 0x0112
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# JPEG's own limit, and the ratio from which a long picture shows nothing that could be tagged.
_MAX_SIDE, _MAX_RATIO, _LONG_SIDE = 65_535, 200, 4_096

# Memory while decoding at reduced scale, in bytes per pixel, measured by
# `python -m benchmarks.decoding_memory`: by format where the codec holds more than the picture,
# else by mode.
_BYTES_BY_FORMAT = {"HEIF": 9.0, "AVIF": 10.0, "WEBP": 17.0}
_BYTES_BY_MODE = {"1": 1.5, "L": 1.5, "P": 5.5, "I": 6.2, "F": 6.2, "RGB": 4.5, "CMYK": 4.5}
_SIXTEEN_BIT_BYTES, _OTHER_BYTES = 4.0, 9.0
_PROGRESSIVE_BYTES_PER_CHANNEL, _SCALED_JPEG_BYTES = 2.2, 1.0
_FULL_SIZE_BYTES = 8.0  # more, where the picture keeps its size


@dataclass(frozen=True)
class PhotoLimits:
    """The largest photo that is accepted.

    max_file_bytes: of the file. max_pixels: of the picture. max_decoding_bytes: memory while it is
    decoded, estimated from the header. max_decoding_s: seconds, where `decoders` decode it.
    max_video_bytes: of a video's file, instead of the first.
    """

    max_file_bytes: int = 200_000_000
    max_pixels: int = 100_000_000
    max_decoding_bytes: int = 640_000_000
    max_decoding_s: float = 30.0
    max_video_bytes: int = 10_000_000_000


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
    frames: of a video, in their order; the pixels are one of them, its poster. Empty for pictures.
    duration_s: of a video, in seconds; None where it is unknown, and for pictures.
    quality: of a picture that `decoders` decoded at a reduced scale.
    """

    pixels: Pixels
    width: int
    height: int
    format: str
    frames: tuple[Pixels, ...] = ()
    duration_s: float | None = None
    quality: PictureQuality | None = None


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


def open_picture(data: bytes, limits: PhotoLimits) -> OpenedPicture:
    """Open a picture's header without decoding its pixels.

    Raises EmptyFile, FileTooLarge, TooManyPixels, ExtremeShape, VideoFile, NotAPicture,
    UnsupportedPicture, TruncatedPhoto or DamagedPhoto.
    """
    if not data:
        raise EmptyFile("The file is empty (0 bytes). Copy it again from where it came.")
    check_file_bytes(len(data), limits)
    sniffed = sniff(data)
    _require_picture(sniffed)
    check_structure(data, sniffed.name)
    picture: OpenedPicture
    if sniffed.name in RAW_FORMATS:
        if is_cut_short(data, sniffed.name):
            raise TruncatedPhoto(
                f"The {sniffed.name} file is cut short: it ends before the sensor's data do. "
                "Copy it again from where it came."
            )
        picture = open_raw(data, sniffed.name)
        if picture.preview is not None:
            _check_size(*picture.preview.size, limits)
    elif sniffed.name == JPEG_XL:
        picture = open_jxl(data)
    else:
        picture = _open_by_pillow(data, sniffed.name)
    _check_size(picture.width, picture.height, limits)
    return picture


def _require_picture(sniffed: Sniffed) -> None:
    if sniffed.kind is FileKind.VIDEO:
        raise VideoFile(video_refusal(sniffed.name))
    if sniffed.kind is FileKind.UNSUPPORTED_PICTURE:
        raise UnsupportedPicture(
            f"Pictures of the kind {sniffed.name} are not read. Export it as JPEG, PNG or TIFF."
        )
    if sniffed.kind is FileKind.OTHER:
        kind = "" if sniffed.name == "unknown" else f" ({sniffed.name})"
        raise NotAPicture(
            f"This is not a picture{kind}. JPEG, PNG, WebP, AVIF, HEIC, JPEG XL, GIF, TIFF, BMP "
            "and the RAW files of cameras are read."
        )


def video_refusal(kind: str) -> str:
    """Return why a video is not taken where only pictures are, or as one of a kind not read."""
    if kind in VIDEO_FORMATS:
        return (
            f"This is a video ({kind}); only pictures are read here. Add it to a library, or tag "
            "it by the command `classify`."
        )
    kinds = ", ".join(sorted(VIDEO_FORMATS))
    return f"Videos of this kind ({kind}) are not read. Convert it to MP4. Read are {kinds}."


def _open_by_pillow(data: bytes, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise DamagedPhoto(
            f"The file begins like a {name} picture, but its header cannot be read. "
            "It may be cut short or damaged; copy it again."
        ) from error
    except CODEC_ERRORS as error:
        raise codec_fault(error, name) from error


def _check_size(width: int, height: int, limits: PhotoLimits) -> None:
    pixels = width * height
    if pixels > limits.max_pixels:
        raise TooManyPixels(
            f"The photo has {pixels:,} pixels; the limit is {limits.max_pixels:,}. "
            "Raise SCENE_MAX_PIXELS to accept it."
        )
    if pixels == 0:
        raise DamagedPhoto("The picture has no pixels.")
    short, long = min(width, height), max(width, height)
    if long > _MAX_SIDE or long > max(_LONG_SIDE, _MAX_RATIO * short):
        raise ExtremeShape(
            f"The picture has {width:,} × {height:,} pixels. The limit for a side is "
            f"{_MAX_SIDE:,}, or {_MAX_RATIO} times the other side. Crop it and send it again."
        )


def decoding_bytes(picture: OpenedPicture, minimum: MinimumSize | None) -> int:
    """Estimate the memory that decoding an opened picture takes, in bytes, from its header."""
    if isinstance(picture, WrappedPicture):
        least_size = _least_size(picture, minimum)
        embedded = picture.embedded(least_size)
        return (
            picture.unpacking_bytes(least_size)
            if embedded is None
            else decoding_bytes(embedded, minimum)
        )
    if picture.format in ("JPEG", "MPO"):
        per_pixel = _SCALED_JPEG_BYTES
        if is_progressive(picture):
            per_pixel += _PROGRESSIVE_BYTES_PER_CHANNEL * len(picture.getbands())
    elif picture.format in _BYTES_BY_FORMAT:
        per_pixel = _BYTES_BY_FORMAT[picture.format]
    elif "transparency" in picture.info:
        per_pixel = _OTHER_BYTES
    elif picture.mode.startswith("I;"):
        per_pixel = _SIXTEEN_BIT_BYTES
    else:
        per_pixel = _BYTES_BY_MODE.get(picture.mode, _OTHER_BYTES)
    if minimum is None:
        per_pixel += _FULL_SIZE_BYTES
    return int(picture.width * picture.height * per_pixel)


def require_memory(needed: int, limits: PhotoLimits) -> None:
    """Raise TooManyPixels when decoding takes more memory than the limit; needed: in bytes."""
    if needed > limits.max_decoding_bytes:
        raise TooManyPixels(
            f"Decoding the picture takes about {needed / 1e6:,.0f} MB of memory; the limit is "
            f"{limits.max_decoding_bytes / 1e6:,.0f} MB. Raise SCENE_MAX_DECODING_BYTES to accept "
            "it, or save the picture as JPEG.",
            code="too_much_memory",
        )


def decode_photo(
    data: bytes,
    limits: PhotoLimits | None = None,
    minimum: MinimumSize | None = MinimumSize(),  # noqa: B008 - frozen
) -> DecodedPhoto:
    """Decode a photo's bytes to upright RGB.

    minimum: the size that is enough; None decodes at full size.
    Raises the errors of `open_picture`.
    """
    limits = limits or PhotoLimits()
    picture = open_picture(data, limits)
    require_memory(decoding_bytes(picture, minimum), limits)
    return decode_picture(picture, minimum)


def decode_picture(picture: OpenedPicture, minimum: MinimumSize | None) -> DecodedPhoto:
    """Decode what `open_picture` returned; raises TruncatedPhoto or DamagedPhoto."""
    if isinstance(picture, WrappedPicture):
        decoded = decode_picture(picture.unpacked(_least_size(picture, minimum)), minimum)
        return replace(decoded, width=picture.width, height=picture.height, format=picture.format)
    width, height = picture.size
    name = "JPEG" if picture.format == "MPO" else str(picture.format)
    try:
        if minimum is not None and picture.format in ("JPEG", "MPO"):
            picture.draft(None, reduced_size(width, height, minimum))
        picture.load()
    except CODEC_ERRORS as error:
        raise codec_fault(error, name) from error
    orientation = _orientation(picture)
    try:
        picture = reducible(picture)
        if minimum is not None:
            # Shrink before the colour conversions, which are then cheap.
            picture = _reduce(picture, minimum)
        rgb = to_srgb(picture)
    except (OSError, ValueError, MemoryError) as error:
        if "conversion from" in str(error):  # Pillow: "conversion from LAB to RGB not supported"
            raise UnsupportedColours(
                f"The colour mode {picture.mode} cannot be converted to RGB. "
                "Save the picture in RGB and send it again."
            ) from error
        raise codec_fault(error, name) from error
    # Rotate last, when the picture is small: phones mark portrait shots only by an EXIF flag.
    if orientation in _TRANSPOSE:
        rgb = rgb.transpose(_TRANSPOSE[orientation])
    if orientation >= 5:
        width, height = height, width
    return DecodedPhoto(np.asarray(rgb), width, height, name)


def _least_size(picture: WrappedPicture, minimum: MinimumSize | None) -> Size | None:
    return None if minimum is None else reduced_size(picture.width, picture.height, minimum)


def reduced_size(width: int, height: int, minimum: MinimumSize) -> Size:
    """Return the smallest size of a picture at which both sides still reach the minimum."""
    scale = _smallest_scale(width, height, minimum)
    return max(1, math.ceil(width * scale)), max(1, math.ceil(height * scale))


def _smallest_scale(width: int, height: int, minimum: MinimumSize) -> float:
    """Scale in (0, 1] at which both sides still reach the minimum."""
    short, long = min(width, height), max(width, height)
    return min(1.0, max(minimum.short_side / short, minimum.long_side / long))


def _reduce(picture: Image.Image, minimum: MinimumSize) -> Image.Image:
    scale = _smallest_scale(picture.width, picture.height, minimum)
    factor = int(1 / scale)
    if factor < 2 or picture.mode == "1":
        return picture
    reduced = picture.reduce(factor)
    reduced.info = picture.info
    return reduced


def _orientation(picture: Image.Image) -> int:
    try:
        value: Any = picture.getexif().get(_ORIENTATION, 1)
    except CODEC_ERRORS:
        # Broken EXIF does not make the pixels unusable; such a photo is taken as upright.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
