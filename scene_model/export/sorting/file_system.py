"""File operations of a sort: nothing is overwritten, no link is followed, copies are atomic.

`before_step` is called before every operation, so that a test can stop the program at each.
"""

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scene_model.errors import FileSkipped
from scene_model.library.file_system import BINARY, NO_FOLLOW, FileSystem

_CHUNK_BYTES = 1 << 20
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # linux/fcntl.h, linux/fs.h
# Errors of a file system that does not support a call, or hard links.
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_NO_LINKS = {errno.EPERM, errno.EMLINK, *_UNSUPPORTED}
# Errors of O_NOFOLLOW at a link: Linux and macOS, FreeBSD.
_IS_LINK = {errno.ELOOP, errno.EMLINK}
# Opening a pipe without this would block.
_READ = os.O_RDONLY | NO_FOLLOW | BINARY | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW | BINARY
_renameat2 = (
    getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if sys.platform == "linux"
    else None
)


class SortFileSystem(FileSystem):
    """File operations; they raise OSError."""

    def before_step(self, step: str, path: Path | str) -> None:
        """Do nothing; a hook for tests that is called before each operation."""

    def rename_new(self, source: str, target: str) -> None:
        """Rename within one file system without replacing; raises FileExistsError."""
        self.before_step("rename", target)
        if _rename_noreplace(source, target):
            return
        if sys.platform == "win32":
            os.rename(source, target)
            return
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # No hard links and no renameat2, as on FAT cards: a race of microseconds remains.
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
            os.rename(source, target)
            return
        self.before_step("remove", source)
        os.unlink(source)

    def link_new(self, source: str, target: str) -> None:
        """Create a hard link; raises FileExistsError."""
        self.before_step("link", target)
        os.link(source, target, follow_symlinks=False)

    def copy_new(self, source: str, target: str, part: str, sha256: str) -> None:
        """Copy a file with its times and permissions, atomically.

        The copy is written to ``part``, a new file in the target's folder, flushed, read back and
        renamed; on failure it is removed. sha256: the expected hash. Raises OSError or
        FileSkipped.
        """
        self.before_step("copy", part)
        with _open_source(source) as reading, open_new(part) as writing:
            identity = os.fstat(writing.fileno())
            try:
                if self._copy(reading, writing, part) != sha256:
                    raise FileSkipped(
                        f"{source} was changed after the sort was planned. Sort again.",
                        code="changed_since",
                    )
                if _sha256(writing) != sha256:
                    raise FileSkipped(
                        f"The copy of {source} reads back different from what was written. Check "
                        "the target disk.",
                        code="copy_differs",
                    )
                _copy_status(reading, writing, source, part)  # closes it
                self.rename_new(part, target)
            except (OSError, FileSkipped):
                with contextlib.suppress(OSError):  # what it still buffers does not fit either
                    writing.close()
                _remove_if_same(part, identity)
                raise
        self.flush_folder(Path(target).parent)

    def make_folder_if_absent(self, folder: str) -> None:
        """Create a folder unless it exists."""
        self.before_step("make folder", folder)
        Path(folder).mkdir(exist_ok=True)

    def remove_empty_folder(self, folder: str) -> None:
        """Remove a folder if it is empty."""
        self.before_step("drop folder", folder)
        Path(folder).rmdir()

    def append_line(self, descriptor: int, line: bytes, path: Path) -> None:
        """Append a line to an open journal in one write."""
        self.before_step("note", path)
        os.write(descriptor, line)

    def _copy(self, reading: BinaryIO, writing: BinaryIO, part: str) -> str:
        """Copy the content and flush it; returns the SHA-256 of what was read."""
        digest = hashlib.sha256()
        while chunk := reading.read(_CHUNK_BYTES):
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        self.before_step("flush", part)
        os.fsync(writing.fileno())
        if hasattr(os, "posix_fadvise"):
            # Drop the page cache, so that reading back reads the disk.
            os.posix_fadvise(writing.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return digest.hexdigest()


@contextlib.contextmanager
def _open_source(source: str) -> Iterator[BinaryIO]:
    """Open a file for reading; raises FileSkipped when a link or no plain file is there."""
    try:
        descriptor = os.open(source, _READ)
    except OSError as error:
        if error.errno not in _IS_LINK:
            raise
        raise _replaced(source) from error
    with os.fdopen(descriptor, "rb") as reading:
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode) or not os.path.samestat(opened, os.lstat(source)):
            raise _replaced(source)
        yield reading


def is_beginning(part: str, whole: str) -> bool:
    """Whether a plain file holds the first bytes of another one; False when one is missing."""
    try:
        with _open_source(part) as beginning, _open_source(whole) as complete:
            while chunk := beginning.read(_CHUNK_BYTES):
                if complete.read(len(chunk)) != chunk:
                    return False
    except (OSError, FileSkipped):
        return False
    return True


def open_new(part: str) -> BinaryIO:
    """Create a file that only its owner can read; raises FileExistsError, also for a link."""
    return os.fdopen(os.open(part, _CREATE, 0o600), "w+b")


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _remove_if_same(path: str, identity: os.stat_result) -> None:
    """Remove a file that we created, unless another one has taken its name."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.lstat(path), identity):
            os.unlink(path)


def _replaced(source: str) -> FileSkipped:
    return FileSkipped(
        f"{source} was replaced by a link or another file after the sort was planned, so it was "
        "not sorted. Sort again.",
        code="changed_since",
    )


def _rename_noreplace(source: str, target: str) -> bool:
    """Rename with renameat2 without replacing; False when the system does not support it."""
    if _renameat2 is None:
        return False
    from_path, to_path = os.fsencode(source), os.fsencode(target)
    if _renameat2(_AT_FDCWD, from_path, _AT_FDCWD, to_path, _RENAME_NOREPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), source, None, target)


def _copy_status(reading: BinaryIO, writing: BinaryIO, source: str, part: str) -> None:
    """Copy owner, permissions and times, and close the copy.

    The owner first, because chown may reset the permissions.
    """
    original, copy = os.fstat(reading.fileno()), os.fstat(writing.fileno())
    is_other_owner = (original.st_uid, original.st_gid) != (copy.st_uid, copy.st_gid)
    if is_other_owner and hasattr(os, "fchown"):
        with contextlib.suppress(OSError):
            os.fchown(writing.fileno(), original.st_uid, original.st_gid)
    if sys.platform == "linux":
        shutil.copystat(reading.fileno(), writing.fileno())  # type: ignore[arg-type]
        writing.close()
    else:  # not all of `copystat` takes open files, and closing may change the time
        writing.close()
        shutil.copystat(source, part)
