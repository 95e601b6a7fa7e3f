"""JPEG XL as an opened picture: first its header, then the decoder of libjxl."""

import contextlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from scene_model.errors import DamagedPhoto, TruncatedPhoto
from scene_model.photos.faults import CODEC_ERRORS, codec_fault
from scene_model.photos.jpeg_xl.bits import Bits
from scene_model.photos.jpeg_xl.frames import first_frame
from scene_model.photos.jpeg_xl.header import read_header
from scene_model.photos.sniff import JPEG_XL
from scene_model.photos.structure import check_structure
from scene_model.photos.wrapped import Size, WrappedPicture

CODESTREAM, CONTAINER = b"\xff\x0a", b"\x00\x00\x00\x0cJXL "
_TIFF_HEADERS = (b"II*\x00", b"MM\x00*")
# Memory in bytes per pixel, measured by `python -m benchmarks.decoding_memory`.
_BYTES, _FULL_SIZE_BYTES, _BYTES_PER_EXTRA_CHANNEL = 14.0, 18.0, 5.0
_MAX_BOXES = 1_000
# Of a codestream in parts; more than any header has before its extra channels.
_HEADER_BYTES = 64


@dataclass(frozen=True)
class JxlPicture(WrappedPicture):
    """A JPEG XL. extra_channels: beside the colours, such as transparency."""

    extra_channels: int
    is_animated: bool

    def unpacked(self, least_size: Size | None) -> Image.Image:
        """Decode the picture, of an animation the first frame.

        What was a JPEG is returned as that JPEG, not decoded yet.
        """
        frame = first_frame(_codestream(self.data)) if self.is_animated else None
        if frame is not None:
            with contextlib.suppress(DamagedPhoto):
                return self._decoded(frame)
        return self._decoded(self.data)

    def _decoded(self, data: bytes) -> Image.Image:
        from pillow_jxl import Decoder

        try:
            is_jpeg, info, pixels, profile, _ = Decoder(num_threads=0)(data)
            if is_jpeg:
                return self._jpeg(bytes(pixels))
            mode = "F" if info.mode == "F;16" else info.mode
            picture = Image.frombytes(mode, (info.width, info.height), pixels)
        except CODEC_ERRORS as error:
            raise codec_fault(error, JPEG_XL) from error
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
    codestream = _codestream(data, _HEADER_BYTES)
    if codestream[:2] != CODESTREAM:
        raise _damaged()
    try:
        header = read_header(Bits(codestream, 8 * len(CODESTREAM)))
    except EOFError as error:
        raise TruncatedPhoto(
            "The JPEG XL is cut short: it ends within its header. Copy it again from where it came."
        ) from error
    width, height = header.width, header.height
    if header.orientation >= 5:
        width, height = height, width
    return JxlPicture(data, "JXL", width, height, header.extra_channels, header.is_animated)


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


def _codestream(data: bytes, part_bytes: int | None = None) -> bytes:
    """Return the codestream; part_bytes: of each part of one that is cut into parts."""
    if data.startswith(CODESTREAM):
        return data
    parts = []
    for name, content in _boxes(data):
        if name == b"jxlc":
            return content
        if name == b"jxlp":
            parts.append(content[4:][:part_bytes])
    return b"".join(parts)


def _damaged() -> DamagedPhoto:
    return DamagedPhoto(
        "The JPEG XL picture is damaged and cannot be decoded. Copy it again from where it came."
    )
