"""The list of one inbox: folders and files by their paths, as the app that sends them sees it.

One JSON object a line; the last line of a path counts. Paths are only names: no file of the disk is
ever opened by one.
"""

import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from scene_model.errors import LibraryError
from scene_model.library.files.file_system import FileSystem, library_error

MAX_ENTRIES = 50_000
# The file is written anew when it has so many times more lines than entries.
_MAX_LINES_PER_ENTRY, _FEW_LINES = 2, 1_000

LIST_NAME = "entries.jsonl"

logger = logging.getLogger(__name__)


class EntryState(StrEnum):
    """What became of an entry.

    FOLDER: only a name. HELD: a file under a temporary name, which the app will rename. WAITING: a
    file that is to be added. ADDED, KNOWN, REFUSED: the results. IGNORED: a file of Finder or
    Explorer, which is not kept.
    """

    FOLDER = "folder"
    HELD = "held"
    WAITING = "waiting"
    ADDED = "added"
    KNOWN = "known"
    REFUSED = "refused"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or file of an inbox.

    file_bytes: its size. received_at, modified_at: seconds since 1970; the app may set the second.
    file: the name of its bytes in the folder of the inbox, while they are there. sha256: of them.
    code, message: why it was refused.
    """

    state: EntryState
    received_at: float
    modified_at: float
    file_bytes: int = 0
    file: str = ""
    sha256: str = ""
    code: str = ""
    message: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether it can hold others."""
        return self.state is EntryState.FOLDER

    @property
    def is_taken(self) -> bool:
        """Whether the library has it or will get it; an app cannot remove it then."""
        return self.state in (EntryState.WAITING, EntryState.ADDED, EntryState.KNOWN)


class Entries:
    """The entries of one inbox by path, such as ``Camera/IMG_1.HEIC``; thread-safe.

    The caller holds `lock` for what must happen together.
    """

    def __init__(self, folder: Path, file_system: FileSystem, new_dir: Path) -> None:
        """Read the list in a folder, if there is one. new_dir: for files being written."""
        self._file, self._file_system, self._new_dir = folder / LIST_NAME, file_system, new_dir
        self.lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._paths: dict[str, str] = {}
        self._open = self._lines = 0
        self._is_torn = False
        self._read()

    @property
    def open_count(self) -> int:
        """Number of folders, and of files whose bytes are here."""
        return self._open

    def get(self, path: str) -> Entry | None:
        """Return the entry of a path; None where there is none."""
        return self._entries.get(path)

    def path_of(self, file: str) -> str | None:
        """Return the path of the entry whose bytes a file has; None when there is none."""
        return self._paths.get(file)

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder; "" is the inbox itself."""
        with self.lock:
            return list(self._children.get(folder, ()))

    def items(self) -> list[tuple[str, Entry]]:
        """Return all, the oldest first."""
        with self.lock:
            return list(self._entries.items())

    def below(self, folder: str) -> list[tuple[str, Entry]]:
        """Return what is in a folder and its folders, each folder before what is in it."""
        with self.lock:
            rows = []
            for name in self.names(folder):
                path = joined(folder, name)
                rows += [(path, self._entries[path]), *self.below(path)]
            return rows

    def put(self, rows: Mapping[str, Entry], gone: Iterable[str] = ()) -> None:
        """Store entries in place of earlier ones of their paths, and remove others, in one write.

        It survives a power cut: an app may remove what it was told has arrived. Raises
        LibraryError.
        """
        with self.lock:
            gone = list(gone)
            # New paths first: if only a part is written, no file loses its only one.
            lines: list[dict[str, object]] = [{"path": p} | asdict(e) for p, e in rows.items()]
            lines += [{"path": path} for path in gone]
            self._append(lines)
            for path, entry in rows.items():
                self._set(path, entry)
            for path in gone:
                self._remove(path)
            self._forget_oldest()
            self._compact_if_long()

    def _forget_oldest(self) -> None:
        """Forget the oldest files that are done; an app may then send one again, as known."""
        excess = len(self._entries) - MAX_ENTRIES
        if excess > 0:
            done = (path for path, entry in self._entries.items() if not _is_open(entry))
            paths = [path for path, _ in zip(done, range(excess), strict=False)]
            try:
                self._append([{"path": path} for path in paths])
            except LibraryError as error:
                logger.warning("%s keeps what is done: %s", self._file, error.message)
                return
            for path in paths:
                self._remove(path)

    def _set(self, path: str, entry: Entry) -> None:
        self._take(path)  # the newest is the last
        self._entries[path] = entry
        self._open += _is_open(entry)
        if entry.file:
            self._paths[entry.file] = path
        folder, _, name = path.rpartition("/")
        self._children.setdefault(folder, {})[name] = None

    def _remove(self, path: str) -> None:
        self._take(path)
        folder, _, name = path.rpartition("/")
        self._children.get(folder, {}).pop(name, None)
        self._children.pop(path, None)

    def _take(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is not None:
            self._open -= _is_open(entry)
            if self._paths.get(entry.file) == path:
                del self._paths[entry.file]

    def _append(self, rows: list[dict[str, object]]) -> None:
        start = "\n" if self._is_torn else ""
        lines = "\n".join(map(json.dumps, rows))
        self._is_torn = True  # a full disk may take a part of a line
        try:
            self._file_system.append(self._file, start + lines, is_flushed=True)
        except OSError as error:
            raise library_error(error, self._file.parent) from error
        self._is_torn = False
        self._lines += len(rows)

    def _compact_if_long(self) -> None:
        if self._lines <= _MAX_LINES_PER_ENTRY * len(self._entries) + _FEW_LINES:
            return
        rows = [json.dumps({"path": path} | asdict(e)) for path, e in self._entries.items()]
        data = "".join(f"{row}\n" for row in rows).encode("utf-8")
        try:
            self._file_system.write_whole(self._file, data, self._new_dir)
            self._lines = len(rows)
        except OSError as error:
            logger.warning("%s was not made smaller: %s", self._file, error.strerror)

    def _read(self) -> None:
        try:
            data = self._file.read_bytes()
        except FileNotFoundError:
            return
        self._is_torn = bool(data) and not data.endswith(b"\n")
        for line in data.splitlines():
            self._lines += 1
            try:
                row = json.loads(line)
                path = row.pop("path")
                if row:
                    row["state"] = EntryState(row["state"])
                    self._set(path, Entry(**row))
                else:
                    self._remove(path)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # an incomplete line: its request was not answered


def joined(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def _is_open(entry: Entry) -> bool:
    return entry.is_folder or bool(entry.file)
