"""File operations of a sort: nothing is overwritten, no link is followed, copies are atomic.

Files are entries of folders held open (`held_folder`), so no link below SOURCE or DEST, put there
at whatever moment, leads an operation elsewhere.

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
from scene_model.library.files.file_system import FileSystem
from scene_model.library.files.held_folder import READ, Entry, HeldFolder

_CHUNK_BYTES = 1 << 20
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # linux/fcntl.h, linux/fs.h
# Errors of a file system that does not support a call, or hard links.
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_NO_LINKS = {errno.EPERM, errno.EMLINK, *_UNSUPPORTED}
# Errors of O_NOFOLLOW at a link: Linux and macOS, FreeBSD.
_IS_LINK = {errno.ELOOP, errno.EMLINK}
_renameat2 = (
    getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if sys.platform == "linux"
    else None
)


class SortFileSystem(FileSystem):
    """File operations; they raise OSError."""

    def before_step(self, step: str, path: Path | str) -> None:
        """Do nothing; a hook for tests that is called before each operation."""

    def rename_new(self, source: Entry, target: Entry) -> None:
        """Rename within one file system without replacing; raises FileExistsError."""
        self.before_step("rename", target.path)
        if _rename_noreplace(source, target):
            return
        if sys.platform == "win32":
            _rename(source, target)
            return
        try:
            _link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # No hard links and no renameat2, as on FAT cards: a race of microseconds remains.
            if target.exists():
                raise FileExistsError(
                    errno.EEXIST, os.strerror(errno.EEXIST), target.path
                ) from error
            _rename(source, target)
            return
        self.before_step("remove", source.path)
        source.unlink()

    def link_new(self, source: Entry, target: Entry) -> None:
        """Create a hard link; raises FileExistsError."""
        self.before_step("link", target.path)
        _link(source, target)

    def copy_new(self, source: Entry, target: Entry, part: Entry, sha256: str) -> None:
        """Copy a file with its times and permissions, atomically.

        The copy is written to ``part``, a new file in the target's folder, flushed, read back and
        renamed; on failure it is removed. sha256: the expected hash. Raises OSError or
        FileSkipped.
        """
        self.before_step("copy", part.path)
        with _open_source(source) as reading, open_new(part) as writing:
            identity = os.fstat(writing.fileno())
            try:
                if self._copy(reading, writing, part) != sha256:
                    raise FileSkipped(
                        f"{source.path} was changed after the sort was planned. Sort again.",
                        code="changed_since",
                    )
                if _sha256(writing) != sha256:
                    raise FileSkipped(
                        f"The copy of {source.path} reads back different from what was written. "
                        "Check the target disk.",
                        code="copy_differs",
                    )
                _copy_status(reading, writing, source, part)  # closes it
                self.rename_new(part, target)
            except (OSError, FileSkipped):
                with contextlib.suppress(OSError):  # what it still buffers does not fit either
                    writing.close()
                _remove_if_same(part, identity)
                raise
        self.flush_entries(target.folder)

    def write_new(self, data: bytes, target: Entry, part: Entry) -> None:
        """Write a new file atomically, with the permissions that new files have there.

        It is written to ``part``, a new file in the target's folder, flushed and renamed; on
        failure it is removed. Raises FileExistsError, or another OSError.
        """
        self.before_step("write", part.path)
        with os.fdopen(part.open(os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w+b") as writing:
            identity = os.fstat(writing.fileno())
            try:
                writing.write(data)
                writing.flush()
                self.before_step("flush", part.path)
                os.fsync(writing.fileno())
                writing.close()  # Windows cannot rename an open file
                self.rename_new(part, target)
            except OSError:
                with contextlib.suppress(OSError):  # what it still buffers does not fit either
                    writing.close()
                _remove_if_same(part, identity)
                raise
        self.flush_entries(target.folder)

    def remove_entry(self, entry: Entry) -> None:
        """Remove a file if it exists."""
        self.before_step("remove", entry.path)
        with contextlib.suppress(FileNotFoundError):
            entry.unlink()

    def flush_entries(self, folder: HeldFolder) -> None:
        """Flush a folder's entries to disk, where the platform supports it."""
        if sys.platform != "win32":  # which journals renames
            self.before_step("flush folder", folder.path)
            folder.flush()

    def make_folder_if_absent(self, folder: Entry) -> None:
        """Create a folder unless it exists; raises NotADirectoryError for a link."""
        self.before_step("make folder", folder.path)
        folder.make_folder()

    def remove_empty_folder(self, folder: Entry) -> None:
        """Remove a folder if it is empty."""
        self.before_step("drop folder", folder.path)
        folder.remove_folder()

    def append_line(self, descriptor: int, line: bytes, path: Path) -> None:
        """Append a line to an open journal in one write."""
        self.before_step("note", path)
        os.write(descriptor, line)

    def _copy(self, reading: BinaryIO, writing: BinaryIO, part: Entry) -> str:
        """Copy the content and flush it; returns the SHA-256 of what was read."""
        digest = hashlib.sha256()
        while chunk := reading.read(_CHUNK_BYTES):
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        self.before_step("flush", part.path)
        os.fsync(writing.fileno())
        if hasattr(os, "posix_fadvise"):
            # Drop the page cache, so that reading back reads the disk.
            os.posix_fadvise(writing.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return digest.hexdigest()


@contextlib.contextmanager
def _open_source(source: Entry) -> Iterator[BinaryIO]:
    """Open a file for reading; raises FileSkipped when a link or no plain file is there."""
    try:
        descriptor = source.open(READ)
    except OSError as error:
        if error.errno not in _IS_LINK:
            raise
        raise _replaced(source) from error
    with os.fdopen(descriptor, "rb") as reading:
        opened = os.fstat(descriptor)
        if not stat.S_ISREG(opened.st_mode) or not os.path.samestat(opened, source.lstat()):
            raise _replaced(source)
        yield reading


def is_beginning(part: Entry, whole: Entry) -> bool:
    """Whether a plain file holds the first bytes of another one; False when one is missing."""
    try:
        with _open_source(part) as beginning, _open_source(whole) as complete:
            while chunk := beginning.read(_CHUNK_BYTES):
                if complete.read(len(chunk)) != chunk:
                    return False
    except (OSError, FileSkipped):
        return False
    return True


def has_content(entry: Entry, sha256: str) -> bool:
    """Whether a plain file has a hash; raises OSError."""
    try:
        with _open_source(entry) as file:
            return _sha256(file) == sha256
    except FileSkipped:
        return False


def open_new(part: Entry) -> BinaryIO:
    """Create a file that only its owner can read; raises FileExistsError, also for a link."""
    return os.fdopen(part.open(os.O_RDWR | os.O_CREAT | os.O_EXCL), "w+b")


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _remove_if_same(entry: Entry, identity: os.stat_result) -> None:
    """Remove a file that we created, unless another one has taken its name."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(entry.lstat(), identity):
            entry.unlink()


def _replaced(source: Entry) -> FileSkipped:
    return FileSkipped(
        f"{source.path} was replaced by a link or another file after the sort was planned, so it "
        "was not sorted. Sort again.",
        code="changed_since",
    )


def _link(source: Entry, target: Entry) -> None:
    from_path, from_folder = source.folder.at(source.name)
    to_path, to_folder = target.folder.at(target.name)
    os.link(
        from_path,
        to_path,
        src_dir_fd=from_folder,
        dst_dir_fd=to_folder,
        follow_symlinks=False,
    )


def _rename(source: Entry, target: Entry) -> None:
    from_path, from_folder = source.folder.at(source.name)
    to_path, to_folder = target.folder.at(target.name)
    os.rename(from_path, to_path, src_dir_fd=from_folder, dst_dir_fd=to_folder)


def _rename_noreplace(source: Entry, target: Entry) -> bool:
    """Rename with renameat2 without replacing; False when the system does not support it."""
    if _renameat2 is None:
        return False
    from_path, from_folder = source.folder.at(source.name)
    to_path, to_folder = target.folder.at(target.name)
    done = _renameat2(
        _AT_FDCWD if from_folder is None else from_folder,
        os.fsencode(from_path),
        _AT_FDCWD if to_folder is None else to_folder,
        os.fsencode(to_path),
        _RENAME_NOREPLACE,
    )
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), source.path, None, target.path)


def _copy_status(reading: BinaryIO, writing: BinaryIO, source: Entry, part: Entry) -> None:
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
    elif sys.platform != "win32":  # macOS, where `copystat` takes paths only
        os.fchmod(writing.fileno(), stat.S_IMODE(original.st_mode))
        os.utime(writing.fileno(), ns=(original.st_atime_ns, original.st_mtime_ns))
        writing.close()
    else:  # Windows, where closing may change the time
        writing.close()
        shutil.copystat(source.path, part.path)
