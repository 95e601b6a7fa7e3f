"""A lock file: only one process at a time works on a folder.

The operating system releases the lock when the process ends, also after a crash. `release`
removes the file, since there is one for each upload. Another process may have opened the file
just before it was removed; it would then lock a file that no longer has a name. So `acquire_lock`
compares the open file with the one at the path after locking. The name of the file is known to
everybody who may write in the folder's parent: a link of that name is not followed, and a file
that has content, so is not ours, is neither emptied nor removed.

The package `filelock` (version 4.3.1) is not used. It behaves the same after a crash and on Windows
(``flock``, ``msvcrt.locking``), and it makes the same comparison. But on Unix it never removes the
file, so each upload would leave one unless we removed it, relying on that comparison again. And
where a file system lacks ``flock``, it falls back to a lock by existence, which outlives a crash
until it is considered stale; here the lock is refused then.
"""

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


# Windows has no O_NOFOLLOW, and no other system O_BINARY.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class LockFile:
    """An acquired lock on a folder; the lock file is next to the folder."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        """Take an open, locked file; use `acquire_lock` to create one."""
        self._path, self._file = path, file

    def release(self) -> None:
        """Remove the file and release the lock; does nothing the second time."""
        if not self._file.closed:
            # Unlink before unlocking: a process that opens the path from now on creates a new file.
            # Windows cannot unlink an open file.
            is_ours = os.fstat(self._file.fileno()).st_size == 0
            if is_ours and sys.platform != "win32":
                self._path.unlink(missing_ok=True)
            self._file.close()
            if is_ours and sys.platform == "win32":
                self._path.unlink(missing_ok=True)


def lock_path(folder: Path) -> Path:
    """Return the path of a folder's lock file."""
    return folder.with_name(f"{folder.name}.lock")


def acquire_lock(folder: Path) -> LockFile | None:
    """Lock a folder, which need not exist yet; None while another process holds the lock.

    Raises OSError, also when the lock file is a symbolic link.
    """
    path = lock_path(folder)
    file = os.fdopen(os.open(path, _FLAGS, 0o666), "r+b")
    try:
        _lock(file)
        # The holder may have removed the file between our opening and locking it.
        is_current = os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except OSError:
        is_current = False
    if not is_current:
        file.close()
        return None
    return LockFile(path, file)
