"""The photo files of a watched folder, with size and time of change; nothing is opened."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scene_model.ingest.watch.names import is_photo_name, is_watched_folder_name
from scene_model.library.database.database_file import DATABASE_NAME, ORIGINALS

_END_BYTES = 512


class FileStamp(NamedTuple):
    """Size and time of the last change: a file that keeps both is taken to be the same."""

    file_bytes: int
    mtime_ns: int


@dataclass
class UnreadableFolders:
    """Folders that could not be read in a scan; nothing is known about the files below them."""

    folders: list[str] = field(default_factory=list)

    def covers(self, path: str) -> bool:
        """Whether a path is below one of the folders."""
        return any(path.startswith(folder + os.sep) for folder in self.folders)


def stamp_of(path: str) -> FileStamp | None:
    """Return the stamp of a file; None when it is gone, cannot be reached, or is no file."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    is_file = stat.S_ISREG(status.st_mode)
    return FileStamp(status.st_size, status.st_mtime_ns) if is_file else None


def has_written_end(path: str) -> bool:
    """Whether the end of a file is more than zeros.

    Copying programs reserve the whole size first; a paused copy then ends with zeros, and decoders
    of several formats take it for a picture with a grey part.
    """
    try:
        with Path(path).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _END_BYTES))
            return any(file.read(_END_BYTES))
    except OSError:
        return True  # reading it whole says what is wrong


def is_library(folder: Path) -> bool:
    """Whether a folder is a library."""
    try:
        return (folder / DATABASE_NAME).is_file() and (folder / ORIGINALS).is_dir()
    except OSError:
        return False


def photo_files(
    root: str, unreadable: UnreadableFolders, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[str, FileStamp]]:
    """Yield the paths of the photos in a folder and below it, by their names, with their stamps.

    Links to folders are not followed; a folder that is a library is left out.
    """
    pending = [root]
    while pending and not is_stopped():
        folder = pending.pop()
        try:
            with os.scandir(folder) as opened:
                entries = list(opened)
        except OSError:
            unreadable.folders.append(folder)
            continue
        if any(entry.name == DATABASE_NAME for entry in entries) and is_library(Path(folder)):
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if is_watched_folder_name(entry.name):
                        pending.append(entry.path)
                elif is_photo_name(entry.name) and entry.is_file():
                    status = entry.stat()
                    yield entry.path, FileStamp(status.st_size, status.st_mtime_ns)
            except OSError:  # removed meanwhile, or a link to nowhere
                continue


class WatchedPaths:
    """Which paths below a watched folder a scan would read; valid for a moment."""

    def __init__(self, root: Path) -> None:
        """root: the watched folder."""
        self._root = root
        self._folders = {root: True}

    def covers(self, path: Path) -> bool:
        """Whether no folder between the watched one and a path is hidden, or a library."""
        folder = path.parent
        is_watched = self._folders.get(folder)
        if is_watched is None:
            is_watched = (
                folder.is_relative_to(self._root)
                and is_watched_folder_name(folder.name)
                and not is_library(folder)
                and self.covers(folder)
            )
            self._folders[folder] = is_watched
        return is_watched
