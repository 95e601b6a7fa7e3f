"""The journal of a sort: its plan and progress, written before any file is touched.

DEST/.scene-sort/0001.jsonl holds a header, one line per step, then notes on progress. The file
gets its name once the plan in it is complete. Where possible the state on disk shows which steps
are done; the notes record which steps failed and which files the sort did not write.

The header also has a random token: unfinished copies have it in their names, so that nobody can
put a file or a link there before, and only files that this sort made are removed.
"""

import contextlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from scene_model.errors import FolderRefused, JournalDamaged, NothingSorted
from scene_model.export.sorting.file_system import SortFileSystem, open_new
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.file_system import BINARY, NO_FOLLOW

JOURNAL_DIR = ".scene-sort"
_FORMAT = 1
# Lines per write: small enough that the kernel writes them all or not at all, full disks aside.
_LINES_PER_WRITE = 2_000
_TOKEN = re.compile("[0-9a-f]{16}")
_PART = re.compile(rf"\d+\.{_TOKEN.pattern}\.part")


@dataclass
class Progress:
    """The notes of a journal: step numbers by outcome.

    is_settled: the undo completed, but some files could not be reverted.
    is_reverted: the undo that just ran reverted every file. token: noted when an earlier version
    wrote the journal.
    """

    done: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    is_finished: bool = False
    is_undoing: bool = False
    is_settled: bool = False
    is_reverted: bool = False
    token: str = ""

    @property
    def is_cut_off(self) -> bool:
        """Whether the sort, or its undo, did not complete."""
        return not (self.is_settled if self.is_undoing else self.is_finished)


@dataclass
class Journal:
    """The journal of one sort; as a context manager it is open for notes.

    made: folders created for DEST itself, outermost first; folders: those below DEST.
    times: access and modification times, in ns, of folders whose entries the sort changes.
    token: in the names of unfinished copies; empty in a journal of an earlier version.
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
    token: str = ""
    _descriptor: int = -1

    def __enter__(self) -> Self:
        """Open the file for notes."""
        flags = os.O_WRONLY | os.O_APPEND | NO_FOLLOW | BINARY
        self._descriptor = os.open(self.path, flags)
        if not (self.token or self.progress.token):
            self.progress.token = new_token()
            self.note_if_room("token", self.progress.token)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def part_path(self, target: str, step: Step) -> str:
        """Return the path of an unfinished copy: in the target's folder, with a short name."""
        token = self.token or self.progress.token
        return os.path.join(os.path.dirname(target), f".scene-sort-{token}-{step.number}.part")

    def old_part_path(self, target: str, step: Step) -> str | None:
        """Return the path as earlier versions named it, if one wrote this journal."""
        if self.token:
            return None
        return os.path.join(os.path.dirname(target), f".scene-sort-{step.number}.part")

    def note(self, event: str, number: int | bool | str = True) -> None:
        """Record the outcome of a step ("done", "failed", "undone"), or of the whole sort."""
        value = json.dumps(number)
        self.file_system.append_line(
            self._descriptor, f'{{"{event}":{value}}}\n'.encode(), self.path
        )

    def flush(self) -> None:
        """Flush the notes to disk."""
        os.fsync(self._descriptor)

    def note_if_room(self, event: str, number: int | bool | str = True) -> None:
        """Record an outcome that the disk shows too: a full disk must not stop the work."""
        with contextlib.suppress(OSError):
            self.note(event, number)
            if number is True:
                self.flush()

    def remove(self) -> None:
        """Delete the journal."""
        self.file_system.remove(self.path)


def journal_dir(dest: Path) -> Path:
    """Return the folder of DEST's journals."""
    return dest / JOURNAL_DIR


def new_token() -> str:
    """Return a name that nobody can guess."""
    return secrets.token_hex(8)


def require_journal_dir(dest: Path) -> None:
    """Check that DEST's folder of journals, if there is one, is a folder and no link.

    Raises FolderRefused.
    """
    folder = journal_dir(dest)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise FolderRefused(
                f"{folder} is a link or a file, not the folder that a sort makes there. Move it "
                "away, or choose another DEST."
            )


def write_journal(journal: Journal) -> None:
    """Write the plan atomically, under DEST's lock; raises OSError."""
    folder = journal.path.parent
    journal.file_system.make_folder(folder)
    for path in folder.iterdir():
        if _PART.fullmatch(path.name):  # left by a kill
            path.unlink(missing_ok=True)
    part = journal.path.with_suffix(f".{new_token()}.part")
    try:
        journal.file_system.before_step("write", part)
        with open_new(str(part)) as file:
            for lines in _batches(_lines(journal)):
                file.write(lines)
            file.flush()
            journal.file_system.before_step("flush", part)
            os.fsync(file.fileno())
        journal.file_system.rename_new(str(part), str(journal.path))
    except OSError:
        part.unlink(missing_ok=True)
        raise
    journal.file_system.flush_folder(folder)


def last_journal(dest: Path, file_system: SortFileSystem) -> Journal | None:
    """Read the journal of the last sort that is not undone.

    Raises JournalDamaged or FolderRefused.
    """
    require_journal_dir(dest)
    path = _last_path(dest)
    return None if path is None else _read(path, dest, file_system)


def last_kind(dest: Path) -> Kind | None:
    """Read the kind of the last sort from its journal's header; None when it cannot be read."""
    try:
        path = _last_path(dest)
        return None if path is None else Kind(_read_header(path)["kind"])
    except (ValueError, KeyError, TypeError, OSError):
        return None


def require_journal(dest: Path, file_system: SortFileSystem) -> Journal:
    """Read the last journal; raises NothingSorted or JournalDamaged."""
    journal = last_journal(dest, file_system)
    if journal is None:
        raise NothingSorted(
            f"{dest} has no journal of a sort ({JOURNAL_DIR}), so there is nothing to undo or "
            "resume. Name the folder that photos were sorted into."
        )
    return journal


def next_path(dest: Path) -> Path:
    """Return the path for the next journal."""
    return journal_dir(dest) / f"{max(_numbers(dest), default=0) + 1:04d}.jsonl"


def _last_path(dest: Path) -> Path | None:
    numbers = _numbers(dest)
    return journal_dir(dest) / f"{max(numbers):04d}.jsonl" if numbers else None


def _read_header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.readline())
        return header


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
            "token": journal.token,
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
                # Relative to DEST, which may be mounted elsewhere when the sort is undone.
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
        if len(batch) == _LINES_PER_WRITE:
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
            token = header.get("token", "")  # earlier versions wrote none
            if token and not _TOKEN.fullmatch(token):
                raise ValueError(f"{token!r} is no token")
            for folder in header["folders"]:
                _require_below(folder)
            steps = [_step(n, file.readline(), dest) for n in range(header["steps"])]
            progress = _progress(file.read())
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise JournalDamaged(
            f"The journal {path} is damaged ({error}). Nothing was touched. Each of its lines "
            "names the source of a file, so that you can restore it by hand."
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
        token=token,
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
    """Reject paths that lead out of DEST, as in a forged journal; raises ValueError."""
    if os.path.isabs(path) or ".." in Path(path).parts:
        raise ValueError(f"{path!r} is not below the folder")


def _progress(notes: bytes) -> Progress:
    progress = Progress()
    complete, _, _ = notes.rpartition(b"\n")  # a kill may truncate the last note
    for line in complete.splitlines():
        try:
            ((event, value),) = json.loads(line).items()
        except ValueError:
            continue  # truncated by a kill, then appended to: the disk shows the outcome
        if event == "finished":
            progress.is_finished = True
        elif event == "undoing":
            progress.is_undoing, progress.is_settled = True, False
        elif event == "settled":
            progress.is_settled = True
        elif event == "token":
            if _TOKEN.fullmatch(value):
                progress.token = value
        else:
            getattr(progress, event).add(value)
    return progress
