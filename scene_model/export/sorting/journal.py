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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from scene_model.errors import FolderRefused, JournalDamaged, NothingSorted
from scene_model.export.sorting.file_system import SortFileSystem, open_new
from scene_model.export.sorting.folder_times import Times
from scene_model.export.sorting.plan import Kind, Step
from scene_model.library.files.held_folder import READ, Entry, FolderTree, HeldFolder

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

    source_root: the folder that all sources are below. planned_dest: DEST as the sort named it;
    `undo` may be given another path.
    made: folders created for DEST itself, outermost first; folders: those below DEST.
    times: access and modification times, in ns, of folders whose entries the sort changes.
    token: in the names of unfinished copies; empty in a journal of an earlier version.
    run: names the run of a rule that copied; empty for a sort of a person.
    """

    path: Path
    dest: str
    planned_dest: str
    source_root: str
    kind: Kind
    made: list[str]
    folders: list[str]
    times: Times
    steps: list[Step]
    progress: Progress
    file_system: SortFileSystem
    token: str = ""
    run: str = ""
    _descriptor: int = -1

    def __post_init__(self) -> None:
        """Name the trees; `__exit__` closes what is opened in them."""
        self.source_tree = FolderTree(self.source_root)
        self.target_tree = FolderTree(self.dest)

    def __enter__(self) -> Self:
        """Open the file for notes."""
        entry = self.target_tree.entry(str(self.path))
        self._descriptor = entry.open(os.O_WRONLY | os.O_APPEND)
        if not (self.token or self.progress.token):
            self.progress.token = new_token()
            self.note_if_room("token", self.progress.token)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file and the folders."""
        os.close(self._descriptor)
        self.source_tree.close()
        self.target_tree.close()

    @property
    def roots(self) -> tuple[str, str]:
        """DEST and SOURCE as the sort named them."""
        return self.planned_dest, self.source_root

    def source(self, step: Step) -> Entry:
        """Return the source of a step."""
        return self.source_tree.entry(step.source)

    def target(self, step: Step) -> Entry:
        """Return the target of a step."""
        return self.target_tree.entry(step.target)

    def part(self, target: Entry, step: Step) -> Entry:
        """Return the place of an unfinished copy: in the target's folder, with a short name."""
        token = self.token or self.progress.token
        return target.sibling(f".scene-sort-{token}-{step.number}.part")

    def old_part(self, target: Entry, step: Step) -> Entry | None:
        """Return the place as earlier versions named it, if one wrote this journal."""
        return None if self.token else target.sibling(f".scene-sort-{step.number}.part")

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
        with FolderTree(self.dest) as tree:
            self.file_system.remove_entry(tree.entry(str(self.path)))


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
    with contextlib.suppress(FileNotFoundError), _open_journal_dir(dest) as folder:
        folder.status()


def write_journal(journal: Journal) -> None:
    """Write the plan atomically, under DEST's lock; raises OSError."""
    file_system, folder = journal.file_system, str(journal.path.parent)
    with FolderTree(journal.dest) as tree:
        file_system.make_folder_if_absent(tree.entry(folder))
        final = tree.entry(str(journal.path))
        for name in final.folder.names():
            if _PART.fullmatch(name):  # left by a kill
                final.sibling(name).unlink()
        part = final.sibling(f"{journal.path.stem}.{new_token()}.part")
        try:
            file_system.before_step("write", part.path)
            with open_new(part) as file:
                for lines in _batches(_lines(journal)):
                    file.write(lines)
                file.flush()
                file_system.before_step("flush", part.path)
                os.fsync(file.fileno())
            file_system.rename_new(part, final)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
            raise
        file_system.flush_entries(final.folder)


def last_journal(dest: Path, file_system: SortFileSystem) -> Journal | None:
    """Read the journal of the last sort that is not undone.

    Raises JournalDamaged or FolderRefused.
    """
    path = _last_path(dest)
    return None if path is None else _read(path, dest, file_system)


def last_kind(dest: Path) -> Kind | None:
    """Read the kind of the last sort from its journal's header; None when it cannot be read."""
    try:
        path = _last_path(dest)
        return None if path is None else Kind(_read_header(path, dest)["kind"])
    except (ValueError, KeyError, TypeError, OSError, FolderRefused):
        return None


def journals_of_run(dest: Path, run: str, file_system: SortFileSystem) -> list[Journal]:
    """Read the journals whose ``run`` begins with a name, the latest first.

    Raises JournalDamaged or FolderRefused.
    """
    paths = [journal_dir(dest) / f"{n:04d}.jsonl" for n in sorted(_numbers(dest), reverse=True)]
    return [_read(path, dest, file_system) for path in paths if _run_of(path, dest).startswith(run)]


def _run_of(path: Path, dest: Path) -> str:
    try:
        return str(_read_header(path, dest).get("run", ""))
    except (ValueError, AttributeError, OSError):
        return ""


def require_journal(dest: Path, file_system: SortFileSystem, run: str = "") -> Journal:
    """Read the last journal, or that of a run; raises NothingSorted or JournalDamaged."""
    if run:
        journal = next(iter(journals_of_run(dest, run, file_system)), None)
    else:
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


@contextlib.contextmanager
def _open_journal_dir(dest: Path) -> Iterator[HeldFolder]:
    """Hold DEST's folder of journals; FolderRefused is raised when it is a link or a file."""
    path = str(journal_dir(dest))
    with FolderTree(str(dest)) as tree:
        try:
            yield tree.folder(path)
        except NotADirectoryError as error:
            raise FolderRefused(
                f"{path} is a link or a file, not the folder that a sort makes there. Move it "
                "away, or choose another DEST."
            ) from error


@contextlib.contextmanager
def _open_journal(path: Path, dest: Path) -> Iterator[BinaryIO]:
    """Open a journal for reading; no link is followed."""
    with _open_journal_dir(dest) as folder:
        descriptor = Entry(folder, path.name).open(READ)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _read_header(path: Path, dest: Path) -> dict[str, Any]:
    with _open_journal(path, dest) as file:
        header: dict[str, Any] = json.loads(file.readline())
        return header


def _numbers(dest: Path) -> list[int]:
    try:
        with _open_journal_dir(dest) as folder:
            names = [Path(name) for name in folder.names()]
    except FileNotFoundError:
        return []
    return [int(n.stem) for n in names if n.suffix == ".jsonl" and n.stem.isdecimal()]


def _lines(journal: Journal) -> Iterator[str]:
    yield json.dumps(
        {
            "format": _FORMAT,
            "kind": journal.kind,
            "token": journal.token,
            "run": journal.run,
            "steps": len(journal.steps),
            "source": journal.source_root,
            "dest": journal.planned_dest,
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
        with _open_journal(path, dest) as file:
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
            source_root = header.get("source") or common_folder(steps)
            source_tree = FolderTree(source_root)
            for step in steps:
                source_tree.names_to(os.path.dirname(step.source))
            progress = _progress(file.read())
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise JournalDamaged(
            f"The journal {path} is damaged ({error}). Nothing was touched. Each of its lines "
            "names the source of a file, so that you can restore it by hand."
        ) from error
    return Journal(
        path=path,
        dest=str(dest),
        planned_dest=header.get("dest", str(dest)),
        source_root=source_root,
        kind=Kind(header["kind"]),
        made=header["made"],
        folders=[str(dest / folder) for folder in header["folders"]],
        times={folder: (times[0], times[1]) for folder, times in header["times"].items()},
        steps=steps,
        progress=progress,
        file_system=file_system,
        token=token,
        run=header.get("run", ""),
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


def common_folder(steps: Sequence[Step]) -> str:
    """Return the innermost folder that all sources are below."""
    return os.path.commonpath({os.path.dirname(step.source) for step in steps})


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
