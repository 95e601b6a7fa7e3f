"""Durable, atomic file operations of the library.

Each operation calls `FileSystem.before_step` first, so that a test can fail or kill any of them.
"""

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from scene_model.errors import (
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibraryUnavailable,
    PathNotFound,
    TargetExists,
)

# Free space that must remain so that the database can still record results.
RESERVE_BYTES = 32_000_000
_LEFTOVER_AGE_S = 3600.0


class FileSystem:
    """File operations; they raise OSError, which `library_error` translates."""

    def before_step(self, step: str, path: Path) -> None:
        """Do nothing; a hook for subclasses that inject faults before an operation."""

    def make_folder(self, folder: Path) -> None:
        """Create a folder and its missing parents."""
        if not folder.is_dir():
            self.before_step("make folder", folder)
            folder.mkdir(parents=True, exist_ok=True)

    def write_whole(self, path: Path, data: bytes, new_dir: Path) -> None:
        """Write a file atomically: write to ``new_dir``, flush, then rename to ``path``.

        new_dir: on the same file system; `clear_leftovers` removes files that a kill leaves there.
        """
        self.make_folder(path.parent)
        temporary = new_dir / secrets.token_hex(16)
        try:
            self.write_flushed(temporary, data)
            self.before_step("rename", path)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self.flush_folder(path.parent)

    def write_flushed(self, path: Path, data: bytes, offset: int | None = None) -> None:
        """Write bytes and flush them to disk: a new file, or at ``offset`` of an existing one."""
        self.before_step("write", path)
        is_new = offset is None or not path.exists()
        with path.open("wb" if is_new else "r+b") as file:
            file.seek(offset or 0)
            file.write(data)
            file.flush()
            self.before_step("flush", path)
            os.fsync(file.fileno())

    def append(self, path: Path, line: str) -> None:
        """Append a line to a file; it survives a kill, but a power cut may lose it."""
        self.before_step("append", path)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

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


def library_error(error: OSError, folder: Path) -> LibraryError:
    """Translate an OSError on the library's folder into a LibraryError."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
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
    """Open FILE.part, which is renamed to FILE on success and removed on failure.

    A FILE.part left by a kill is replaced. Raises TargetExists, PathNotFound or OSError.
    """
    if os.path.lexists(file):
        raise _target_exists(file)
    if not file.parent.is_dir():
        raise PathNotFound(f"There is no folder {file.parent} to write {file.name} to.")
    path = file.with_name(f"{file.name}.part")
    path.unlink(missing_ok=True)
    with path.open("xb") as part:
        identity = os.fstat(part.fileno())
        try:
            yield part
            part.flush()
            os.fsync(part.fileno())
            part.close()  # Windows cannot rename an open file
            _publish(path, identity, file)
        finally:
            part.close()
            if _is_same_file(path, identity):
                path.unlink()


def _publish(path: Path, identity: os.stat_result, file: Path) -> None:
    """Rename a complete file to its final name without overwriting another file."""
    if not _is_same_file(path, identity):
        raise TargetExists(f"Another run started writing {file}; this run was stopped.")
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
        return os.path.samestat(path.stat(), identity)
    except OSError:
        return False
