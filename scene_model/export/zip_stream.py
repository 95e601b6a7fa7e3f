"""A ZIP made piece by piece: any size in constant memory, the same bytes for the same input."""

import datetime
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

_CHUNK_BYTES = 1 << 20
# The first day a ZIP can tell; for members that have no day of their own.
_NO_DAY = (1980, 1, 1, 0, 0, 0)
_LAST_YEAR = 2107
_READABLE = 0o644 << 16


class _Pieces:
    """A file that can only be written to, and whose bytes are taken away now and then."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        yield from pieces


class ZipPieces:
    """A ZIP on its way; every method yields bytes that come next. Nothing is packed smaller."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._out = _Pieces()
        # It asks for no more than `write` and `flush` of what it is given.
        out = cast(BinaryIO, self._out)
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)

    def file(self, path: Path, name: str, day: str = "") -> Iterator[bytes]:
        """Add a file; raises OSError before anything is yielded where it cannot be opened.

        day: ISO 8601, what the ZIP says it was changed; the disk's own word would make two ZIPs
        of the same photos differ.
        """
        with path.open("rb") as reading:
            size = path.stat().st_size
            yield from self.pieces(iter(lambda: reading.read(_CHUNK_BYTES), b""), name, day, size)

    def pieces(
        self, data: Iterable[bytes], name: str, day: str = "", size: int = 0
    ) -> Iterator[bytes]:
        """Add a member; size: about how many bytes, where it may be two gigabytes or more."""
        info = zipfile.ZipInfo(name, _zip_day(day))
        info.compress_type, info.external_attr, info.file_size = (
            zipfile.ZIP_STORED,
            _READABLE,
            size,
        )
        info.create_system = 3  # the same on every system
        with self._zip.open(info, "w") as member:
            for piece in data:
                member.write(piece)
                yield from self._out.taken()
        yield from self._out.taken()

    def end(self) -> Iterator[bytes]:
        """Close it: the list of its members."""
        self._zip.close()
        yield from self._out.taken()


def _zip_day(day: str) -> tuple[int, int, int, int, int, int]:
    try:
        at = datetime.datetime.fromisoformat(day)
    except ValueError:
        return _NO_DAY
    if not _NO_DAY[0] <= at.year <= _LAST_YEAR:
        return _NO_DAY
    return (at.year, at.month, at.day, at.hour, at.minute, at.second)
