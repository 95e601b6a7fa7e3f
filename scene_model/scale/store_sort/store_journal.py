"""The journal of a sort to an object store: its plan, written before any file is touched.

DEST/.scene-sort/0001.jsonl has a header and a line for each step; a copy of it, named by the
sort's token, stays on the computer that sorted. Objects cannot be appended to: which steps are
done is shown by the store, whose objects are marked, and by SOURCE. Notes, written when a sort or
its undo ends, have what these cannot show: the ETags, and which steps failed.

Who can write to the bucket could write a journal that names any file. So paths of a journal are
followed only where the copy on this computer is the same, or below a folder that the user names.
"""

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from scene_model.errors import FolderRefused, JournalDamaged, NothingSorted, StoreUnavailable
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.folder_times import Times
from scene_model.export.sorting.journal import JOURNAL_DIR
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.files.held_folder import Entry
from scene_model.scale.object_parts import ObjectParts

_FORMAT = 1
_NAME = re.compile(r"(\d{4,})\.jsonl")
_NOTES_NAME = re.compile(r"\d{4,}\.notes\.json")
_TOKEN = re.compile("[0-9a-f]{16}")


class State(StrEnum):
    """How far a sort is. settled: undone, except for files that could not be reverted."""

    SORTING = "sorting"
    FINISHED = "finished"
    UNDOING = "undoing"
    SETTLED = "settled"


@dataclass
class Notes:
    """What was noted about a sort. failed: steps; versions: ETags of objects by step."""

    state: State = State.SORTING
    failed: set[int] = field(default_factory=set)
    versions: dict[int, str] = field(default_factory=dict)

    @property
    def is_cut_off(self) -> bool:
        """Whether the sort or its undo was interrupted."""
        return self.state in (State.SORTING, State.UNDOING)


@dataclass
class StoreJournal:
    """The journal of one sort. source_root: SOURCE on this computer. modes: permissions of files.

    times: of folders that files leave, as in `Journal`.
    """

    name: str
    token: str
    kind: Kind
    source_root: str
    steps: list[Step]
    modes: list[int]
    times: Times
    notes: Notes = field(default_factory=Notes)

    def mark(self, step: Step) -> str:
        """Return the mark of a step's object."""
        return f"{self.token}-{step.number}"

    def part(self, source: Entry, step: Step) -> Entry:
        """Return the temporary path of a download, in the folder of the final file."""
        return source.sibling(f".scene-sort-{self.token}-{step.number}.part")


class StoreJournals:
    """The journals of a DEST. Methods raise StoreUnavailable."""

    def __init__(self, dest: str, copies: Path, file_system: SortFileSystem) -> None:
        """copies: folder of the journals of this computer, which need not exist."""
        self.dest, self._copies, self._file_system = dest, copies, file_system
        self.parts = ObjectParts(f"{dest}/{JOURNAL_DIR}")

    def last(self, source: Path | None = None) -> StoreJournal | None:
        """Read the journal of the last sort that is not undone; None without one.

        source: the folder that stands for SOURCE, on another computer. Raises JournalDamaged, and
        FolderRefused where this computer did not write the journal and no folder is named.
        """
        numbers = self._numbers()
        if not numbers:
            return None
        name = f"{max(numbers):04d}.jsonl"
        data = self.parts.read(name)
        if data is None:
            raise self._damaged(name, "it has just been removed")
        return self._journal(name, data, source)

    def last_state(self) -> Notes | None:
        """Read the notes of the last sort that is not undone, wherever it ran; None without one."""
        numbers = self._numbers()
        if not numbers:
            return None
        name = f"{max(numbers):04d}.jsonl"
        try:
            token = str(self._header(name)["token"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(name, error) from error
        return self._notes(name, token)

    def last_kind(self) -> Kind | None:
        """Read the kind of the last sort that is not undone; None when it cannot be read."""
        try:
            return Kind(self._header(f"{max(self._numbers()):04d}.jsonl")["kind"])
        except (ValueError, KeyError, TypeError, StoreUnavailable):
            return None

    def require(self, source: Path | None = None) -> StoreJournal:
        """As `last`; raises NothingSorted without a journal."""
        journal = self.last(source)
        if journal is None:
            raise NothingSorted(
                f"{self.dest} has no journal of a sort ({JOURNAL_DIR}), so there is nothing to "
                "undo or resume. Name the prefix that photos were sorted to."
            )
        return journal

    def begin(
        self, kind: Kind, source_root: str, steps: list[Step], modes: list[int], times: Times
    ) -> StoreJournal:
        """Write the journal of a new sort, under DEST's lock; raises OSError for its copy."""
        name = f"{max(self._numbers(), default=0) + 1:04d}.jsonl"
        token = secrets.token_hex(8)
        journal = StoreJournal(name, token, kind, source_root, steps, modes, times)
        data = "".join(f"{line}\n" for line in self._lines(journal)).encode("ascii")
        self._file_system.before_step("copy journal", self._copies)
        self._file_system.make_folder(self._copies)
        self._file_system.write_whole(self._copy(token), data, self._copies)
        self._file_system.before_step("journal", name)
        if not self.parts.write_new(name, data) and self.parts.read(name) != data:
            raise self._damaged(name, "another computer has just written it")
        return journal

    def note(self, journal: StoreJournal) -> None:
        """Write a journal's notes."""
        self._file_system.before_step("note", journal.name)
        notes = {
            "token": journal.token,
            "state": journal.notes.state,
            "failed": sorted(journal.notes.failed),
            "versions": journal.notes.versions,
        }
        self.parts.write(_notes_name(journal.name), json.dumps(notes).encode("ascii"))

    def remove(self, journal: StoreJournal) -> None:
        """Remove the journal of an undone sort, then what belongs to it."""
        self._file_system.before_step("delete journal", journal.name)
        self.parts.remove(journal.name)
        self._file_system.before_step("delete notes", journal.name)
        self.parts.remove(_notes_name(journal.name))
        self._copy(journal.token).unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove the notes of journals that were removed right before a kill."""
        names = self.parts.names()
        journals = {_notes_name(name) for name in names if _NAME.fullmatch(name)}
        for name in names:
            if _NOTES_NAME.fullmatch(name) and name not in journals:
                self.parts.remove(name)

    def _header(self, name: str) -> dict[str, Any]:
        header: dict[str, Any] = json.loads((self.parts.read(name) or b"").partition(b"\n")[0])
        return header

    def _numbers(self) -> list[int]:
        return [int(match[1]) for name in self.parts.names() if (match := _NAME.fullmatch(name))]

    def _copy(self, token: str) -> Path:
        return self._copies / f"{token}.jsonl"

    def _lines(self, journal: StoreJournal) -> Iterator[str]:
        root = Path(journal.source_root)
        header = {
            "format": _FORMAT,
            "kind": journal.kind,
            "token": journal.token,
            "host": socket.gethostname(),
            "source": journal.source_root,
            "steps": len(journal.steps),
            "times": {
                os.path.relpath(folder, root): times for folder, times in journal.times.items()
            },
        }
        yield json.dumps(header)
        skipped = len(self.dest) + 1
        for step, mode in zip(journal.steps, journal.modes, strict=True):
            source = Path(step.source).relative_to(root).as_posix()
            file = (step.sha256, step.bytes, step.mtime_ns, step.inode, mode)
            yield json.dumps((step.lead, source, step.target[skipped:], *file))

    def _journal(self, name: str, data: bytes, source: Path | None) -> StoreJournal:
        lines = data.splitlines()
        try:
            header: dict[str, Any] = json.loads(lines[0])
            if header["format"] != _FORMAT:
                raise JournalDamaged(
                    f"{self._url(name)} was written by another version of this program (format "
                    f"{header['format']}; this one reads {_FORMAT}). Use that version."
                )
            token, kind = str(header["token"]), Kind(header["kind"])
            if not _TOKEN.fullmatch(token) or len(lines) != header["steps"] + 1:
                raise ValueError("it is not whole")
            root = source or self._trusted_source(name, header, data)
            rows = [json.loads(line) for line in lines[1:]]
            steps = [self._step(number, row, root) for number, row in enumerate(rows)]
            times: Times = {
                str(root / _below(folder)): (int(of[0]), int(of[1]))
                for folder, of in header["times"].items()
            }
            modes = [int(row[7]) & 0o777 for row in rows]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise self._damaged(name, error) from error
        notes = self._notes(name, token)
        return StoreJournal(name, token, kind, str(root), steps, modes, times, notes)

    def _trusted_source(self, name: str, header: dict[str, Any], data: bytes) -> Path:
        try:
            is_ours = self._copy(str(header["token"])).read_bytes() == data
        except OSError:
            is_ours = False
        if not is_ours:
            raise FolderRefused(
                f"{self._url(name)} was not written by this computer: it names {header['source']} "
                f"on {header['host']}. Undo the sort there, or run `undo {self.dest} --source "
                "FOLDER` with the folder here that stands for it."
            )
        return Path(header["source"])

    def _step(self, number: int, row: list[Any], root: Path) -> Step:
        lead, source, target, sha256, size, mtime_ns, inode, _ = row
        if not 0 <= lead <= number:
            raise ValueError(f"{lead} is no step")
        url = f"{self.dest}/{_below(target)}"
        path = str(root / _below(source))
        return Step(number, lead, path, url, sha256, int(size), int(mtime_ns), int(inode))

    def _notes(self, name: str, token: str) -> Notes:
        data = self.parts.read(_notes_name(name))
        if data is None:
            return Notes()
        try:
            stored = json.loads(data)
            if stored["token"] != token:  # of an undone sort with this number
                return Notes()
            versions = {int(number): str(of) for number, of in stored["versions"].items()}
            return Notes(State(stored["state"]), set(stored["failed"]), versions)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(_notes_name(name), error) from error

    def _url(self, name: str) -> str:
        return f"{self.dest}/{JOURNAL_DIR}/{name}"

    def _damaged(self, name: str, reason: object) -> JournalDamaged:
        return JournalDamaged(
            f"The journal {self._url(name)} is damaged ({reason}). Nothing was touched. Each of "
            "its lines names the source of a file, so that you can restore it by hand."
        )


def _notes_name(name: str) -> str:
    return f"{name.removesuffix('.jsonl')}.notes.json"


def _below(path: str) -> str:
    """Return a relative path that does not lead out of its folder; raises ValueError."""
    parts = PurePosixPath(path).parts
    if Path(path).is_absolute() or PurePosixPath(path).is_absolute() or ".." in parts:
        raise ValueError(f"{path!r} is not below the folder")
    if os.name == "nt" and (":" in path or ".." in Path(path).parts):
        raise ValueError(f"{path!r} is not below the folder")
    return path
