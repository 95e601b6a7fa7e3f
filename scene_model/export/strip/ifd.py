"""Image file directories, as in TIFF and EXIF."""

from collections.abc import Sequence
from dataclasses import dataclass

from scene_model.export.strip.parts import NotRebuildable, Piece, number, part, require

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL = 1, 2, 3, 4, 5, 7, 10
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
NUMBERS = (BYTE, SHORT, LONG)
_MAX_ENTRIES, _ENTRY_BYTES = 500, 12


@dataclass(frozen=True)
class Field:
    """One entry of a directory; content: all its values, in the file's byte order.

    The content of one that was read is a view of the file: it may be large.
    """

    tag: int
    type: int
    content: Piece

    @property
    def count(self) -> int:
        """How many values it has."""
        return len(self.content) // TYPE_BYTES[self.type]

    def numbers(self, little: bool) -> list[int]:
        """Its values, of bytes, shorts or longs."""
        require(self.type in NUMBERS, "numbers of another type")
        size = TYPE_BYTES[self.type]
        return [number(self.content, i, size, little) for i in range(0, len(self.content), size)]


def is_little(data: Piece) -> bool:
    """Whether TIFF data have the lowest byte first; raises NotRebuildable for other data."""
    mark = bytes(data[:4])
    require(mark in (b"II*\0", b"MM\0*"), "no TIFF")
    return mark[:1] == b"I"


def read(data: Piece, start: int, little: bool) -> dict[int, Field]:
    """Return the entries of a directory by tag; those that are cut off are left out."""
    fields: dict[int, Field] = {}
    data = memoryview(data)
    count = number(data, start, 2, little)
    require(count <= _MAX_ENTRIES, "too many entries")
    for index in range(count):
        entry = part(data, start + 2 + index * _ENTRY_BYTES, _ENTRY_BYTES)
        tag, kind = number(entry, 0, 2, little), number(entry, 2, 2, little)
        size = TYPE_BYTES.get(kind, 0) * number(entry, 4, 4, little)
        try:
            content = (
                part(data, number(entry, 8, 4, little), size) if size > 4 else entry[8:][:size]
            )
        except NotRebuildable:
            continue
        if size:
            fields.setdefault(tag, Field(tag, kind, content))
    return fields


def next_directory(data: Piece, start: int, little: bool) -> int:
    """Return where the directory after one begins; 0 after the last."""
    count = number(data, start, 2, little)
    return number(data, start + 2 + count * _ENTRY_BYTES, 4, little)


def size_of(fields: Sequence[Field]) -> int:
    """Return the bytes of a directory with its values."""
    values = sum(len(f.content) + len(f.content) % 2 for f in fields if len(f.content) > 4)
    return 6 + _ENTRY_BYTES * len(fields) + values


def write(fields: Sequence[Field], start: int, little: bool, next_start: int = 0) -> bytes:
    """Return a directory with its values, for a place in the file."""

    def written(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little" if little else "big")

    entries, values = [written(len(fields), 2)], bytearray()
    offset = start + 6 + _ENTRY_BYTES * len(fields)
    for field in sorted(fields, key=lambda field: field.tag):
        content = bytes(field.content)
        if len(content) > 4:
            place = written(offset + len(values), 4)
            values += content + bytes(len(content) % 2)
        else:
            place = content.ljust(4, b"\0")
        entries += [written(field.tag, 2), written(field.type, 2), written(field.count, 4), place]
    return b"".join([*entries, written(next_start, 4), values])


def long(tag: int, value: int, little: bool) -> Field:
    """Make a field of one number."""
    return Field(tag, LONG, value.to_bytes(4, "little" if little else "big"))
