"""What was done with each file of a watched folder, so that no file is read twice.

One JSON list a line; the last line of a path counts. A line is appended when a file is done, so a
kill loses at most the lines of files whose photos are in the library already: these are hashed
again and found there.
"""

import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scene_model.ingest.watch.folder_files import FileStamp
from scene_model.library.files.file_system import FileSystem

# The file is written anew when it has so many times more lines than entries.
_MAX_LINES_PER_ENTRY, _FEW_LINES = 2, 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HandledFile:
    """A file that is done: its photo, or code and message of why it cannot be one."""

    stamp: FileStamp
    photo_id: str | None
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class FailedFile:
    """A file that could not become a photo, and why."""

    path: str
    code: str
    message: str


class Ledger:
    """The handled files of one watched folder; thread-safe.

    version: changes with every entry.
    """

    def __init__(self, file: Path, file_system: FileSystem, new_dir: Path) -> None:
        """Read the file, if there is one. new_dir: on the same disk, for files being written."""
        self._file, self._file_system, self._new_dir = file, file_system, new_dir
        self._lock = threading.Lock()
        self._entries: dict[str, HandledFile] = {}
        self._failed = set[str]()
        self._lines = 0
        self._is_torn = False
        self.version = 0
        self._read()

    def get(self, path: str) -> HandledFile | None:
        """Return what was done with a path; None for a new one."""
        return self._entries.get(path)

    def paths(self) -> list[str]:
        """Return all paths."""
        with self._lock:
            return list(self._entries)

    def __len__(self) -> int:
        """Return how many files are done."""
        return len(self._entries)

    def failed(self) -> list[FailedFile]:
        """Return the files that could not become photos, by path."""
        with self._lock:
            entries = [(path, self._entries[path]) for path in sorted(self._failed)]
        return [FailedFile(path, entry.code, entry.message) for path, entry in entries]

    @property
    def photo_count(self) -> int:
        """Number of files whose photos are in the library."""
        return len(self._entries) - len(self._failed)

    def record(self, path: str, handled: HandledFile) -> None:
        """Store what was done with a file; when that fails, a restart reads the file again."""
        with self._lock:
            self._put(path, handled)
            self._append(_row(path, handled))

    def forget(self, paths: Iterable[str]) -> None:
        """Remove entries: of files that are gone, or that are to be tried again."""
        with self._lock:
            for path in paths:
                if path in self._entries:
                    self._drop(path)
                    self._append([path])
            if self._lines > _MAX_LINES_PER_ENTRY * len(self._entries) + _FEW_LINES:
                self._compact()

    def _put(self, path: str, handled: HandledFile) -> None:
        self._entries[path] = handled
        self.version += 1
        if handled.photo_id is None:
            self._failed.add(path)
        else:
            self._failed.discard(path)

    def _drop(self, path: str) -> None:
        self._entries.pop(path, None)
        self._failed.discard(path)
        self.version += 1

    def _append(self, row: list[object]) -> None:
        line = json.dumps(row, separators=(",", ":"))
        try:
            self._file_system.append(self._file, f"\n{line}" if self._is_torn else line)
            self._is_torn = False
            self._lines += 1
        except OSError as error:
            self._is_torn = True  # part of the line may be there
            logger.warning("a restart would read %s again: %s", row[0], error.strerror)

    def _compact(self) -> None:
        lines = [json.dumps(_row(path, entry)) for path, entry in self._entries.items()]
        data = "".join(f"{line}\n" for line in lines).encode("utf-8")
        try:
            self._file_system.write_whole(self._file, data, self._new_dir)
            self._lines, self._is_torn = len(lines), False
        except OSError as error:
            logger.warning("%s was not made smaller: %s", self._file, error.strerror)

    def _read(self) -> None:
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return
        self._is_torn = not data.endswith(b"\n")
        for line in data.splitlines():
            self._lines += 1
            try:
                path, *values = json.loads(line)
                if not values:
                    self._drop(path)
                    continue
                file_bytes, mtime_ns, photo_id, *error = values
                stamp = FileStamp(int(file_bytes), int(mtime_ns))
                self._put(path, HandledFile(stamp, photo_id, *error))
            except (ValueError, TypeError):
                continue  # an incomplete line: that file is read again


def _row(path: str, entry: HandledFile) -> list[object]:
    row: list[object] = [path, *entry.stamp, entry.photo_id]
    return [*row, entry.code, entry.message] if entry.code else row
