"""Folders held open by handle, so that a link put in their place leads no operation elsewhere.

Between the check of a path and an operation on it, another program can replace a folder by a
link. So a folder is opened from a root downwards, one name after the other, and no link is
followed; files are then named relative to the open folder (``dir_fd``). Where the system cannot
do that (Windows), the folders are checked right before each operation: a race of microseconds
remains.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

# 0 where a system has no such flag.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_BINARY", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
# Opening a pipe without O_NONBLOCK would wait for its writer.
READ = os.O_RDONLY | NO_FOLLOW | BINARY | getattr(os, "O_NONBLOCK", 0)
# O_PATH: as with a path, a folder need not be readable for files in it to be named.
_FOLDER = _DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
HAS_HANDLES = os.supports_dir_fd >= {
    os.link,
    os.mkdir,
    os.open,
    os.rename,
    os.rmdir,
    os.stat,
    os.unlink,
    os.utime,
}
_MOST_HELD = 8
# Opening a folder with O_NOFOLLOW fails with one of these if it is a link or a file.
_NO_FOLDER = {errno.ELOOP, errno.EMLINK, errno.ENOTDIR}


class FolderTree:
    """A root and the folders below it. The root's path may lead through links, others may not.

    The root and the folders used last are held open; as a context manager it closes them.
    """

    __slots__ = ("_descriptor", "_held", "_prefix", "root")

    def __init__(self, root: str) -> None:
        """root: an absolute path; the folder need not exist yet."""
        self.root, self._prefix = root, root.rstrip(os.sep) + os.sep
        self._descriptor = -1
        self._held: dict[str, HeldFolder] = {}

    def __enter__(self) -> Self:
        """Return the tree; nothing is opened yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all folders."""
        self.close()

    def close(self) -> None:
        """Close all folders; the next operation opens them anew."""
        for folder in self._held.values():
            folder.close()
        self._held.clear()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def contains(self, path: str) -> bool:
        """Whether a path is the root or below it."""
        return path == self.root or path.startswith(self._prefix)

    def folder(self, path: str, refresh: bool = True) -> "HeldFolder":
        """Return the folder of a path in this tree; it is opened at the first operation.

        refresh: if another folder, or a link, is at its path now, it is opened anew.
        """
        folder = self._held.get(path)
        if folder is not None:
            if refresh:
                folder.refresh()
            return folder
        if len(self._held) == _MOST_HELD:
            self._held.pop(next(iter(self._held))).close()
        folder = self._held[path] = HeldFolder(self, path)
        return folder

    def entry(self, path: str, refresh: bool = True) -> "Entry":
        """Return the file or folder of a path below the root, for operations in its folder."""
        folder, _, name = path.rpartition(os.sep)
        return Entry(self.folder(folder or os.sep, refresh), name)

    def names_to(self, folder: str) -> list[str]:
        """Return the names that lead from the root to a folder; raises OSError if none do."""
        names = [name for name in folder[len(self._prefix) :].split(os.sep) if name]
        if not self.contains(folder) or ".." in names:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), folder)
        return names

    def open_root(self) -> int:
        """Return the descriptor of the root; raises OSError."""
        if self._descriptor < 0:
            self._descriptor = os.open(self.root, _FOLDER)
        return self._descriptor


class HeldFolder:
    """A folder of a tree, opened at the first operation and held.

    Operations raise FileNotFoundError when it does not exist, and NotADirectoryError, with the
    path as ``filename``, when it or a folder above it, below the root, is a link or a file.
    """

    __slots__ = ("_descriptor", "_identity", "_tree", "path", "prefix")

    def __init__(self, tree: FolderTree, path: str) -> None:
        """Name a folder; nothing is opened yet."""
        self._tree, self.path, self.prefix = tree, path, path.rstrip(os.sep) + os.sep
        self._descriptor, self._identity = -1, (0, 0)

    def __del__(self) -> None:
        """Close the folder, which its tree may have given up before."""
        self.close()

    def close(self) -> None:
        """Close the folder; the next operation opens it anew."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def refresh(self) -> None:
        """Close the folder unless it is still the one at its path."""
        if self._descriptor >= 0:
            try:
                status = os.lstat(self.path)
            except OSError:
                self.close()
                return
            if (status.st_dev, status.st_ino) != self._identity:
                self.close()

    def at(self, name: str) -> tuple[str, int | None]:
        """Return what names an entry of the folder: a path, and the ``dir_fd`` it is relative to.

        Raises OSError.
        """
        if HAS_HANDLES:
            return name, self._opened()
        self._require_folders()
        return os.path.join(self.path, name), None

    def create(self) -> None:
        """Create the folder and those above it that do not exist."""
        with contextlib.suppress(FileNotFoundError):
            self.at(".")
            return
        os.makedirs(self._tree.root, exist_ok=True)
        path = self._tree.root
        for name in self._tree.names_to(self.path):
            path = os.path.join(path, name)
            self._tree.entry(path).make_folder()

    def names(self) -> list[str]:
        """Return the names of the folder's entries."""
        path, parent = self.at(".")
        if parent is None:
            return os.listdir(path)
        descriptor = os.open(path, os.O_RDONLY | _DIRECTORY, dir_fd=parent)
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def status(self) -> os.stat_result:
        """Return the folder's own status."""
        path, parent = self.at(".")
        return os.stat(path, dir_fd=parent)

    def set_times(self, times_ns: tuple[int, int]) -> None:
        """Set the folder's own access and modification times, in ns."""
        path, parent = self.at(".")
        os.utime(path, ns=times_ns, dir_fd=parent)

    def flush(self) -> None:
        """Flush the folder's entries to disk; only where folders can be opened."""
        path, parent = self.at(".")
        descriptor = os.open(path, os.O_RDONLY | _DIRECTORY, dir_fd=parent)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        if self._descriptor >= 0:
            return self._descriptor
        names = self._tree.names_to(self.path)
        folder = root = self._tree.open_root()
        for depth, name in enumerate(names, 1):
            parent = folder
            try:
                folder = os.open(name, _FOLDER | NO_FOLLOW, dir_fd=parent)
            except OSError as error:
                path = os.path.join(self._tree.root, *names[:depth])
                number = errno.ENOTDIR if error.errno in _NO_FOLDER else error.errno
                raise OSError(number, os.strerror(number or 0), path) from error
            finally:
                if parent != root:
                    os.close(parent)
        if folder != root:
            status = os.fstat(folder)
            self._descriptor, self._identity = folder, (status.st_dev, status.st_ino)
        return folder

    def _require_folders(self) -> None:
        """Raise NotADirectoryError when a folder of the path is a link or a file."""
        path = self._tree.root
        for name in self._tree.names_to(self.path):
            path = os.path.join(path, name)
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise _no_folder(path)


class Entry(NamedTuple):
    """A name in a held folder; there may be a file, a folder, a link or nothing."""

    folder: HeldFolder
    name: str

    @property
    def path(self) -> str:
        """The path, for messages."""
        return self.folder.prefix + self.name

    def sibling(self, name: str) -> "Entry":
        """Return another entry of the same folder."""
        return Entry(self.folder, name)

    def lstat(self) -> os.stat_result:
        """Return the status of a file, a folder or a link itself."""
        path, parent = self.folder.at(self.name)
        return os.stat(path, dir_fd=parent, follow_symlinks=False)

    def exists(self) -> bool:
        """Whether something is there, also a link to nothing; False when it cannot be told."""
        try:
            self.lstat()
        except OSError:
            return False
        return True

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open a file and follow no link; returns its descriptor."""
        path, parent = self.folder.at(self.name)
        if not NO_FOLLOW and os.path.islink(path):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self.path)
        return os.open(path, flags | NO_FOLLOW | BINARY, mode, dir_fd=parent)

    def unlink(self) -> None:
        """Remove a file or a link."""
        path, parent = self.folder.at(self.name)
        os.unlink(path, dir_fd=parent)

    def make_folder(self) -> None:
        """Create a folder unless there is one; raises NotADirectoryError for anything else."""
        path, parent = self.folder.at(self.name)
        try:
            os.mkdir(path, dir_fd=parent)
        except FileExistsError as error:
            if not stat.S_ISDIR(self.lstat().st_mode):
                raise _no_folder(self.path) from error

    def remove_folder(self) -> None:
        """Remove an empty folder."""
        path, parent = self.folder.at(self.name)
        os.rmdir(path, dir_fd=parent)


def open_inside(folder: Path, path: Path) -> BinaryIO:
    """Open a regular file below a folder of a folder for reading, and follow no link below that.

    The folders directly in ``folder`` may be links: a person may keep originals on another disk.
    Raises OSError.
    """
    top, *names = path.relative_to(folder).parts
    if ".." in path.parts or not names:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    with FolderTree(str(folder / top)) as tree:
        file = os.fdopen(tree.entry(str(path)).open(READ), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return file


def _no_folder(path: str) -> OSError:
    return OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
