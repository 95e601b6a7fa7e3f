"""A ZIP generated in chunks: any size in constant memory, the same bytes for the same input."""

import datetime
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

_CHUNK_BYTES = 1 << 20
# The earliest date a ZIP can hold; for members without a date.
_DEFAULT_DATE = (1980, 1, 1, 0, 0, 0)
_LAST_YEAR = 2107
_READABLE = 0o644 << 16


class _OutputBuffer:
    """A write-only file whose bytes `drain` removes."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: `drain` returns everything written."""

    def drain(self) -> Iterator[bytes]:
        chunks, self._chunks = self._chunks, []
        yield from chunks


class ZipStream:
    """A ZIP being written, without compression; every method yields the next bytes of it."""

    def __init__(self) -> None:
        """Start an empty ZIP."""
        self._out = _OutputBuffer()
        # ZipFile calls only `write` and `flush` of its file.
        out = cast(BinaryIO, self._out)
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)

    def add_file(self, path: Path, name: str, date: str = "") -> Iterator[bytes]:
        """Add a file; raises OSError before the first chunk when it cannot be opened.

        date: the modification time in the ZIP, ISO 8601. The file's own time would make two ZIPs
        of the same photos differ.
        """
        with path.open("rb") as file:
            size = path.stat().st_size
            chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
            yield from self.add_member(chunks, name, date, size)

    def add_member(
        self, data: Iterable[bytes], name: str, date: str = "", size: int = 0
    ) -> Iterator[bytes]:
        """Add a member; size: its approximate bytes, needed when it may reach 2 GB."""
        info = zipfile.ZipInfo(name, _zip_date(date))
        info.compress_type, info.external_attr, info.file_size = (
            zipfile.ZIP_STORED,
            _READABLE,
            size,
        )
        info.create_system = 3  # the same on every system
        with self._zip.open(info, "w") as member:
            for chunk in data:
                member.write(chunk)
                yield from self._out.drain()
        yield from self._out.drain()

    def finish(self) -> Iterator[bytes]:
        """Write the central directory and close the ZIP."""
        self._zip.close()
        yield from self._out.drain()


def _zip_date(text: str) -> tuple[int, int, int, int, int, int]:
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        return _DEFAULT_DATE
    if not _DEFAULT_DATE[0] <= at.year <= _LAST_YEAR:
        return _DEFAULT_DATE
    return (at.year, at.month, at.day, at.hour, at.minute, at.second)
