"""Photos in a ZIP, also of more than 4 GB: the list is at its end, and members are read singly."""

import datetime
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from scene_model.errors import ArchiveError
from scene_model.ingest.archives.members import (
    MAX_MEMBERS,
    Member,
    ReadSmall,
    copy_content,
    require_growth,
    shown_path,
)

_ENCRYPTED, _LINK, _FILE_TYPE = 0x1, 0o120000, 0o170000
# The end of the central directory, with its sizes as 32 and as 64 bits (PKWARE APPNOTE 4.3).
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x06"
_LARGEST_END = 70_000
_BYTES_PER_ENTRY = 300
# What reading damaged members raises.
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    ValueError,
    OSError,
)


class ZipSource:
    """An open ZIP; `zipfile` lets several threads read members at the same time."""

    def __init__(self, path: Path) -> None:
        """Open it and read its list; raises ArchiveError."""
        self.path = path
        try:
            _require_short_list(path)
            self._file = zipfile.ZipFile(path)
        except ArchiveError:
            raise
        except _FAULTS as error:
            raise _damaged(path, error) from error
        self._infos = self._file.infolist()
        total = sum(info.file_size for info in self._infos)
        try:
            require_growth(path.name, path.stat().st_size, total)
        except ArchiveError:
            self.close()
            raise

    def listing(self, is_read: ReadSmall, limit: int) -> Iterator[tuple[Member, bytes | None]]:
        """Yield the files with the content of those picked; links are left out."""
        for number, info in enumerate(self._infos):
            if info.is_dir() or (info.external_attr >> 16) & _FILE_TYPE == _LINK:
                continue
            member = Member(
                shown_path(info.filename),
                number,
                info.file_size,
                _time_of(info),
                bool(info.flag_bits & _ENCRYPTED),
            )
            is_small = info.file_size <= limit and not member.is_encrypted
            data = self._read(info) if is_small and is_read(member) else None
            yield member, data

    def copy(self, number: int, target: Path) -> None:
        """Write the content of a member to a file; raises ArchiveError, or OSError of the file."""
        info = self._infos[number]
        try:
            content = self._file.open(info)
        except _FAULTS as error:
            raise _damaged_member(error) from error
        with content:
            try:
                copy_content(content, target, info.file_size)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise _damaged_member(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, info: zipfile.ZipInfo) -> bytes | None:
        """Return the content; None for a damaged member."""
        try:
            with self._file.open(info) as content:
                return content.read(info.file_size)
        except _FAULTS:
            return None


def _require_short_list(path: Path) -> None:
    """Raise ArchiveError for a list that would not fit into memory; `zipfile` reads it whole."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _LARGEST_END))
        end = file.read(_LARGEST_END)
    at, at_64 = end.rfind(_END), end.rfind(_END_64)
    if at < 0 or len(end) < at + 22:
        return  # `zipfile` names what is wrong
    list_bytes = int.from_bytes(end[at + 12 : at + 16], "little")
    if list_bytes == 0xFFFFFFFF and at_64 >= 0:
        list_bytes = int.from_bytes(end[at_64 + 40 : at_64 + 48], "little")
    if list_bytes > MAX_MEMBERS * _BYTES_PER_ENTRY:
        raise ArchiveError(
            f"The list of files in {path.name} has {list_bytes:,} bytes; the limit is "
            f"{MAX_MEMBERS * _BYTES_PER_ENTRY:,}. Make several archives of it.",
            code="archive_too_long",
        )


def _time_of(info: zipfile.ZipInfo) -> str | None:
    try:
        return datetime.datetime(*info.date_time).isoformat()
    except ValueError:
        return None


def _damaged(path: Path, error: Exception) -> ArchiveError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ArchiveError(
        f"{path.name} cannot be read as a ZIP: {reason}. It is damaged, or has not arrived whole. "
        "Download it again.",
        code="archive_damaged",
    )


def _damaged_member(error: Exception) -> ArchiveError:
    if isinstance(error, RuntimeError) and "password" in str(error):
        return encrypted()
    reason = str(error) or type(error).__name__
    return ArchiveError(
        f"The file is damaged in its archive: {reason}. Download the archive again.",
        code="archive_damaged",
    )


def encrypted() -> ArchiveError:
    """Return the error of a member that needs a password."""
    return ArchiveError(
        "The file is encrypted in its archive. Unpack the archive with its password, and add the "
        "folder.",
        code="archive_encrypted",
    )
