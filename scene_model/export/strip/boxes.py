"""Boxes of ISO base media files (ISO/IEC 14496-12)."""

from collections.abc import Iterator

from scene_model.export.strip.parts import MAX_PARTS, NotRebuildable, number, part, require


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the kinds of boxes with their contents; raises NotRebuildable."""
    position = 0
    for _ in range(MAX_PARTS):
        if position >= len(data):
            return
        size, header = number(data, position, 4), 8
        if size == 1:
            size, header = number(data, position + 8, 8), 16
        elif size == 0:  # up to the end
            size = len(data) - position
        require(size >= header, "a box smaller than its header")
        box = part(data, position, size)
        yield bytes(box[4:8]), box[header:]
        position += size
    raise NotRebuildable("too many boxes")


def box(kind: bytes, *contents: bytes) -> bytes:
    """Write a box."""
    return (8 + sum(map(len, contents))).to_bytes(4, "big") + kind + b"".join(contents)


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """Write a box with a version and flags."""
    return box(kind, bytes((version,)) + flags.to_bytes(3, "big"), *contents)


class Reader:
    """Reads numbers one after the other; raises NotRebuildable at the end."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._position = data, 0

    def number(self, size: int) -> int:
        """Read an unsigned number of some bytes; 0 of none."""
        value = number(self._data, self._position, size)
        self._position += size
        return value

    def content(self, size: int) -> bytes:
        """Read some bytes."""
        content = bytes(part(self._data, self._position, size))
        self._position += size
        return content

    def text(self) -> bytes:
        """Read bytes up to a zero."""
        next_bytes = bytes(self._data[self._position : self._position + 1000])
        text = next_bytes.partition(b"\0")[0]
        self._position += len(text) + 1
        return text

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position >= len(self._data)
