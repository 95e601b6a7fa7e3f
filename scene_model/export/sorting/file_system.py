"""File operations of a sort: nothing is overwritten, and copies are atomic.

`before_step` is called before every operation, so that a test can stop the program at each.
"""

import ctypes
import errno
import hashlib
import os
import shutil
import sys
from pathlib import Path

from scene_model.errors import FileSkipped
from scene_model.library.file_system import FileSystem
from scene_model.photos.hashes import file_content_hash

_CHUNK_BYTES = 1 << 20
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # linux/fcntl.h, linux/fs.h
# Errors of a file system that does not support a call, or hard links.
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_NO_LINKS = {errno.EPERM, errno.EMLINK, *_UNSUPPORTED}
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

        The copy is written to ``part``, in the target's folder, flushed, read back and renamed; on
        failure it is removed. sha256: the expected hash. Raises OSError or FileSkipped.
        """
        try:
            if self._copy(source, part) != sha256:
                raise FileSkipped(
                    f"{source} was changed after the sort was planned. Sort again.",
                    code="changed_since",
                )
            if file_content_hash(Path(part)) != sha256:
                raise FileSkipped(
                    f"The copy of {source} reads back different from what was written. Check the "
                    "target disk.",
                    code="copy_differs",
                )
            _copy_owner(source, part)
            shutil.copystat(source, part)
            self.rename_new(part, target)
        except (OSError, FileSkipped):
            Path(part).unlink(missing_ok=True)
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

    def _copy(self, source: str, part: str) -> str:
        digest = hashlib.sha256()
        self.before_step("copy", part)
        with Path(source).open("rb") as reading, Path(part).open("wb") as writing:
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


def _copy_owner(source: str, part: str) -> None:
    """Copy the owner where allowed; before the permissions, because chown may reset them."""
    if not hasattr(os, "chown"):
        return
    original, copy = os.stat(source), os.stat(part)
    if (original.st_uid, original.st_gid) != (copy.st_uid, copy.st_gid):
        try:
            os.chown(part, original.st_uid, original.st_gid)
        except OSError:
            return
