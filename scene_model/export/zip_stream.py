"""A ZIP generated in chunks: any size in constant memory, the same bytes for the same input."""

import contextlib
import datetime
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

_CHUNK_BYTES = 1 << 20
# A ZIP holds dates of these years, without a time zone, to two seconds.
_EARLIEST = datetime.datetime(1980, 1, 1)
_LATEST = datetime.datetime(2107, 12, 31, 23, 59, 58)
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

    def add_file(self, path: Path, name: str, dates: Sequence[str] = ()) -> Iterator[bytes]:
        """Add a file; raises OSError before the first chunk when it cannot be opened.

        dates: as in `add_member`. The file's own time would make two ZIPs of the same photos
        differ.
        """
        with path.open("rb") as file:
            size = path.stat().st_size
            chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
            yield from self.add_member(chunks, name, dates, size)

    def add_member(
        self, data: Iterable[bytes], name: str, dates: Sequence[str] = (), size: int = 0
    ) -> Iterator[bytes]:
        """Add a member.

        dates: times in ISO 8601; the first that can be read becomes the modification time in the
        ZIP, as local time. size: the approximate bytes, needed when they may reach 2 GB.
        """
        info = zipfile.ZipInfo(name, _zip_date(dates))
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


def _zip_date(dates: Iterable[str]) -> tuple[int, int, int, int, int, int]:
    """Return the local time of the first readable date, in the range of a ZIP; else 1980."""
    at = _EARLIEST
    for text in dates:
        with contextlib.suppress(ValueError):
            # The time zone is dropped, not converted: the camera's clock counts.
            at = datetime.datetime.fromisoformat(text).replace(tzinfo=None)
            break
    at = min(max(at, _EARLIEST), _LATEST)
    return (at.year, at.month, at.day, at.hour, at.minute, at.second)
