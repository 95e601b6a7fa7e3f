"""Parts of a file, read with checked bounds."""

from typing import TypeVar

# More parts than any camera or editor writes; taking more apart would take seconds.
MAX_PARTS = 100_000

Piece = bytes | memoryview
_Bytes = TypeVar("_Bytes", bytes, memoryview)


class NotRebuildable(ValueError):
    """A file whose structure is broken, or of a kind that cannot be checked."""


def part(data: _Bytes, start: int, size: int) -> _Bytes:
    """Return a part of some bytes; raises NotRebuildable where it is not all there."""
    _require_part(data, start, size)
    return data[start : start + size]


def number(data: Piece, start: int, size: int, little: bool = False) -> int:
    """Read an unsigned number; raises NotRebuildable."""
    _require_part(data, start, size)
    return int.from_bytes(data[start : start + size], "little" if little else "big")


def _require_part(data: Piece, start: int, size: int) -> None:
    require(start >= 0 and size >= 0 and start + size <= len(data), "a part is cut off")


def require(is_as_expected: bool, what: str) -> None:
    """Raise NotRebuildable unless a file is as expected."""
    if not is_as_expected:
        raise NotRebuildable(what)
