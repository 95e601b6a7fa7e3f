"""A sort's steps on the disk: nothing is ever written over, and a copy is whole or not there.

Each step is announced before it is taken, so that a test can end the program at every one.
"""

import ctypes
import errno
import hashlib
import os
import shutil
import sys
from pathlib import Path

from scene_model.errors import ChangedSince, CopyDiffers, FileSkipped
from scene_model.library.file_system import FileSystem
from scene_model.photos.hashes import file_content_hash

_CHUNK_BYTES = 1 << 20
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # linux/fcntl.h, linux/fs.h
# What a file system says that does not know a call, or knows no links.
_UNKNOWN = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
_NO_LINKS = {errno.EPERM, errno.EMLINK, *_UNKNOWN}
_renameat2 = (
    getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if sys.platform == "linux"
    else None
)


class SortFileSystem(FileSystem):
    """The steps; their errors are OSError."""

    def before_step(self, step: str, path: Path | str) -> None:
        """Hear of a step that is about to be taken; here nobody listens."""

    def rename_new(self, source: str, target: str) -> None:
        """Rename on one file system, never over another file; raises FileExistsError."""
        self.before_step("rename", target)
        if _renamed_by_kernel(source, target):
            return
        if sys.platform == "win32":
            os.rename(source, target)
            return
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # A memory card, say: no links and no such call. A gap of microseconds stays.
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
            os.rename(source, target)
            return
        self.before_step("remove", source)
        os.unlink(source)

    def link_new(self, source: str, target: str) -> None:
        """Give a file a second name; raises FileExistsError."""
        self.before_step("link", target)
        os.link(source, target, follow_symlinks=False)

    def copy_new(self, source: str, target: str, part: str, sha256: str) -> None:
        """Copy a file with its times and permissions, whole or not at all.

        It grows as ``part``, in the target's folder, is flushed, read back and renamed. Where
        that fails, nothing is left of it. sha256: what it must be. Raises OSError, ChangedSince or
        CopyDiffers.
        """
        try:
            if self._copy(source, part) != sha256:
                raise ChangedSince(f"{source} was changed after the sort was planned. Sort again.")
            if file_content_hash(Path(part)) != sha256:
                raise CopyDiffers(
                    f"The copy of {source} reads back otherwise than it was written. "
                    "Check the disk it was to go to."
                )
            _copy_owner(source, part)
            shutil.copystat(source, part)
            self.rename_new(part, target)
        except (OSError, FileSkipped):
            Path(part).unlink(missing_ok=True)
            raise
        self.flush_folder(Path(target).parent)

    def make_one_folder(self, folder: str) -> None:
        """Make a folder, unless it is there."""
        self.before_step("make folder", folder)
        Path(folder).mkdir(exist_ok=True)

    def drop_folder(self, folder: str) -> None:
        """Remove a folder if nothing is in it."""
        self.before_step("drop folder", folder)
        Path(folder).rmdir()

    def note(self, descriptor: int, line: bytes, path: Path) -> None:
        """Add a line to an open journal, in one piece."""
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
                # So that reading back asks the disk, where the system agrees.
                os.posix_fadvise(writing.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return digest.hexdigest()


def _renamed_by_kernel(source: str, target: str) -> bool:
    """Rename without replacing; False where the system has no such call."""
    if _renameat2 is None:
        return False
    from_path, to_path = os.fsencode(source), os.fsencode(target)
    if _renameat2(_AT_FDCWD, from_path, _AT_FDCWD, to_path, _RENAME_NOREPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), source, None, target)


def _copy_owner(source: str, part: str) -> None:
    """Keep the owner where that is allowed; before the permissions, which it may reset."""
    if not hasattr(os, "chown"):
        return
    was, now = os.stat(source), os.stat(part)
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        try:
            os.chown(part, was.st_uid, was.st_gid)
        except OSError:
            return
