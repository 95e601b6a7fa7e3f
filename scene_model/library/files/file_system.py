"""Durable, atomic file operations of the library.

Each operation calls `FileSystem.before_step` first, so that a test can fail or kill any of them.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from scene_model.errors import (
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryUnavailable,
    PathNotFound,
    TargetExists,
    UnreadableFile,
)
from scene_model.library.files.held_folder import BINARY

# Free space that must remain so that the database can still record results.
RESERVE_BYTES = 32_000_000
_LEFTOVER_AGE_S = 3600.0
_TOKEN_BYTES = 8
_CHUNK_BYTES = 1 << 20
# Only the owner may read the folders and files of a library.
PRIVATE_FOLDER_MODE, PRIVATE_MODE = 0o700, 0o600
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class FileSystem:
    """File operations; they raise OSError, which `library_error` translates."""

    def before_step(self, step: str, path: Path) -> None:
        """Do nothing; a hook for subclasses that inject faults before an operation."""

    def make_folder(self, folder: Path, mode: int = 0o777) -> None:
        """Create a folder and its missing parents. mode: its permissions, before the umask."""
        if not folder.is_dir():
            self.before_step("make folder", folder)
            folder.mkdir(mode, parents=True, exist_ok=True)

    def make_private(self, paths: Iterable[Path]) -> None:
        """Remove the permissions of group and others from our own files; raises no error.

        Links are left alone, since they may lead out of the library.
        """
        if sys.platform == "win32":
            return  # a user's folders are private there
        for path in paths:
            with contextlib.suppress(OSError):
                status = path.lstat()
                is_ours = status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)
                if is_ours and status.st_mode & 0o077:
                    path.chmod(stat.S_IMODE(status.st_mode) & ~0o077)

    def write_whole(self, path: Path, data: bytes, new_dir: Path, mode: int = PRIVATE_MODE) -> None:
        """Write a file atomically: write to ``new_dir``, flush, then rename to ``path``.

        new_dir: on the same file system; `clear_leftovers` removes files that a kill leaves there.
        """
        self.make_folder(path.parent, PRIVATE_FOLDER_MODE)
        temporary = new_dir / secrets.token_hex(16)
        try:
            self.write_flushed(temporary, data, mode=mode)
            self.before_step("rename", path)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self.flush_folder(path.parent)

    def copy_whole(self, path: Path, source: Path, new_dir: Path, sha256: str) -> None:
        """Copy a file atomically, as `write_whole` writes one, without holding it in memory.

        sha256: of the content that is expected. Raises UnreadableFile when the source cannot be
        read, or has changed.
        """
        self.make_folder(path.parent, PRIVATE_FOLDER_MODE)
        temporary = new_dir / secrets.token_hex(16)
        try:
            self.before_step("write", temporary)
            flags = BINARY | os.O_CREAT | os.O_RDWR | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, PRIVATE_MODE), "r+b") as file:
                if _copied_hash(source, file) != sha256:
                    raise UnreadableFile(
                        "The file changed while it was copied. Add it again when it stays the "
                        "same.",
                        code="file_changing",
                    )
                file.flush()
                self.before_step("flush", temporary)
                os.fsync(file.fileno())
            self.before_step("rename", path)
            temporary.replace(path)
        except (OSError, UnreadableFile):
            temporary.unlink(missing_ok=True)
            raise
        self.flush_folder(path.parent)

    def link_whole(self, path: Path, source: Path, new_dir: Path) -> bool:
        """Give a flushed file of the library a second name; False where that is not possible."""
        self.make_folder(path.parent, PRIVATE_FOLDER_MODE)
        temporary = new_dir / secrets.token_hex(16)
        try:
            self.before_step("link", temporary)
            temporary.hardlink_to(source)
        except OSError:
            return False
        try:
            temporary.chmod(PRIVATE_MODE)
            self.before_step("rename", path)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self.flush_folder(path.parent)
        return True

    def write_flushed(
        self, path: Path, data: bytes, offset: int | None = None, mode: int = PRIVATE_MODE
    ) -> None:
        """Write bytes and flush them to disk: a new file, or at ``offset`` of an existing one.

        Raises FileExistsError when the new file exists, also as a link.
        """
        self.before_step("write", path)
        # O_EXCL: neither an existing file nor a link is opened.
        flags = BINARY | os.O_CREAT | os.O_RDWR | (os.O_EXCL if offset is None else 0)
        with os.fdopen(os.open(path, flags, mode), "r+b") as file:
            file.seek(offset or 0)
            file.write(data)
            file.flush()
            self.before_step("flush", path)
            os.fsync(file.fileno())

    def append(self, path: Path, line: str, is_flushed: bool = False) -> None:
        """Append a line to a file; it survives a kill, and a power cut if it is flushed."""
        self.before_step("append", path)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | BINARY, PRIVATE_MODE)
        with os.fdopen(descriptor, "ab") as file:
            file.write(f"{line}\n".encode())
            if is_flushed:
                file.flush()
                os.fsync(file.fileno())

    def remove(self, path: Path) -> None:
        """Remove a file if it exists."""
        self.before_step("remove", path)
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and its contents; errors are ignored."""
        self.before_step("remove folder", folder)
        shutil.rmtree(folder, ignore_errors=True)

    def flush_folder(self, folder: Path) -> None:
        """Flush a folder's entries to disk, where the platform supports it."""
        if not hasattr(os, "O_DIRECTORY"):
            return  # Windows journals renames
        self.before_step("flush folder", folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, folder: Path) -> int:
        """Return the free bytes of the folder's file system."""
        return shutil.disk_usage(folder).free

    def require_space(self, folder: Path, needed_bytes: int) -> None:
        """Raise LibraryFull unless ``needed_bytes`` plus RESERVE_BYTES are free."""
        free = self.free_bytes(folder)
        if free < needed_bytes + RESERVE_BYTES:
            raise LibraryFull(
                f"The disk is full: {needed_bytes / 1e6:,.1f} MB are to be written and "
                f"{RESERVE_BYTES / 1e6:,.0f} MB must stay free, but {folder} has "
                f"{free / 1e6:,.1f} MB free. Free some space and try again."
            )

    def clear_leftovers(self, new_dir: Path) -> None:
        """Remove incomplete files older than an hour; newer ones may be another process's."""
        now = time.time()
        for path in new_dir.iterdir():
            try:
                if now - path.stat().st_mtime <= _LEFTOVER_AGE_S:
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            except OSError:
                continue  # already removed, or no permission


def _copied_hash(source: Path, target: BinaryIO) -> str:
    """Copy a file in chunks and return its SHA-256; raises UnreadableFile for the source alone."""
    digest = hashlib.sha256()
    try:
        opened = source.open("rb")
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error
    with opened:
        while True:
            try:
                chunk = opened.read(_CHUNK_BYTES)
            except OSError as error:
                raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error
            if not chunk:
                return digest.hexdigest()
            digest.update(chunk)
            target.write(chunk)


def library_error(error: OSError, folder: Path) -> LibraryError:
    """Translate an OSError on the library's folder into a LibraryError."""
    if error.errno in FULL:
        return LibraryFull(
            f"The disk of the library folder {folder} is full. Free some space and try again."
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return LibraryReadOnly(
            f"The library folder {folder} is read-only: {error.strerror}. "
            "Change its permissions, or set SCENE_LIBRARY to another folder."
        )
    return LibraryUnavailable(
        f"The library folder {folder} cannot be written: {error.strerror or error}. "
        "Fix the cause, or set SCENE_LIBRARY to another folder."
    )


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """Open FILE.XXXX.part, which is renamed to FILE on success and removed on failure.

    XXXX is random, so that nobody can put a link or a file there before. Those that kills left
    are removed when they are an hour old. Raises TargetExists, PathNotFound or OSError.
    """
    if os.path.lexists(file):
        raise _target_exists(file)
    if not file.parent.is_dir():
        raise PathNotFound(f"There is no folder {file.parent} to write {file.name} to.")
    _remove_old_parts(file)
    path = file.with_name(f"{file.name}.{secrets.token_hex(_TOKEN_BYTES)}.part")
    with path.open("xb") as part:
        identity = os.fstat(part.fileno())
        try:
            yield part
            part.flush()
            os.fsync(part.fileno())
            part.close()  # Windows cannot rename an open file
            _publish(path, identity, file)
        finally:
            with contextlib.suppress(OSError):  # of a full disk, which the first error has told
                part.close()
            if _is_same_file(path, identity):
                path.unlink()


def _remove_old_parts(file: Path) -> None:
    """Remove what killed runs left; the file of a running one is newer."""
    name = re.compile(rf"{re.escape(file.name)}\.[0-9a-f]{{{2 * _TOKEN_BYTES}}}\.part")
    for path in file.parent.iterdir():
        if name.fullmatch(path.name):
            with contextlib.suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > _LEFTOVER_AGE_S:
                    path.unlink()


def _publish(path: Path, identity: os.stat_result, file: Path) -> None:
    """Rename a complete file to its final name without overwriting another file."""
    if not _is_same_file(path, identity):
        raise TargetExists(f"Another program replaced {path}, so {file} was not written.")
    try:
        os.link(path, file)  # unlike a rename, it never overwrites
    except FileExistsError as error:
        raise _target_exists(file) from error
    except OSError:  # a file system without hard links, such as a memory card's
        if os.path.lexists(file):
            raise _target_exists(file) from None
        path.rename(file)


def _target_exists(file: Path) -> TargetExists:
    return TargetExists(f"{file} already exists and is not overwritten. Name another file.")


def _is_same_file(path: Path, identity: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.lstat(), identity)
    except OSError:
        return False
