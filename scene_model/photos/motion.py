"""Find the film in the file of a motion photo, which phones append to a JPEG or HEIC.

Google's phones say in XMP where it begins (developer.android.com, "Motion Photo format"), Samsung's
mark it by a name, and HEIC files have a box for it.
"""

import re
import struct
from typing import NamedTuple

_SAMSUNG_MARK = b"MotionPhoto_Data"
# Counted from the end of the file: the first version of the format, and the item of the second.
_OFFSET = re.compile(rb"MicroVideoOffset\s*(?:=\s*[\"']|>)\s*(\d{1,10})")
_ITEM = re.compile(rb"<[^<>]*Semantic\s*=\s*[\"']MotionPhoto[\"'][^<>]*>")
_LENGTH = re.compile(rb"Length\s*=\s*[\"'](\d{1,10})[\"']")
_HEIF_BOX = b"mpvd"
_MAX_BOXES = 10_000


class Film(NamedTuple):
    """Where a film is in a file: its first byte, and how many it has."""

    start: int
    bytes: int


def find_film(data: bytes, xmp: bytes | None) -> Film | None:
    """Return the film in the file of a motion photo; None for other photos.

    data: the whole file. xmp: its XMP packet.
    """
    for start in _starts(data, xmp or b""):
        length = _film_bytes(data, start)
        if length:
            return Film(start, length)
    return None


def _starts(data: bytes, xmp: bytes) -> list[int]:
    starts = []
    item = _ITEM.search(xmp)
    for match in (_LENGTH.search(item[0]) if item else None, _OFFSET.search(xmp)):
        if match is not None:
            starts.append(len(data) - int(match[1]))
    mark = data.rfind(_SAMSUNG_MARK)
    if mark >= 0:
        starts.append(mark + len(_SAMSUNG_MARK))
    if data[4:8] == b"ftyp":
        starts += [start + 8 for name, start, _ in _boxes(data, 0) if name == _HEIF_BOX]
    return [start for start in starts if 0 < start < len(data)]


def _film_bytes(data: bytes, start: int) -> int:
    """Return the length of the MP4 film that begins at a place; 0 where none does."""
    boxes = _boxes(data, start)
    names = [name for name, _, _ in boxes]
    if names[:1] != [b"ftyp"] or b"moov" not in names:
        return 0
    return boxes[-1][2] - start


def _boxes(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """Return name, begin and end of the boxes from a place on, up to what is no box."""
    boxes: list[tuple[bytes, int, int]] = []
    while len(boxes) < _MAX_BOXES and start + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, start)
        if length == 1 and start + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, start + 8)
        elif length == 0:  # to the end of the file
            length = len(data) - start
        if length < 8 or start + length > len(data) or not name.isalnum():
            break
        boxes.append((name, start, start + length))
        start += length
    return boxes
