"""The identifiers that Apple's phones write into the files of one Live Photo or of one burst.

Pictures have them in the note of the maker in their EXIF; the film of a Live Photo has its own
among the keys of its container (QuickTime File Format, "Metadata item keys atom").
"""

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_APPLE_HEADER, _IFD_START = b"Apple iOS\0", 14
_BURST_ID, _CONTENT_ID, _ASCII = 0x000B, 0x0011, 2
_FILM_TAG = "com.apple.quicktime.content.identifier"
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{8,64}")
_MAX_FIELDS = 512
# Larger than any picture of a phone, and than any note.
_SEARCHED_BYTES, _NOTE_BYTES = 32_000_000, 1 << 16


def content_id_of(maker_note: Any) -> str | None:
    """Return the identifier of the Live Photo in the note of the maker; None for other notes."""
    return _identifier_in(maker_note, _CONTENT_ID)


def burst_id_of(maker_note: Any) -> str | None:
    """Return the identifier of the burst in the note of the maker; None for other notes."""
    return _identifier_in(maker_note, _BURST_ID)


def _identifier_in(maker_note: Any, field: int) -> str | None:
    if not isinstance(maker_note, bytes) or not maker_note.startswith(_APPLE_HEADER):
        return None
    order = "<" if maker_note[12:14] == b"II" else ">"
    try:
        (count,) = struct.unpack_from(f"{order}H", maker_note, _IFD_START)
        for index in range(min(count, _MAX_FIELDS)):
            entry = _IFD_START + 2 + 12 * index
            tag, kind, length = struct.unpack_from(f"{order}HHI", maker_note, entry)
            if tag == field and kind == _ASCII:
                (start,) = struct.unpack_from(f"{order}I", maker_note, entry + 8)
                return _identifier(maker_note[start : start + length].decode("latin-1"))
    except struct.error:
        return None
    return None


def content_id_in_file(path: Path) -> str | None:
    """Return the identifier in the bytes of a picture that is not decoded; None without one.

    The note of the maker is found by what it begins with. Raises OSError.
    """
    with path.open("rb") as file:
        data = file.read(_SEARCHED_BYTES)
    start = data.find(_APPLE_HEADER)
    while start >= 0:
        identifier = content_id_of(data[start : start + _NOTE_BYTES])
        if identifier is not None:
            return identifier
        start = data.find(_APPLE_HEADER, start + 1)
    return None


def content_id_of_film(tags: Mapping[str, str]) -> str | None:
    """Return the identifier in a film; None without one.

    tags: those of its container, by their names in lower case.
    """
    return _identifier(tags.get(_FILM_TAG, ""))


def _identifier(text: str) -> str | None:
    text = text.split("\0")[0].strip()
    return text if _IDENTIFIER.fullmatch(text) else None
