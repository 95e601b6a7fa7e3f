"""The library's steps on the disk: what it has written lasts, or was never there.

Each step is announced before it is taken, so that a test can end the program at every one.
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

# Room that is left for the database to write down what became of a photo.
RESERVE_BYTES = 32_000_000
_LEFTOVER_AGE_S = 3600.0


class FileSystem:
    """The steps, each one a call of the operating system or nearly so.

    Their errors are OSError; `library_error` says them in the library's words.
    """

    def before_step(self, step: str, path: Path) -> None:
        """Hear of a step that is about to be taken; here nobody listens."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, where they are missing."""
        if not folder.is_dir():
            self.before_step("make folder", folder)
            folder.mkdir(parents=True, exist_ok=True)

    def write_whole(self, path: Path, data: bytes, new_dir: Path) -> None:
        """Write a file whole or not at all: in ``new_dir``, flushed, then renamed to its place.

        new_dir: on the same file system; what a kill leaves there, `clear_leftovers` removes.
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
        """Write bytes to the disk itself: a file of their own, or into one from an offset on."""
        self.before_step("write", path)
        is_new = offset is None or not path.exists()
        with path.open("wb" if is_new else "r+b") as file:
            file.seek(offset or 0)
            file.write(data)
            file.flush()
            self.before_step("flush", path)
            os.fsync(file.fileno())

    def append(self, path: Path, line: str) -> None:
        """Add a line to a file; a kill leaves it whole, a power cut may lose it."""
        self.before_step("append", path)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def remove(self, path: Path) -> None:
        """Remove a file that may be gone already."""
        self.before_step("remove", path)
        path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder with all that is in it, as far as that goes."""
        self.before_step("remove folder", folder)
        shutil.rmtree(folder, ignore_errors=True)

    def flush_folder(self, folder: Path) -> None:
        """Make the names in a folder last, where the platform knows that step."""
        if not hasattr(os, "O_DIRECTORY"):
            return  # Windows: renaming is journaled with the file
        self.before_step("flush folder", folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, folder: Path) -> int:
        """How much can still be written where a folder lies."""
        return shutil.disk_usage(folder).free

    def require_space(self, folder: Path, wanted_bytes: int) -> None:
        """Raise LibraryFull when so many bytes, and some for the database, find no room."""
        free = self.free_bytes(folder)
        if free < wanted_bytes + RESERVE_BYTES:
            raise LibraryFull(
                f"There is no room: {wanted_bytes / 1e6:,.1f} MB are to be written and "
                f"{RESERVE_BYTES / 1e6:,.0f} MB must stay free, but {folder} has "
                f"{free / 1e6:,.1f} MB left. Free some space and try again."
            )

    def clear_leftovers(self, new_dir: Path) -> None:
        """Remove what a kill left half-written; what is young may be another process's work."""
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
                continue  # gone meanwhile, or not ours to remove


def library_error(error: OSError, folder: Path) -> LibraryError:
    """Say in the library's words why its folder could not be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return LibraryFull(
            f"There is no room left where the library lies ({folder}). "
            "Free some space and try again."
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return LibraryReadOnly(
            f"The library folder {folder} may not be written: {error.strerror}. "
            "Change its permissions, or choose another folder by SCENE_LIBRARY."
        )
    return LibraryUnavailable(
        f"The library folder {folder} cannot be written: {error.strerror or error}. "
        "Choose another by SCENE_LIBRARY, or put right what is in the way."
    )


@contextlib.contextmanager
def new_file(file: Path) -> Iterator[BinaryIO]:
    """Open FILE.part, which becomes FILE when all is written to it; else it is gone again.

    One that a kill left behind is written anew. Raises TargetExists or PathNotFound, and OSError
    as writing does.
    """
    if os.path.lexists(file):
        raise _exists(file)
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
            part.close()  # Windows renames no open file
            _publish(path, identity, file)
        finally:
            part.close()
            if _is(path, identity):
                path.unlink()


def _publish(path: Path, identity: os.stat_result, file: Path) -> None:
    """Give a whole file its name, unless something else took it meanwhile."""
    if not _is(path, identity):
        raise TargetExists(f"Another run began to write {file} meanwhile; this one is given up.")
    try:
        os.link(path, file)  # unlike a rename, never over another file
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError:  # a file system without links: a memory card, say
        if os.path.lexists(file):
            raise _exists(file) from None
        path.rename(file)


def _exists(file: Path) -> TargetExists:
    return TargetExists(f"{file} is there already, and is not overwritten. Name another file.")


def _is(path: Path, identity: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), identity)
    except OSError:
        return False
