"""What a sort was going to do and how far it came, on the disk before anything is touched.

DEST/.scene-sort/0001.jsonl: a header, a line a step, then notes as they come. It gets its name
when the plan in it is whole. What was done is told by the disk itself, where that can be; the
notes say which steps failed, and what is somebody else's.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from scene_model.errors import JournalDamaged, NothingSorted
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.plan import Kind, Step

JOURNAL_DIR = ".scene-sort"
_FORMAT = 1
# Ends in time: the kernel takes a write of so much in one piece or not at all, but for full disks.
_LINES_AT_ONCE = 2_000


@dataclass
class Progress:
    """The notes of a journal: numbers of steps by what became of them.

    is_settled: undoing came to its end, though some files had to stay.
    is_all_back: undoing has just brought back all.
    """

    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    is_finished: bool = False
    is_undoing: bool = False
    is_settled: bool = False
    is_all_back: bool = False

    @property
    def is_cut_off(self) -> bool:
        """Tell whether the sort, or its undoing, did not come to its end."""
        return not (self.is_settled if self.is_undoing else self.is_finished)


@dataclass
class Journal:
    """One sort's journal, open for notes.

    made: folders made for DEST itself, outer ones first; folders: those below it.
    times: of folders that the sort changes the entries of, access and modification time in ns.
    """

    path: Path
    dest: str
    kind: Kind
    made: list[str]
    folders: list[str]
    times: dict[str, tuple[int, int]]
    steps: list[Step]
    progress: Progress
    file_system: SortFileSystem
    _descriptor: int = -1

    def __enter__(self) -> Self:
        """Open it for notes."""
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        os.close(self._descriptor)

    def note(self, what: str, number: int | bool = True) -> None:
        """Write down what became of a step ("done", "failed", "undone"), or of the whole."""
        value = "true" if number is True else str(number)
        self.file_system.note(self._descriptor, f'{{"{what}":{value}}}\n'.encode(), self.path)

    def flush(self) -> None:
        """Make the notes last."""
        os.fsync(self._descriptor)

    def note_if_room(self, what: str, number: int | bool = True) -> None:
        """Write down what the disk tells as well: a full one is no reason not to go on."""
        with contextlib.suppress(OSError):
            self.note(what, number)
            if number is True:
                self.flush()

    def remove(self) -> None:
        """Forget the sort, once nothing of it is left."""
        self.file_system.remove(self.path)


def journal_dir(dest: Path) -> Path:
    """Where the journals of a folder lie."""
    return dest / JOURNAL_DIR


def write_journal(journal: Journal) -> None:
    """Write the plan down, whole or not at all; raises OSError."""
    journal.file_system.make_folder(journal.path.parent)
    part = journal.path.with_suffix(".part")
    try:
        journal.file_system.before_step("write", part)
        with part.open("wb") as file:
            for lines in _batches(_lines(journal)):
                file.write(lines)
            file.flush()
            journal.file_system.before_step("flush", part)
            os.fsync(file.fileno())
        journal.file_system.rename_new(str(part), str(journal.path))
    except OSError:
        part.unlink(missing_ok=True)
        raise
    journal.file_system.flush_folder(journal.path.parent)


def last_journal(dest: Path, file_system: SortFileSystem) -> Journal | None:
    """Read the journal of the last sort that is not undone; raises JournalDamaged."""
    numbers = _numbers(dest)
    return (
        _read(journal_dir(dest) / f"{max(numbers):04d}.jsonl", dest, file_system)
        if numbers
        else None
    )


def require_journal(dest: Path, file_system: SortFileSystem) -> Journal:
    """Read the last journal; raises NothingSorted or JournalDamaged."""
    journal = last_journal(dest, file_system)
    if journal is None:
        raise NothingSorted(
            f"{dest} holds no journal of a sort ({JOURNAL_DIR}), so there is nothing to undo or "
            "to go on with. Name the folder that photos were sorted into."
        )
    return journal


def next_path(dest: Path) -> Path:
    """Where the next journal goes."""
    return journal_dir(dest) / f"{max(_numbers(dest), default=0) + 1:04d}.jsonl"


def _numbers(dest: Path) -> list[int]:
    try:
        names = [path.stem for path in journal_dir(dest).iterdir() if path.suffix == ".jsonl"]
    except FileNotFoundError:
        return []
    return [int(name) for name in names if name.isdecimal()]


def _lines(journal: Journal) -> Iterator[str]:
    yield json.dumps(
        {
            "format": _FORMAT,
            "kind": journal.kind,
            "steps": len(journal.steps),
            "made": journal.made,
            "folders": [os.path.relpath(folder, journal.dest) for folder in journal.folders],
            "times": journal.times,
        }
    )
    prefix = len(journal.dest.rstrip(os.sep)) + 1
    for step in journal.steps:
        yield json.dumps(
            (
                step.lead,
                step.source,
                # Below DEST, which may be mounted elsewhere by the time of undoing.
                step.target[prefix:],
                step.sha256,
                step.bytes,
                step.mtime_ns,
                step.inode,
            )
        )


def _batches(lines: Iterator[str]) -> Iterator[bytes]:
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _LINES_AT_ONCE:
            yield ("\n".join(batch) + "\n").encode("ascii")
            batch = []
    if batch:
        yield ("\n".join(batch) + "\n").encode("ascii")


def _read(path: Path, dest: Path, file_system: SortFileSystem) -> Journal:
    try:
        with path.open("rb") as file:
            header: dict[str, Any] = json.loads(file.readline())
            if header["format"] != _FORMAT:
                raise JournalDamaged(
                    f"{path} was written by another version of this program (format "
                    f"{header['format']}; this one reads {_FORMAT}). Use that version."
                )
            for folder in header["folders"]:
                _require_below(folder)
            steps = [_step(n, file.readline(), dest) for n in range(header["steps"])]
            progress = _progress(file.read())
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise JournalDamaged(
            f"{path} cannot be read as it was written ({error}). Nothing was touched. It lists, "
            "line by line, where each file came from."
        ) from error
    return Journal(
        path=path,
        dest=str(dest),
        kind=Kind(header["kind"]),
        made=header["made"],
        folders=[str(dest / folder) for folder in header["folders"]],
        times={folder: (times[0], times[1]) for folder, times in header["times"].items()},
        steps=steps,
        progress=progress,
        file_system=file_system,
    )


def _step(number: int, line: bytes, dest: Path) -> Step:
    lead, source, target, sha256, size, mtime_ns, inode = json.loads(line)
    _require_below(target)
    return Step(
        number,
        lead,
        source,
        os.path.join(dest, target),
        sha256,
        size,
        mtime_ns,
        inode,
    )


def _require_below(path: str) -> None:
    """Nobody else's journal may lead out of its folder; raises ValueError."""
    if os.path.isabs(path) or ".." in Path(path).parts:
        raise ValueError(f"{path!r} is not below the folder")


def _progress(notes: bytes) -> Progress:
    progress = Progress()
    whole, _, _ = notes.rpartition(b"\n")  # a kill may cut the last note
    for line in whole.splitlines():
        try:
            ((what, value),) = json.loads(line).items()
        except ValueError:
            continue  # a note that was cut, and gone on behind: the disk tells
        if what == "finished":
            progress.is_finished = True
        elif what == "undoing":
            progress.is_undoing, progress.is_settled = True, False
        elif what == "settled":
            progress.is_settled = True
        else:
            getattr(progress, what).add(value)
    return progress
