"""The identifier that Apple's phones write into the picture and the film of one Live Photo.

The picture has it in the note of the maker in its EXIF, the film among the keys of its container
(QuickTime File Format, "Metadata item keys atom").
"""

import re
import struct
from collections.abc import Iterator
from typing import IO, Any

_APPLE_HEADER, _IFD_START = b"Apple iOS\0", 14
_CONTENT_ID, _ASCII = 0x0011, 2
_FILM_KEY = b"com.apple.quicktime.content.identifier"
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{8,64}")
_MAX_FIELDS, _MAX_BOXES = 512, 1_000
# A film's keys and their values are a few hundred bytes.
_MAX_META_BYTES = 1_000_000


def content_id_of(maker_note: Any) -> str | None:
    """Return the identifier in the note of the maker of a picture; None for other notes."""
    if not isinstance(maker_note, bytes) or not maker_note.startswith(_APPLE_HEADER):
        return None
    order = "<" if maker_note[12:14] == b"II" else ">"
    try:
        (count,) = struct.unpack_from(f"{order}H", maker_note, _IFD_START)
        for index in range(min(count, _MAX_FIELDS)):
            entry = _IFD_START + 2 + 12 * index
            tag, kind, length = struct.unpack_from(f"{order}HHI", maker_note, entry)
            if tag == _CONTENT_ID and kind == _ASCII:
                (start,) = struct.unpack_from(f"{order}I", maker_note, entry + 8)
                return _identifier(maker_note[start : start + length])
    except struct.error:
        return None
    return None


def content_id_of_film(film: IO[bytes]) -> str | None:
    """Return the identifier in an MP4 or QuickTime film; None without one, or for other files.

    film: open for reading, at any place; only the headers of its parts are read.
    """
    try:
        moov = _box(film, b"moov", 0, film.seek(0, 2))
        meta = None if moov is None else _box(film, b"meta", *moov)
        if meta is None or meta[1] - meta[0] > _MAX_META_BYTES:
            return None
        film.seek(meta[0])
        return _in_keys(film.read(meta[1] - meta[0]))
    except (OSError, struct.error):
        return None


def _box(film: IO[bytes], kind: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return where the content of the first box of a kind begins and ends."""
    for _ in range(_MAX_BOXES):
        if end - start < 8:
            return None
        film.seek(start)
        length, name = struct.unpack(">I4s", film.read(8))
        head = 8
        if length == 1:
            (length,) = struct.unpack(">Q", film.read(8))
            head = 16
        if length == 0:  # to the end of the file
            length = end - start
        if length < head or start + length > end:
            return None
        if name == kind:
            return start + head, start + length
        start += length
    return None


def _in_keys(meta: bytes) -> str | None:
    """Return the identifier of a "meta" box: its keys are a list, its values refer to them."""
    if meta[4:8] != b"hdlr":  # that of MP4 begins with a version
        meta = meta[4:]
    boxes = dict(_boxes(meta))
    keys = [content for _, content in _boxes(boxes.get(b"keys", b"")[8:])]
    if _FILM_KEY not in keys:
        return None
    number = struct.pack(">I", keys.index(_FILM_KEY) + 1)
    value = dict(_boxes(boxes.get(b"ilst", b""))).get(number, b"")
    # A value is a box "data": its type and its language before it.
    return _identifier(dict(_boxes(value)).get(b"data", b"")[8:])


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    for _ in range(_MAX_BOXES):
        if position + 8 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        if length < 8:
            return
        yield name, data[position + 8 : position + length]
        position += length


def _identifier(raw: bytes) -> str | None:
    text = raw.split(b"\0")[0].decode("latin-1").strip()
    return text if _IDENTIFIER.fullmatch(text) else None
