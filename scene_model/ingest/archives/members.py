"""The files in an archive or folder, as they are listed before anything is read.

Nothing is ever unpacked by its name: a member is read by its number, and its name is only shown.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from scene_model.errors import ArchiveError

_TAR_NAME = re.compile(r"\.(tar|tgz|tar\.gz)", re.IGNORECASE)
ARCHIVE_SUFFIXES = (".zip", ".tgz", ".tar.gz", ".tar")
# Those that are not read are named, in a folder as in an archive.
OTHER_ARCHIVES = (".rar", ".7z", ".bz2", ".xz", ".gz", ".tbz2", ".txz", ".zst")
MAX_MEMBERS = 2_000_000
# Photos hardly shrink. An archive that grows more than so many times when it is read is a trap.
_MAX_GROWTH, _GROWTH_FROM = 200, 300_000_000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Member:
    """A file in an archive or folder.

    path: with slashes, NFC, only ever shown and compared. number: by which it is read. file_bytes:
    of its content. modified_at: local time, ISO 8601; None where not known. is_encrypted: it cannot
    be read. file: of a file in a folder, its path on this computer.
    """

    path: str
    number: int
    file_bytes: int
    modified_at: str | None = None
    is_encrypted: bool = False
    file: str | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path without the name; empty at the top."""
        return self.path.rpartition("/")[0]


ReadSmall = Callable[[Member], bool]
"""Tells which members are to be read while an archive is listed."""


class Source(Protocol):
    """An archive or folder that is open for reading; thread-safe."""

    path: Path

    def listing(self, is_read: ReadSmall, limit: int) -> Iterator[tuple[Member, bytes | None]]:
        """Yield the members, with the content of those that ``is_read`` picks, up to a limit.

        Raises ArchiveError.
        """

    def copy(self, number: int, target: Path) -> None:
        """Write the content of a member to a file; raises ArchiveError, or OSError of the file."""

    def close(self) -> None:
        """Close the files of the source."""


def is_archive_name(name: str) -> bool:
    """Whether a file is read as an archive, by its name."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def is_tar_name(name: str) -> bool:
    """Whether an archive is a TAR, by its name."""
    return _TAR_NAME.search(name[-8:]) is not None


def shown_path(raw: str) -> str:
    """Return a member's path for showing and comparing: slashes, NFC, no leading or empty parts."""
    text = unicodedata.normalize("NFC", raw.replace("\\", "/"))
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return str(PurePosixPath("/".join(p for p in clean.split("/") if p not in ("", ".", ".."))))


def require_growth(name: str, packed_bytes: int, unpacked_bytes: int) -> None:
    """Raise ArchiveError when an archive grows more than photos can."""
    if unpacked_bytes > _GROWTH_FROM and unpacked_bytes > _MAX_GROWTH * packed_bytes:
        raise ArchiveError(
            f"{name} would grow from {packed_bytes:,} to more than {unpacked_bytes:,} bytes, over "
            f"{_MAX_GROWTH} times its size, the limit. It is damaged, or made to fill the disk.",
            code="archive_grows",
        )


def copy_content(content: IO[bytes], target: Path, file_bytes: int) -> None:
    """Write a member to a new file, at most as many bytes as were listed."""
    with target.open("wb") as file:
        remaining = file_bytes
        while remaining > 0:
            try:
                data = content.read(min(_CHUNK, remaining))
            except OSError as error:
                # Not of the file that is written, which would be the fault of the library's disk.
                reason = error.strerror or str(error)
                raise ArchiveError(f"The archive cannot be read: {reason}.") from error
            if not data:
                break
            file.write(data)
            remaining -= len(data)
    if remaining:
        raise ArchiveError(
            f"The archive ends {remaining:,} bytes before this file does. Download it again.",
            code="archive_damaged",
        )
