"""Photos in a TAR, also one packed with gzip: read from its start to its end, never backwards.

A packed TAR has no list and cannot be entered in the middle. It is read once for the list and what
is stored beside photos, and once for the photos, in the order of its members.
"""

import datetime
import gzip
import io
import tarfile
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from scene_model.errors import ArchiveError
from scene_model.ingest.archives.members import (
    MAX_MEMBERS,
    Member,
    ReadSmall,
    copy_content,
    require_growth,
    shown_path,
)

_FAULTS = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError)
_GZIP = b"\x1f\x8b"
_AT_ONCE = 1 << 20


class TarSource:
    """A TAR that several threads read in the order of its members; another order begins anew."""

    def __init__(self, path: Path) -> None:
        """Open it; raises ArchiveError."""
        self.path = path
        self._lock = threading.Lock()
        self._stream: _Stream | None = None
        self._passed: dict[int, Path] = {}
        self._targets: dict[int, Path] = {}
        _Stream(path).close()

    def expect(self, targets: dict[int, Path]) -> None:
        """Tell which members will be asked for, and where each is to be written.

        One that comes before the member another thread asks for is written when it comes.
        """
        self._targets = dict(targets)

    def listing(self, is_read: ReadSmall, limit: int) -> Iterator[tuple[Member, bytes | None]]:
        """Yield the files with the content of those picked; links and devices are left out."""
        stream = _Stream(self.path)
        try:
            for number, info in stream:
                if not info.isfile():
                    continue
                member = Member(shown_path(info.name), number, info.size, _time_of(info))
                data = stream.read(info) if info.size <= limit and is_read(member) else None
                yield member, data
        except _FAULTS as error:
            raise _damaged(self.path, error) from error
        finally:
            stream.close()

    def copy(self, number: int, target: Path) -> None:
        """Write the content of a member to a file; raises ArchiveError, or OSError of the file."""
        with self._lock:
            passed = self._passed.pop(number, None)
            if passed is not None:
                if passed != target:
                    passed.replace(target)
                return
            if self._stream is None or self._stream.number >= number:
                self._reopen()
            self._advance(number, target)
            self._targets.pop(number, None)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
                self._stream = None

    def _reopen(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = _Stream(self.path)

    def _advance(self, number: int, target: Path) -> None:
        stream = self._stream
        assert stream is not None  # noqa: S101 - `copy` has opened it
        try:
            for reached, info in stream:
                if reached == number:
                    copy_content(stream.content(info), target, info.size)
                    return
                ahead = self._targets.pop(reached, None)
                if ahead is not None and info.isfile():
                    copy_content(stream.content(info), ahead, info.size)
                    self._passed[reached] = ahead
        except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
            raise _damaged(self.path, error) from error
        raise ArchiveError(
            f"{self.path.name} has changed since it was listed. Add it again.",
            code="archive_changed",
        )


class _Stream:
    """One pass over a TAR. number: of the member reached last, -1 before the first."""

    def __init__(self, path: Path) -> None:
        self._path, self.number = path, -1
        try:
            self._raw = path.open("rb")
        except OSError as error:
            raise _damaged(path, error) from error
        try:
            is_packed = self._raw.read(2) == _GZIP
            self._raw.seek(0)
            content = gzip.GzipFile(fileobj=self._raw) if is_packed else self._raw
            self._counted = _Counted(content, self._raw, path)
            self._tar = tarfile.open(  # noqa: SIM115 - a stream of its own, closed by `close`
                fileobj=cast(IO[bytes], self._counted), mode="r|", bufsize=_AT_ONCE
            )
        except _FAULTS as error:
            self.close()
            raise _damaged(path, error) from error

    def __iter__(self) -> Iterator[tuple[int, tarfile.TarInfo]]:
        for info in iter(self._tar.next, None):
            self.number += 1
            # `tarfile` keeps all members in memory, for an access that a stream does not have.
            self._tar.members = []  # type: ignore[attr-defined]
            if self.number > MAX_MEMBERS:
                raise ArchiveError(
                    f"{self._path.name} has more than {MAX_MEMBERS:,} files, the limit. Make "
                    "several archives of it.",
                    code="archive_too_long",
                )
            yield self.number, info

    def content(self, info: tarfile.TarInfo) -> IO[bytes]:
        content = self._tar.extractfile(info)
        if content is None:
            raise tarfile.ReadError("it is no file")
        return content

    def read(self, info: tarfile.TarInfo) -> bytes:
        return self.content(info).read(info.size)

    def close(self) -> None:
        self._raw.close()


class _Counted:
    """Counts what is unpacked, so that a small archive cannot unpack without end.

    An archive that ends too early is read up to its end.
    """

    def __init__(self, content: io.BufferedReader | gzip.GzipFile, raw: IO[bytes], path: Path):
        self._content, self._raw, self._path = content, raw, path
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        parts: list[bytes] = []
        missing = size
        while missing > 0:
            try:
                data = self._content.read1(missing)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                if not parts:
                    raise
                break
            except OSError as error:
                # Not of the file that is written, which would be the fault of the library's disk.
                raise _damaged(self._path, error) from error
            if not data:
                break
            parts.append(data)
            missing -= len(data)
        self._unpacked += size - missing
        require_growth(self._path.name, self._raw.tell(), self._unpacked)
        return b"".join(parts)


def _time_of(info: tarfile.TarInfo) -> str | None:
    try:
        return datetime.datetime.fromtimestamp(int(info.mtime)).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _damaged(path: Path, error: Exception) -> ArchiveError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ArchiveError(
        f"{path.name} cannot be read as a TAR: {reason}. It is damaged, or has not arrived whole. "
        "Download it again.",
        code="archive_damaged",
    )
