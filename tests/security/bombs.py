"""Small files that are costly to decode."""

import io
import struct
import zlib
from collections.abc import Callable

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

Maker = Callable[[], bytes]


def webp_of_100_megapixels() -> bytes:
    """A lossless WebP of 34 bytes and 10,000 × 10,000 pixels."""
    picture = _saved(Image.new("RGB", (16, 16)), "WEBP", lossless=True)
    payload = bytearray(picture[20:])
    bits = int.from_bytes(payload[1:5], "little") & ~((1 << 28) - 1)
    payload[1:5] = (bits | 9_999 | 9_999 << 14).to_bytes(4, "little")
    return _riff(bytes(payload))


def png_of(width: int, height: int) -> bytes:
    """A one-bit black PNG of any shape."""
    row = b"\0" * (1 + (width + 7) // 8)
    packed = zlib.compressobj(9)
    at_once = max(1, 1_000_000 // len(row))
    data = b"".join(packed.compress(row * at_once) for _ in range(height // at_once))
    data += packed.compress(row * (height % at_once)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", data), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_with_empty_chunks(count: int) -> bytes:
    """A PNG with many empty text chunks before its pixels."""
    picture = _saved(Image.new("RGB", (8, 8)), "PNG")
    return picture[:33] + png_chunk(b"tEXt", b"") * count + picture[33:]


def jpeg_with_scans(count: int, side: int = 3_000) -> bytes:
    """A progressive JPEG that repeats an empty scan over the whole picture."""
    picture = _saved(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = picture.rindex(b"\xff\xda")
    return picture[:-2] + picture[last:-2] * count + b"\xff\xd9"


def jpeg_with_empty_segments(count: int) -> bytes:
    """A JPEG with many empty comments before its pixels."""
    picture = _saved(Image.new("RGB", (64, 64)), "JPEG")
    return picture[:2] + b"\xff\xfe\x00\x02" * count + picture[2:]


def gif_with_empty_comments(count: int) -> bytes:
    """A GIF with many empty comments before its picture."""
    picture = _saved(Image.new("P", (8, 8)), "GIF")
    start = picture.index(b"\x2c", 13 + 3)
    return picture[:start] + b"\x21\xfe\x00" * count + picture[start:]


def flat(kind: str, **options: object) -> bytes:
    """A picture of 100 megapixels in one colour."""
    return _saved(Image.new("L", (10_000, 10_000), 90), kind, **options)


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


# What each costs to make is far less than what it costs to decode.
BOMBS: dict[str, Maker] = {
    "webp_34_bytes": webp_of_100_megapixels,
    "png_1x100000000": lambda: png_of(1, 100_000_000),
    "png_100000000x1": lambda: png_of(100_000_000, 1),
    "jpeg_1500_scans": lambda: jpeg_with_scans(1_500),
    "jpeg_20000_scans": lambda: jpeg_with_scans(20_000),
    "jpeg_48mb_segments": lambda: jpeg_with_empty_segments(12_000_000),
    "png_48mb_segments": lambda: png_with_empty_chunks(4_000_000),
    "gif_48mb_segments": lambda: gif_with_empty_comments(16_000_000),
    "png_100mp": lambda: flat("PNG"),
    "gif_100mp": lambda: flat("GIF"),
    "tiff_100mp": lambda: flat("TIFF", compression="tiff_deflate"),
    "avif_100mp": lambda: flat("AVIF", speed=10),
    "heif_100mp": lambda: flat("HEIF"),
}


def _riff(payload: bytes) -> bytes:
    chunk = b"VP8L" + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
