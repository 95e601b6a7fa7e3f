"""Which process works on a batch: a lock that the operating system takes back with the process."""

import os
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class LockFile:
    """One process's hold on one folder; the lock file lies beside it."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        """Keep a file that is locked; `acquire_lock` makes it."""
        self._path, self._file = path, file

    def release(self) -> None:
        """Let go, so that another process may take the folder up."""
        if not self._file.closed:
            # First the name: whoever opens it after this makes a file, and a lock, of their own.
            if sys.platform != "win32":
                self._path.unlink(missing_ok=True)
            self._file.close()
            if sys.platform == "win32":
                self._path.unlink(missing_ok=True)


def acquire_lock(folder: Path) -> LockFile | None:
    """LockFile a folder that is there or about to be; None while another process has it."""
    path = folder.with_name(f"{folder.name}.lock")
    file = path.open("wb")
    try:
        _lock(file)
        # The name may have gone, with its owner, between opening and locking.
        is_named = _is_at(file, path)
    except OSError:
        is_named = False
    if not is_named:
        file.close()
        return None
    return LockFile(path, file)


def _is_at(file: IO[bytes], path: Path) -> bool:
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
