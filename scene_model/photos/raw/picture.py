"""Camera RAW files through LibRaw: the embedded preview where it is large enough, else the sensor.

LibRaw is loaded with the first RAW file, and only where photos are decoded: in the decoders.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from scene_model.errors import DamagedPhoto, PhotoError, TooManyPixels, UnsupportedPicture
from scene_model.photos.colours import Pixels
from scene_model.photos.structure import check_structure
from scene_model.photos.wrapped import Size, WrappedPicture

if TYPE_CHECKING:
    import rawpy

# LibRaw's turn of a picture as the orientation of EXIF.
_ORIENTATIONS = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}
_ORIENTATION, _XMP, _EXIF_IFD, _GPS_IFD = 0x0112, 0x02BC, 0x8769, 0x8825
_DATE_TIME, _EPOCH = 0x0132, ("1970:01:01", "1969:12:31")
# Makers cut their pictures by some pixels more or less than LibRaw.
_WHOLE = 0.9
# Memory in bytes per pixel of the sensor, measured by `python -m benchmarks.decoding_memory`. A DNG
# with three values for each pixel takes 15 at any size, which the decoders' reserve covers.
_HALF_SIZE_BYTES, _FULL_SIZE_BYTES = 9.0, 26.0
# More would exceed the usual limit of memory.
_MOST_FULL_SIZE_PIXELS = 24_600_000
# Where a header is not TIFF's, or a part of the file is read: fields lie at its beginning.
_HEADER_BYTES = 4_000_000


@dataclass(frozen=True)
class RawPicture(WrappedPicture):
    """A RAW file.

    preview: the largest picture embedded in it; its pixels are not decoded yet. orientation: of the
    sensor's picture, as EXIF counts. crop: left, top, width and height of what the camera shows of
    it; None for all. sensor_width: of the whole picture of the sensor, not turned.
    """

    preview: Image.Image | None
    orientation: int
    crop: tuple[int, int, int, int] | None
    sensor_width: int
    raw: "rawpy.RawPy"

    def embedded(self, least_size: Size | None) -> Image.Image | None:
        """Return the preview where it has the least size."""
        if self.preview is None:
            return None
        least = max(least_size) if least_size else _WHOLE * max(self.width, self.height)
        return self.preview if max(self.preview.size) >= least else None

    def unpacked(self, least_size: Size | None) -> Image.Image:
        """Return the preview where it has the least size, else the sensor's picture."""
        import rawpy

        embedded = self.embedded(least_size)
        if embedded is not None:
            return embedded
        try:
            pixels = self.raw.postprocess(
                half_size=self._half_suffices(least_size), use_camera_wb=True, user_flip=0
            )
        except (rawpy.LibRawError, MemoryError) as error:
            # Some cameras compress the sensor's data in a way that LibRaw does not know.
            if self.preview is not None:
                return self.preview
            raise _photo_error(error, self.format) from error
        if pixels.shape[2] == 1:  # a sensor without colours
            pixels = pixels[..., 0]
        picture = Image.fromarray(self._cropped(pixels))
        picture.getexif()[_ORIENTATION] = self.orientation
        return picture

    def unpacking_bytes(self, least_size: Size | None) -> int:
        """Estimate the memory of the sensor's picture."""
        sizes = self.raw.sizes
        per_pixel = _HALF_SIZE_BYTES if self._half_suffices(least_size) else _FULL_SIZE_BYTES
        return int(sizes.raw_width * sizes.raw_height * per_pixel)

    def exifs(self) -> Iterator[Image.Exif]:
        """Yield the EXIF of the file itself, then that of its preview."""
        if self._own_exif is not None:
            yield self._own_exif
        if self.preview is not None:
            exif = self.preview.getexif()
            # LibRaw adds EXIF to a preview without it; a time that it does not know is the epoch.
            if str(exif.get(_DATE_TIME)).startswith(_EPOCH):
                del exif[_DATE_TIME]
            yield exif

    def xmp(self) -> bytes | None:
        """Return the XMP packet of a TIFF's first directory."""
        packet = None if self._own_exif is None else self._own_exif.get(_XMP)
        return packet if isinstance(packet, bytes) else None

    @cached_property
    def _own_exif(self) -> Image.Exif | None:
        try:
            return _exif_of(self.data, self.format)
        except Exception:  # hostile EXIF makes the parser raise any exception
            return None

    def _cropped(self, pixels: Pixels) -> Pixels:
        if self.crop is None:
            return pixels
        step = 2 if pixels.shape[1] < self.sensor_width else 1
        left, top, width, height = (number // step for number in self.crop)
        return pixels[top : top + height, left : left + width]

    def _half_suffices(self, least_size: Size | None) -> bool:
        if least_size is None:
            return self.width * self.height > _MOST_FULL_SIZE_PIXELS
        return 2 * max(least_size) <= max(self.width, self.height)


def open_raw(data: bytes, kind: str) -> RawPicture:
    """Read the header of a RAW file and take out its preview.

    kind: the format, of `raw_kind`. Raises UnsupportedPicture or DamagedPhoto.
    """
    import rawpy

    try:
        raw = _opened(data)
        sizes = raw.sizes
        preview = _preview(raw)
        if preview is None:
            raw = _opened(data)  # LibRaw closes a file of which it could not read a part
    except rawpy.LibRawError as error:
        raise _photo_error(error, kind) from error
    orientation = _ORIENTATIONS.get(sizes.flip, 1)
    crop = _crop(sizes)
    width, height = (sizes.iwidth, sizes.iheight) if crop is None else crop[2:]
    if preview is not None:
        is_upright = orientation >= 5 and (preview.width < preview.height) != (width < height)
        preview.getexif()[_ORIENTATION] = 1 if is_upright else orientation
    if orientation >= 5:
        width, height = height, width
    return RawPicture(data, kind, width, height, preview, orientation, crop, sizes.iwidth, raw)


def _opened(data: bytes) -> "rawpy.RawPy":
    import rawpy

    raw = rawpy.RawPy()
    raw.open_buffer(io.BytesIO(data))
    return raw


def _crop(sizes: "rawpy.ImageSizes") -> tuple[int, int, int, int] | None:
    left = sizes.crop_left_margin - sizes.left_margin
    top = sizes.crop_top_margin - sizes.top_margin
    width, height = sizes.crop_width, sizes.crop_height
    is_square = sizes.pixel_aspect == 1.0 and sizes.iwidth == sizes.width
    is_inside = 0 <= left <= sizes.width - width and 0 <= top <= sizes.height - height
    return (left, top, width, height) if is_square and is_inside and width and height else None


def _preview(raw: "rawpy.RawPy") -> Image.Image | None:
    try:
        thumbnail = raw.extract_thumb()
        if not isinstance(thumbnail.data, bytes):
            return Image.fromarray(np.array(thumbnail.data))
        check_structure(thumbnail.data, "JPEG")
        preview = Image.open(io.BytesIO(thumbnail.data), formats=("JPEG",))
        preview.getexif()
    except Exception:  # LibRaw's errors, and any that hostile EXIF makes the parser raise
        return None
    return preview


def _exif_of(data: bytes, kind: str) -> Image.Exif | None:
    """Read the EXIF of the file, not of its preview; None where it has none."""
    exif = Image.Exif()
    if kind == "CR3":
        exif.load(_cr3_box(data, b"CMT1"))
        for tag, box in ((_EXIF_IFD, b"CMT2"), (_GPS_IFD, b"CMT4")):
            directory = Image.Exif()
            directory.load(_cr3_box(data, box))
            exif.get_ifd(tag).update(directory)
    elif kind == "MRW":
        exif.load(data[data.find(b"\0TTW", 0, _HEADER_BYTES) + 8 :][:_HEADER_BYTES])
    elif kind in ("ORF", "RW2"):
        # Their headers are TIFF's but for the number.
        number = b"*\0" if data[:2] == b"II" else b"\0*"
        exif.load(data[:2] + number + data[4:_HEADER_BYTES])
    elif kind in ("RAF", "X3F", "CRW"):
        return None
    else:
        exif.load(data)
    return exif


def _cr3_box(data: bytes, name: bytes) -> bytes:
    """Return the content of a box of Canon's CR3: a TIFF with one directory."""
    place = data.find(name, 0, _HEADER_BYTES)
    if place < 4:
        return b""
    (size,) = struct.unpack_from(">I", data, place - 4)
    return data[place + 4 : place - 4 + size]


def _photo_error(error: Exception, kind: str) -> PhotoError:
    import rawpy

    if isinstance(error, rawpy.LibRawFileUnsupportedError | rawpy.LibRawNotImplementedError):
        return UnsupportedPicture(
            f"The {kind} file is damaged, or of a camera that LibRaw "
            f"{'.'.join(map(str, rawpy.libraw_version))} does not read. "
            "Convert it to DNG or JPEG and send that."
        )
    if isinstance(
        error,
        MemoryError
        | rawpy.LibRawTooBigError
        | rawpy.LibRawUnsufficientMemoryError
        | rawpy.LibRawMemPoolOverflowError,
    ):
        return TooManyPixels(
            f"Decoding the {kind} file takes more memory than there is. Convert it to JPEG and "
            "send that.",
            code="too_much_memory",
        )
    return DamagedPhoto(
        f"The {kind} file is cut short or damaged and cannot be decoded. "
        "Copy it again from where it came."
    )
