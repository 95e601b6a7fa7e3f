"""The list of a library's watched folders, on disk.

LIBRARY/watch/ID/folder.json   the folder and how its photos are added
LIBRARY/watch/ID/files.jsonl   what was done with its files, see `ledger`
LIBRARY/watch/ID/state.json    what the last scan showed, for other processes
LIBRARY/watch/ID.lock          held by the process that watches the folder

ID is made from the path, so that two processes mean the same folder by it.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scene_model.errors import FolderInaccessible, FolderNotWatchable, PathNotFound
from scene_model.ingest.watch.folder_files import is_library
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE, library_error
from scene_model.library.store import Library

FOLDER_NAME = "watch"
_FOLDER_FILE, _LEDGER_FILE, _STATE_FILE = "folder.json", "files.jsonl", "state.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WatchedFolder:
    """A folder whose new photos are added.

    path: absolute. by_reference: originals stay there; else they are copied. is_paused: the server
    does not watch it now.
    """

    path: Path
    by_reference: bool
    is_paused: bool = False

    @property
    def id(self) -> str:
        """The id, made from the path."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]


def has_watched_folders(library_folder: Path) -> bool:
    """Whether a library, which need not be open, has folders that a server is to watch."""
    return any(not folder.is_paused for folder in _read_all(library_folder / FOLDER_NAME))


class WatchedFolders:
    """The watched folders of one library; every change is one atomic write."""

    def __init__(self, library: Library) -> None:
        """Nothing is read or written yet."""
        self._library = library
        self._folder = library.folder / FOLDER_NAME

    def all(self) -> list[WatchedFolder]:
        """Return the watched folders, by path."""
        return sorted(_read_all(self._folder), key=lambda folder: folder.path)

    def find(self, folder_id: str) -> WatchedFolder | None:
        """Return a watched folder by its id."""
        return _read(self._folder / folder_id)

    def save(self, folder: WatchedFolder) -> None:
        """Add a folder or change one; raises LibraryUnavailable."""
        row = {"path": str(folder.path), "by_reference": folder.by_reference}
        data = json.dumps(row | {"is_paused": folder.is_paused}).encode("utf-8")
        self._write(self.data_dir(folder) / _FOLDER_FILE, data)

    def set_paused(self, folder_id: str, is_paused: bool) -> WatchedFolder | None:
        """Pause a folder or resume it; returns it, None when it is no longer watched."""
        folder = self.find(folder_id)
        if folder is not None:
            folder = replace(folder, is_paused=is_paused)
            self.save(folder)
        return folder

    def remove(self, folder: WatchedFolder) -> None:
        """Forget a folder; its photos stay in the library."""
        file_system = self._library.file_system
        try:
            file_system.remove(self.data_dir(folder) / _FOLDER_FILE)
            file_system.remove_folder(self.data_dir(folder))
        except OSError as error:
            raise library_error(error, self._library.folder) from error

    def data_dir(self, folder: WatchedFolder) -> Path:
        """Return the folder of what is stored about a watched folder."""
        return self._folder / folder.id

    def ledger_file(self, folder: WatchedFolder) -> Path:
        """Return the path of the list of handled files."""
        return self.data_dir(folder) / _LEDGER_FILE

    def write_state(self, folder: WatchedFolder, state: dict[str, Any]) -> None:
        """Store what a scan showed; a failure only leaves the earlier one."""
        try:
            self._write(self.data_dir(folder) / _STATE_FILE, json.dumps(state).encode("utf-8"))
        except Exception as error:  # the disk may be full: the photos matter more
            logger.warning("the state of %s was not stored: %s", folder.path, error)

    def read_state(self, folder: WatchedFolder) -> dict[str, Any]:
        """Return what `write_state` stored last, by any process; empty without one."""
        try:
            row = json.loads((self.data_dir(folder) / _STATE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return row if isinstance(row, dict) else {}

    def require_watchable(self, path: Path) -> None:
        """Check that a folder can be added.

        Raises PathNotFound, FolderInaccessible, or FolderNotWatchable for a folder that is inside
        another watched one, around one, or in a library.
        """
        require_readable(path)
        require_apart(path, (folder.path for folder in self.all()))
        for parent in (_real(path), *_real(path).parents):
            if is_library(parent) or parent == _real(self._library.folder):
                where = (
                    "is a library" if parent == _real(path) else f"is inside the library {parent}"
                )
                raise FolderNotWatchable(
                    f"The folder {path} {where}, so it cannot be watched. Choose the folder that "
                    "new photos arrive in.",
                    code="folder_in_library",
                )

    def _write(self, file: Path, data: bytes) -> None:
        file_system = self._library.file_system
        try:
            file_system.make_folder(self._folder, PRIVATE_FOLDER_MODE)
            file_system.write_whole(file, data, self._library.files.new_dir)
        except OSError as error:
            raise library_error(error, self._library.folder) from error


def require_readable(path: Path) -> None:
    """Raise PathNotFound or FolderInaccessible for a folder that cannot be read."""
    if not path.is_dir():
        what = "is a file; name a folder" if path.exists() else "does not exist"
        raise PathNotFound(f"The folder {path} {what}. Choose a folder that is there.")
    try:
        with os.scandir(path) as entries:
            next(entries, None)
    except OSError as error:
        raise FolderInaccessible(
            f"The folder {path} cannot be read: {error.strerror}. Change its permissions, or "
            "choose another one."
        ) from error


def require_apart(path: Path, others: Iterable[Path]) -> None:
    """Raise FolderNotWatchable when a folder is inside another one or around it."""
    real = _real(path)
    for other in others:
        real_other = _real(other)
        if path == other:
            continue
        if real.is_relative_to(real_other) or real_other.is_relative_to(real):
            where = "is inside" if real.is_relative_to(real_other) else "contains"
            where = "is the same folder as" if real == real_other else where
            raise FolderNotWatchable(
                f"The folder {path} {where} {other}, which is watched already with everything "
                "below it. Stop watching that one first, or choose another folder.",
                code="folder_overlaps",
            )


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links
        return path


def _read_all(folder: Path) -> list[WatchedFolder]:
    try:
        paths = [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []
    return [watched for path in paths if (watched := _read(path)) is not None]


def _read(data_dir: Path) -> WatchedFolder | None:
    try:
        row = json.loads((data_dir / _FOLDER_FILE).read_text(encoding="utf-8"))
        folder = WatchedFolder(Path(row["path"]), bool(row["by_reference"]), bool(row["is_paused"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("the watched folder %s cannot be read: %s", data_dir, error)
        return None
    return folder if folder.id == data_dir.name else None
