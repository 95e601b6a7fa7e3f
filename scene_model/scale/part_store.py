"""Where a batch writes: a folder, or a prefix in an object store."""

import contextlib
import errno
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO

from scene_model.errors import BatchError, StoreUnavailable
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.library.files.file_system import FULL, FileSystem

# Readers of Parquet folders pass over names that begin with an underscore.
_NEW_FOLDER, _LOCK = "_new", "_batch"
_SHARED_MODE = 0o666  # before the umask: a data set is for others to read


class OutputLock(ABC):
    """Held while a run writes to an output."""

    @abstractmethod
    def release(self) -> None:
        """Let another run begin; does nothing the second time."""


class PartStore(ABC):
    """Files of an output, each written whole; safe to share between threads.

    Every method raises StoreUnavailable.
    """

    location: str

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of the files, sorted; those of folders inside are left out."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file; None where there is none."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """Open a file for reading from any position."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a file, replacing one of that name: readers get the old or the new one, whole."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; one that is missing is no error."""

    @abstractmethod
    def lock(self) -> OutputLock:
        """Keep other runs out, make the output if it is missing, and remove unfinished files.

        Raises BatchError while another run has the lock.
        """


class FolderParts(PartStore):
    """A folder of this computer."""

    def __init__(self, folder: Path, file_system: FileSystem | None = None) -> None:
        """folder: need not exist. file_system: does the writing."""
        self.folder, self.location = folder, str(folder)
        self._new = folder / _NEW_FOLDER
        self._file_system = file_system or FileSystem()

    def lock(self) -> "FolderLock":
        """As `PartStore.lock`."""
        try:
            self._file_system.make_folder(self.folder)
            lock = acquire_lock(self.folder / _LOCK)
            if lock is None:
                raise BatchError(
                    f"Another process runs a batch into {self.folder}. Wait until it is done.",
                    code="batch_running",
                )
            if self._new.is_dir():
                for leftover in self._new.iterdir():
                    leftover.unlink(missing_ok=True)
        except OSError as error:
            raise self._unavailable("written", error) from error
        return FolderLock(lock, self._new)

    def names(self) -> list[str]:
        """As `PartStore.names`."""
        try:
            return sorted(path.name for path in self.folder.iterdir() if path.is_file())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unavailable("read", error) from error

    def read(self, name: str) -> bytes | None:
        """As `PartStore.read`."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable("read", error) from error

    def open(self, name: str) -> BinaryIO:
        """As `PartStore.open`."""
        try:
            return (self.folder / name).open("rb")
        except OSError as error:
            raise self._unavailable("read", error) from error

    def write(self, name: str, data: bytes) -> None:
        """As `PartStore.write`."""
        try:
            self._file_system.make_folder(self._new)
            self._file_system.write_whole(self.folder / name, data, self._new, _SHARED_MODE)
        except OSError as error:
            raise self._unavailable("written", error) from error

    def remove(self, name: str) -> None:
        """As `PartStore.remove`."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unavailable("written", error) from error

    def _unavailable(self, verb: str, error: OSError) -> StoreUnavailable:
        if error.errno in FULL:
            return StoreUnavailable(
                f"The disk of {self.folder} is full. Free some space and run the batch again: it "
                "goes on where it stopped.",
                code="output_full",
            )
        reason = error.strerror or errno.errorcode.get(error.errno or 0, type(error).__name__)
        return StoreUnavailable(f"{self.folder} cannot be {verb}: {reason}.")


class FolderLock(OutputLock):
    """A lock file in the folder; the system releases it when the process ends."""

    def __init__(self, lock: LockFile, new: Path) -> None:
        """lock: acquired. new: the folder of unfinished files."""
        self._lock, self._new = lock, new

    def release(self) -> None:
        """As `OutputLock.release`."""
        with contextlib.suppress(OSError):  # not empty, or never made
            self._new.rmdir()
        self._lock.release()


def is_url(text: str) -> bool:
    """Return whether a source or an output is a URL and no path."""
    return "://" in text


def open_parts(text: str) -> PartStore:
    """Open the output that a command names; nothing is made or read yet."""
    if not is_url(text):
        return FolderParts(Path(text))
    from scene_model.scale.object_parts import ObjectParts

    return ObjectParts(text)
