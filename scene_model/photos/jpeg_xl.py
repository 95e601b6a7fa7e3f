"""JPEG XL (ISO/IEC 18181): the header is read here, since its decoder decodes at once."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from scene_model.errors import DamagedPhoto, TruncatedPhoto
from scene_model.photos.faults import CODEC_ERRORS, codec_fault
from scene_model.photos.sniff import JPEG_XL
from scene_model.photos.structure import check_structure
from scene_model.photos.wrapped import Size, WrappedPicture

CODESTREAM, CONTAINER = b"\xff\x0a", b"\x00\x00\x00\x0cJXL "
_TIFF_HEADERS = (b"II*\x00", b"MM\x00*")
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
# Memory in bytes per pixel, measured by `python -m benchmarks.decoding_memory`.
_BYTES, _FULL_SIZE_BYTES, _BYTES_PER_EXTRA_CHANNEL = 14.0, 18.0, 5.0
_MAX_BOXES = 1_000
# The header of a codestream, with room for every field before the extra channels.
_HEADER_BYTES = 64


@dataclass(frozen=True)
class JxlPicture(WrappedPicture):
    """A JPEG XL. extra_channels: beside the colours, such as transparency."""

    extra_channels: int

    def unpacked(self, least_size: Size | None) -> Image.Image:
        """Decode the picture; what was a JPEG is returned as that JPEG, not decoded yet."""
        from pillow_jxl import Decoder

        try:
            is_jpeg, info, pixels, profile, _ = Decoder(num_threads=0)(self.data)
        except (RuntimeError, ValueError, TypeError, MemoryError) as error:
            raise codec_fault(error, JPEG_XL) from error
        if is_jpeg:
            return self._jpeg(bytes(pixels))
        mode = "F" if info.mode == "F;16" else info.mode
        picture = Image.frombytes(mode, (info.width, info.height), pixels)
        if profile:
            picture.info["icc_profile"] = bytes(profile)
        return picture

    def _jpeg(self, data: bytes) -> Image.Image:
        try:
            check_structure(data, "JPEG")
            picture = Image.open(io.BytesIO(data), formats=("JPEG",))
        except CODEC_ERRORS as error:
            raise _damaged() from error
        # Limits were checked on the header of the JPEG XL.
        if sorted(picture.size) != sorted((self.width, self.height)):
            raise _damaged()
        return picture

    def unpacking_bytes(self, least_size: Size | None) -> int:
        """Estimate the memory of decoding; the decoder has no reduced scale."""
        per_pixel = _FULL_SIZE_BYTES if least_size is None else _BYTES
        per_pixel += _BYTES_PER_EXTRA_CHANNEL * self.extra_channels
        return int(self.width * self.height * per_pixel)

    def exifs(self) -> Iterator[Image.Exif]:
        """Yield the EXIF of a container."""
        for name, content in _boxes(self.data):
            if name == b"Exif":
                # Some writers leave out the number of bytes before the TIFF.
                is_bare = content[:4] in _TIFF_HEADERS
                exif = Image.Exif()
                exif.load(content[0 if is_bare else 4 + int.from_bytes(content[:4], "big") :])
                yield exif

    def xmp(self) -> bytes | None:
        """Return the XMP packet of a container."""
        return next((content for name, content in _boxes(self.data) if name == b"xml "), None)


def open_jxl(data: bytes) -> JxlPicture:
    """Read the header of a JPEG XL; raises TruncatedPhoto or DamagedPhoto."""
    codestream = _codestream(data)
    if codestream[:2] != CODESTREAM:
        raise _damaged()
    bits = _Bits(codestream[2 : 2 + _HEADER_BYTES])
    try:
        width, height = _size(bits)
        orientation, extra_channels = _metadata(bits)
    except EOFError as error:
        raise TruncatedPhoto(
            "The JPEG XL is cut short: it ends within its header. Copy it again from where it came."
        ) from error
    if orientation >= 5:
        width, height = height, width
    return JxlPicture(data, "JXL", width, height, extra_channels)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes of a container; what is no container has none."""
    if not data.startswith(CONTAINER):
        return
    position = 0
    for _ in range(_MAX_BOXES):
        if position + 8 > len(data):
            return
        size, name = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if size == 1 and start + 8 <= len(data):
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = len(data) if size == 0 else position + size
        if end < start:
            return
        yield name, data[start:end]
        position = end


def _codestream(data: bytes) -> bytes:
    """Return the codestream, or as much of it as holds the header."""
    if data.startswith(CODESTREAM):
        return data
    start = b""
    for name, content in _boxes(data):
        if name == b"jxlc":
            return content
        if name == b"jxlp":
            start += content[4 : 4 + _HEADER_BYTES]
            if len(start) >= _HEADER_BYTES:
                break
    return start


class _Bits:
    """Numbers of the header, least significant bit first; raises EOFError at the end."""

    def __init__(self, data: bytes) -> None:
        self._bits, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def read(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return value

    def choose(self, *choices: tuple[int, int]) -> int:
        """Read two bits that choose an offset, and the number of bits to add to it."""
        offset, count = choices[self.read(2)]
        return offset + self.read(count)


def _size(bits: _Bits) -> Size:
    is_small = bits.read(1)

    def side() -> int:
        if is_small:
            return 8 * (1 + bits.read(5))
        return bits.choose(*((1, count) for count in _SIDE_BITS))

    height = side()
    ratio = bits.read(3)
    if ratio == 0:
        return side(), height
    numerator, denominator = _RATIOS[ratio]
    return height * numerator // denominator, height


def _metadata(bits: _Bits) -> tuple[int, int]:
    """Return orientation and number of extra channels."""
    orientation = 1
    if bits.read(1):
        return orientation, 0
    if bits.read(1):
        orientation = 1 + bits.read(3)
        if bits.read(1):
            _size(bits)  # as it is meant to be shown
        if bits.read(1):
            _skip_preview(bits)
        if bits.read(1):
            _skip_animation(bits)
    if bits.read(1):  # samples are floating point numbers
        bits.choose((32, 0), (16, 0), (24, 0), (1, 6))
        bits.read(4)
    else:
        bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
    bits.read(1)
    return orientation, bits.choose((0, 0), (1, 0), (2, 4), (1, 12))


def _skip_preview(bits: _Bits) -> None:
    choices = (
        ((16, 0), (32, 0), (1, 5), (33, 9))
        if bits.read(1)
        else ((1, 6), (65, 8), (321, 10), (1345, 12))
    )
    bits.choose(*choices)
    if bits.read(3) == 0:
        bits.choose(*choices)


def _skip_animation(bits: _Bits) -> None:
    bits.choose((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.choose((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.choose((0, 0), (0, 3), (0, 16), (0, 32))
    bits.read(1)


def _damaged() -> DamagedPhoto:
    return DamagedPhoto(
        "The JPEG XL picture is damaged and cannot be decoded. Copy it again from where it came."
    )
