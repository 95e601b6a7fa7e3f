"""One inbox: what an app may do in it, and the files that are to be added.

LIBRARY/inbox/CODE/entries.jsonl   the list that the app sees
LIBRARY/inbox/CODE/0123abcd…       the bytes of files that have arrived and are not added yet

An app can only add. What has arrived under the name of a picture or a video is added to the
library, and neither removed nor replaced from here; a file under another name is held until the app
renames it.
"""

import math
import os
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from scene_model.errors import FileTooLarge, InboxError, InternalError, LibraryError
from scene_model.ingest.inbox.entries import LIST_NAME, Entries, Entry, EntryState, joined
from scene_model.ingest.inbox.names import checked_path, is_final_name, is_system_name
from scene_model.jobs.job import Outcome
from scene_model.library.files.file_system import PRIVATE_FOLDER_MODE, library_error
from scene_model.library.store import Library
from scene_model.photos.content import check_named_bytes, most_bytes
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.names import refusal_by_name

FOLDER_NAME = "inbox"
# Folders, and files that are not added yet.
MAX_OPEN = 10_000
# A file under a temporary name is added after this time all the same: its app has given up.
HELD_S = 3_600.0


@dataclass(frozen=True)
class Arrived:
    """A file that was received whole. path: where it was written. sha256: of its bytes."""

    path: Path
    file_bytes: int
    sha256: str


@dataclass(frozen=True)
class Waiting:
    """A file to be added: its path in the inbox, and where its bytes are."""

    shown_path: str
    source: Path


class Inbox:
    """The inbox of one code; thread-safe."""

    def __init__(
        self,
        library: Library,
        code_id: str,
        limits: PhotoLimits,
        on_waiting: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open it. on_waiting: called when a file is to be added. clock: seconds since 1970."""
        self._library, self._limits = library, limits
        self._on_waiting, self._clock = on_waiting, clock
        self.folder = library.folder / FOLDER_NAME / code_id
        try:
            library.file_system.make_folder(self.folder, PRIVATE_FOLDER_MODE)
        except OSError as error:
            raise library_error(error, library.folder) from error
        self.entries = Entries(self.folder, library.file_system, library.files.new_dir)
        self._remove_unlisted()
        self._add_refused_again()

    def new_path(self) -> Path:
        """Return a temporary path to write a file to, on the disk of the library."""
        return self._library.files.new_dir / secrets.token_hex(16)

    def begin_file(self, path: str, file_bytes: int | None) -> int:
        """Check that a file may be sent; returns how many bytes are accepted.

        file_bytes: the size that the app declares. Raises InboxError, PhotoError or LibraryFull.
        """
        path = self._place(path)
        name = path.rpartition("/")[2]
        entry = self.entries.get(path)
        if entry is not None and entry.is_folder:
            raise InboxError(f"{path} is a folder.", code="inbox_name_taken")
        if entry is None:
            self._require_room()
        refusal = None if is_system_name(name) else refusal_by_name(name)
        if refusal is not None:
            raise refusal
        max_bytes = self._check_bytes(name, file_bytes or 0)
        self._library.require_space(file_bytes or 0)
        return max_bytes if file_bytes is None else file_bytes

    def finish_file(self, path: str, arrived: Arrived) -> bool:
        """Accept a file that was written whole; returns whether its name is new.

        Raises as `begin_file`.
        """
        path = self._place(path)
        name = path.rpartition("/")[2]
        try:
            _flush(arrived.path)
        except OSError as error:
            raise library_error(error, self._library.folder) from error
        now = self._clock()
        entry = Entry(EntryState.HELD, now, now, arrived.file_bytes, sha256=arrived.sha256)
        if is_system_name(name):
            entry = replace(entry, state=EntryState.IGNORED)
        elif arrived.file_bytes and is_final_name(name):
            check_named_bytes(name, arrived.file_bytes, self._limits)
            entry = replace(entry, state=EntryState.WAITING)
        with self.entries.lock:
            before = self.entries.get(path)
            if before is not None and before.is_folder:
                raise InboxError(f"{path} is a folder.", code="inbox_name_taken")
            if before is not None and _is_same_waiting(before, entry):
                return False  # sent again before it was added
            self._store(path, entry, arrived.path)
        if entry.state is EntryState.WAITING:
            self._on_waiting()
        return before is None

    def make_folder(self, path: str) -> None:
        """Make a folder; raises InboxError."""
        path = self._place(path)
        with self.entries.lock:
            if self.entries.get(path) is not None:
                raise InboxError(f"{path} is there already.", code="inbox_name_taken")
            self._require_room()
            now = self._clock()
            self.entries.put({path: Entry(EntryState.FOLDER, now, now)})

    def rename(self, path: str, target: str) -> None:
        """Give a file or folder another path, in place of what is there; raises InboxError.

        A file that was held under a temporary name is then added.
        """
        path, target = checked_path(path), self._place(target)
        with self.entries.lock:
            entry, replaced = self.entries.get(path), self.entries.get(target)
            is_inside = f"{target}/".startswith(f"{path}/") or path.startswith(f"{target}/")
            if entry is None or is_inside:
                raise InboxError(f"{path} cannot be renamed to {target}.")
            sources = {target: (path, entry)}
            for inner, inner_entry in self.entries.below(path):
                sources[checked_path(target + inner[len(path) :])] = inner, inner_entry
            moved = {name: self._renamed(name, e) for name, (_, e) in sources.items()}
            gone = [source for source, _ in sources.values()][::-1]
            self.entries.put(self._make_way(target) | moved, gone)
            self._remove_replaced(replaced)
        self._on_waiting()

    def remove(self, path: str) -> None:
        """Remove a name from the list: a folder, or a file that the library does not get.

        Raises InboxError for what was added: the app may then believe that nothing remains here.
        """
        path = checked_path(path)
        with self.entries.lock:
            self._clear(path)

    def set_time(self, path: str, modified_at: float) -> None:
        """Store the time of change that an app gives a file."""
        with self.entries.lock:
            entry = self.entries.get(checked_path(path))
            if entry is not None:
                self.entries.put({checked_path(path): replace(entry, modified_at=modified_at)})

    def waiting(self) -> list[Waiting]:
        """Return the files to be added, the oldest first; also those held for too long."""
        self._give_up_held(self._clock() - HELD_S)
        return [
            Waiting(path, self.folder / entry.file)
            for path, entry in self.entries.items()
            if entry.state is EntryState.WAITING
        ]

    def counts(self) -> Counter[EntryState]:
        """Return how many entries there are by their states."""
        return Counter(entry.state for _, entry in self.entries.items())

    def refused(self) -> list[tuple[str, Entry]]:
        """Return the files that could not be added, the newest first."""
        rows = [row for row in self.entries.items() if row[1].state is EntryState.REFUSED]
        return rows[::-1]

    def settle(self, source: Path, outcome: Outcome) -> None:
        """Store the result of a file that was to be added, and remove its bytes.

        After an internal error the bytes stay: the app may have removed the photo from the phone.
        """
        if outcome.is_waiting:
            return  # for want of disk space, say; it is tried again
        is_kept = False
        with self.entries.lock:
            path = self.entries.path_of(source.name)
            entry = None if path is None else self.entries.get(path)
            if path is not None and entry is not None:
                state = EntryState.KNOWN if outcome.was_known else EntryState.ADDED
                code = message = ""
                if outcome.skipped is not None:
                    state = EntryState.REFUSED
                    code, message = outcome.skipped.code, outcome.skipped.public_message
                    is_kept = code == InternalError.code and source.exists()
                if is_kept:
                    message += " The file is kept, and added again after the next start."
                file = entry.file if is_kept else ""
                settled = replace(entry, state=state, file=file, code=code, message=message)
                self.entries.put({path: settled})
        if not is_kept:
            self._remove_bytes(source)

    def forget(self) -> None:
        """Remove the inbox, unless it has the bytes of a file: held ones are then added."""
        with self.entries.lock:
            self._give_up_held(math.inf)
            if not any(entry.file for _, entry in self.entries.items()):
                self._library.file_system.remove_folder(self.folder)
                return
        self._on_waiting()

    def _place(self, path: str) -> str:
        """Return the path of a file or folder in a folder that is there."""
        path = checked_path(path)
        if not path:
            raise InboxError("The inbox itself stays as it is.", code="inbox_name_taken")
        folder = path.rpartition("/")[0]
        parent = self.entries.get(folder) if folder else None
        if folder and (parent is None or not parent.is_folder):
            raise InboxError(
                f"The folder {folder} is not in the inbox. Make it first.",
                code="inbox_folder_missing",
            )
        return path

    def _check_bytes(self, name: str, file_bytes: int) -> int:
        """Raise FileTooLarge for too many bytes under a name; returns the limit."""
        if is_final_name(name):
            check_named_bytes(name, file_bytes, self._limits)
            return most_bytes(name, self._limits)
        # It may be renamed to a video.
        limit = max(self._limits.max_file_bytes, self._limits.max_video_bytes)
        if file_bytes > limit:
            raise FileTooLarge(f"The file has {file_bytes:,} bytes; the limit is {limit:,}.")
        return limit

    def _require_room(self) -> None:
        if self.entries.open_count >= MAX_OPEN:
            raise InboxError(
                f"The inbox has {MAX_OPEN:,} folders and files that are not added yet, the limit. "
                "Wait until they are added, or remove folders.",
                code="inbox_full",
            )

    def _store(self, path: str, entry: Entry, written: Path) -> None:
        """Move the bytes of a file into place, then list it; the caller has the lock."""
        replaced = self.entries.get(path)
        rows = self._make_way(path) | {path: entry}
        if entry.state is not EntryState.IGNORED:
            entry = rows[path] = replace(entry, file=secrets.token_hex(16))
            try:
                self._library.file_system.before_step("rename", self.folder / entry.file)
                written.replace(self.folder / entry.file)
                self._library.file_system.flush_folder(self.folder)
            except OSError as error:
                raise library_error(error, self._library.folder) from error
        try:
            self.entries.put(rows)
        except LibraryError:
            # The app sends it again, and each copy would take more of a full disk.
            self._remove_bytes(self.folder / entry.file)
            raise
        self._remove_replaced(replaced)

    def _make_way(self, path: str) -> dict[str, Entry]:
        """Let a path be used again; returns what is there and is still to be added, renamed.

        Two files of one name are both added. Raises InboxError for a folder that is in use.
        """
        before = self.entries.get(path)
        if before is not None and before.is_folder:
            self._clear(path)
        elif before is not None and before.file and before.state is not EntryState.HELD:
            return {self._free_name(path): before}
        return {}

    def _remove_replaced(self, before: Entry | None) -> None:
        """Remove the bytes of an earlier file under a name, unless it has another name now."""
        if before is not None and self.entries.path_of(before.file) is None:
            self._remove_bytes(self.folder / before.file)

    def _free_name(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        number = 2
        while self.entries.get(joined(folder, f"{stem} ({number}){suffix}")) is not None:
            number += 1
        return joined(folder, f"{stem} ({number}){suffix}")

    def _renamed(self, path: str, entry: Entry) -> Entry:
        """Return an entry under another name; a held file is to be added under a final one."""
        name = path.rpartition("/")[2]
        if entry.state is not EntryState.HELD or not entry.file_bytes:
            return entry
        refusal = refusal_by_name(name)
        if refusal is not None:
            raise refusal
        if not is_final_name(name):
            return entry
        check_named_bytes(name, entry.file_bytes, self._limits)
        return replace(entry, state=EntryState.WAITING)

    def _clear(self, path: str) -> None:
        """Remove an entry and what is in it; the caller has the lock."""
        rows = self.entries.below(path)
        entry = self.entries.get(path)
        rows = ([] if entry is None else [(path, entry)]) + rows
        for inner, taken in rows:
            if taken.is_taken:
                raise InboxError(
                    f"{inner} was added to the library, and is not removed from here. An inbox "
                    "only adds."
                )
        self.entries.put({}, [inner for inner, _ in rows][::-1])
        for _, removed in rows:
            self._remove_bytes(self.folder / removed.file)

    def _give_up_held(self, before: float) -> None:
        """Let files be added under their temporary names that arrived before a time."""
        self._add_all(lambda entry: entry.state is EntryState.HELD and entry.received_at < before)

    def _add_refused_again(self) -> None:
        """Let files be added whose bytes an internal error left here."""
        self._add_all(lambda entry: entry.state is EntryState.REFUSED and bool(entry.file))

    def _add_all(self, is_chosen: Callable[[Entry], bool]) -> None:
        with self.entries.lock:
            rows = {
                path: replace(entry, state=EntryState.WAITING, code="", message="")
                for path, entry in self.entries.items()
                if is_chosen(entry)
            }
            if rows:
                self.entries.put(rows)

    def _remove_unlisted(self) -> None:
        """Remove what a kill left: bytes whose arrival was not answered, or that were added."""
        for path in self.folder.iterdir():
            if path.name != LIST_NAME and self.entries.path_of(path.name) is None:
                self._remove_bytes(path)

    def _remove_bytes(self, path: Path) -> None:
        if path != self.folder:
            try:
                self._library.file_system.remove(path)
            except OSError as error:
                raise library_error(error, self._library.folder) from error


def _is_same_waiting(before: Entry, entry: Entry) -> bool:
    states = {before.state, entry.state}
    return states == {EntryState.WAITING} and before.sha256 == entry.sha256


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
