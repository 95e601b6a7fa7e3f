"""Uploads on disk before they are photos: one folder a job, with a list of what is in it.

LIBRARY/incoming/JOB/items.json      the list
LIBRARY/incoming/JOB/000000 …        the files; each goes when it is done
LIBRARY/incoming/JOB/outcomes.jsonl  what became of those that are done, a line each
LIBRARY/incoming/JOB.lock            held by the process that works on it

The folder goes when the job is over: after a crash the rest is taken up where it stopped, with
the count of what was done before. Uploads of Streamlit come whole; those of `uploads.py` begin as
a list of what was announced, and each file gets its name here when it has arrived whole. Files of
this computer stay where they are: the list says where, and nothing here ever removes them.
"""

import json
import logging
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from scene_model.errors import LibraryFull
from scene_model.jobs.job import Outcome, Skipped
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.library.file_system import FileSystem, library_error

_LIST, _OUTCOMES = "items.json", "outcomes.jsonl"
_CANCELLED = "cancelled"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class IncomingFile:
    """One file of a job.

    name: what its owner calls it; only ever shown, never used as a path.
    file: its name inside the job's folder. uploaded_at: ISO 8601 with offset.
    file_bytes: the size announced, for a file that is sent after its name. shown_path: where it
    lay in the folder that was dropped; only ever shown.
    source: where it lies on this computer, if it is to be read there. by_reference: it stays there.
    """

    name: str
    file: str
    uploaded_at: str
    file_bytes: int | None = None
    shown_path: str = ""
    source: str | None = None
    by_reference: bool = False


class PendingFiles:
    """The files of a job that were announced and have not arrived; safe to share."""

    def __init__(self, files: Iterable[IncomingFile] = ()) -> None:
        """Wait for some files."""
        self.lock = threading.Lock()
        self._files = {item.file: item for item in files}

    def files(self) -> list[IncomingFile]:
        """Those that have not arrived, in the order announced."""
        with self.lock:
            return list(self._files.values())

    def find(self, file: str) -> IncomingFile | None:
        """One that has not arrived; None when it has, or never was announced."""
        return self._files.get(file)

    def arrived(self, item: IncomingFile) -> None:
        """Wait no more for a file; the caller holds the lock."""
        del self._files[item.file]

    def end(self) -> list[IncomingFile]:
        """Wait for nothing more; returns what has not arrived, to the first who asks."""
        with self.lock:
            files = list(self._files.values())
            self._files.clear()
            return files


@dataclass(frozen=True)
class IncomingBatch:
    """The files of one job, on disk, and this process's hold on them.

    files: those still to be done. outcomes: what became of the others. dropped: how many were
    not looked at because the job was cancelled. pending: those that are still to arrive.
    """

    folder: Path
    files: tuple[IncomingFile, ...]
    file_system: FileSystem
    claim: LockFile
    outcomes: tuple[Outcome, ...] = ()
    is_cancelled: bool = False
    dropped: int = 0
    pending: PendingFiles = field(default_factory=PendingFiles)

    @property
    def id(self) -> str:
        """The job's id: 128 random bits, so that it cannot be guessed."""
        return self.folder.name

    def path(self, item: IncomingFile) -> Path:
        """Where a file's bytes lie."""
        return Path(item.source) if item.source is not None else self.folder / item.file

    def reference(self, item: IncomingFile) -> Path | None:
        """Where a file is to stay the original; None when it is to be copied."""
        return Path(item.source) if item.source is not None and item.by_reference else None

    def settle(self, item: IncomingFile, outcome: Outcome) -> None:
        """Write down what became of a file, and remove it; raises OSError."""
        line = json.dumps({"file": item.file} | asdict(outcome))
        self.file_system.append(self.folder / _OUTCOMES, line)
        self.drop(item)

    def drop(self, item: IncomingFile) -> None:
        """Remove a received file; one that is only read where it lies stays. Raises OSError."""
        if item.source is None:
            self.file_system.remove(self.folder / item.file)

    def cancel(self) -> None:
        """Write down that the rest is not to be looked at, also after a restart."""
        try:
            self.file_system.append(self.folder / _OUTCOMES, json.dumps({_CANCELLED: True}))
        except OSError as error:
            logger.warning("a restart would take up %s again: %s", self.id, error.strerror)

    def discard(self) -> None:
        """Remove the folder and what is left in it."""
        self.file_system.remove_folder(self.folder)


def receive(
    incoming_dir: Path,
    files: Iterable[tuple[str, bytes]],
    uploaded_at: str,
    file_system: FileSystem | None = None,
) -> IncomingBatch:
    """Write uploads to disk, one at a time; raises LibraryUnavailable when that fails.

    All or nothing: what is half received is removed, and its owner still has it.
    """
    file_system = file_system or FileSystem()
    job_id = secrets.token_hex(16)
    coming, folder = incoming_dir.parent / "new" / job_id, incoming_dir / job_id
    received = []
    try:
        file_system.make_folder(coming)
        for number, (name, data) in enumerate(files):
            file_system.require_space(incoming_dir, len(data))
            shown = name.encode("utf-8", "replace").decode("utf-8")
            item = IncomingFile(shown, f"{number:06d}", uploaded_at)
            file_system.write_flushed(coming / item.file, data)
            received.append(item)
        listing = json.dumps([asdict(item) for item in received])
        file_system.write_flushed(coming / _LIST, listing.encode("utf-8"))
        file_system.flush_folder(coming)
        claim = _handed_over(coming, folder, file_system)
    except LibraryFull:
        file_system.remove_folder(coming)
        raise
    except OSError as error:
        file_system.remove_folder(coming)
        raise library_error(error, incoming_dir) from error
    return IncomingBatch(folder, tuple(received), file_system, claim)


def receive_paths(
    incoming_dir: Path,
    paths: Iterable[Path],
    uploaded_at: str,
    by_reference: bool,
    file_system: FileSystem | None = None,
) -> IncomingBatch:
    """List files of this computer, to be read where they lie; raises LibraryUnavailable."""
    items = [
        IncomingFile(
            path.name.encode("utf-8", "replace").decode("utf-8"),
            f"{number:06d}",
            uploaded_at,
            source=str(path.absolute()),
            by_reference=by_reference,
        )
        for number, path in enumerate(paths)
    ]
    return _listed(incoming_dir, items, file_system or FileSystem())


def announce(
    incoming_dir: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> IncomingBatch:
    """List files that are about to be sent; raises LibraryUnavailable."""
    batch = _listed(incoming_dir, items, file_system)
    return replace(batch, files=(), pending=PendingFiles(items))


def _listed(
    incoming_dir: Path, items: Sequence[IncomingFile], file_system: FileSystem
) -> IncomingBatch:
    job_id = secrets.token_hex(16)
    coming, folder = incoming_dir.parent / "new" / job_id, incoming_dir / job_id
    try:
        file_system.make_folder(coming)
        listing = json.dumps([asdict(item) for item in items])
        file_system.write_flushed(coming / _LIST, listing.encode("utf-8"))
        file_system.flush_folder(coming)
        claim = _handed_over(coming, folder, file_system)
    except OSError as error:
        file_system.remove_folder(coming)
        raise library_error(error, incoming_dir) from error
    return IncomingBatch(folder, tuple(items), file_system, claim)


def _handed_over(coming: Path, folder: Path, file_system: FileSystem) -> LockFile:
    """Put a received folder in its place, claimed before anybody can see it; raises OSError."""
    claim = acquire_lock(folder)
    if claim is None:
        raise FileExistsError(f"{folder} is another's")
    try:
        file_system.before_step("rename", folder)
        coming.rename(folder)
        file_system.flush_folder(folder.parent)
    except BaseException:
        claim.release()
        raise
    return claim


def find_unfinished(
    incoming_dir: Path, file_system: FileSystem | None = None
) -> list[IncomingBatch]:
    """Batches that nobody works on, each with the files that are still to be done.

    A folder without a list was cut off while it was received, by an earlier version of this
    program: its owner still has the files, and it is removed.
    """
    file_system = file_system or FileSystem()
    names = sorted({path.name.removesuffix(".lock") for path in incoming_dir.iterdir()})
    found = [resume_batch(incoming_dir / name, file_system) for name in names]
    return [batch for batch in found if batch is not None]


def resume_batch(folder: Path, file_system: FileSystem) -> IncomingBatch | None:
    """LockFile one batch; None when it is gone, another process's, or no batch."""
    claim = acquire_lock(folder)
    if claim is None:
        return None
    try:
        rows = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        items = tuple(IncomingFile(**row) for row in rows)
    except FileNotFoundError:
        if folder.exists():
            logger.warning("removing the broken-off upload %s", folder.name)
            file_system.remove_folder(folder)
        claim.release()
        return None
    except (OSError, ValueError, TypeError) as error:
        logger.warning("the upload %s cannot be taken up, and stays: %s", folder.name, error)
        claim.release()
        return None
    settled, is_cancelled = _outcomes(folder)
    left, to_come = [], []
    for item in items:
        if item.file in settled:
            file_system.remove(folder / item.file)  # cut off between the two
        elif item.source is not None or (folder / item.file).exists():
            left.append(item)
        elif item.file_bytes is not None and not is_cancelled:
            to_come.append(item)
    return IncomingBatch(
        folder,
        tuple(left),
        file_system,
        claim,
        tuple(settled.values()),
        is_cancelled,
        dropped=len(items) - len(left) - len(settled) if is_cancelled else 0,
        pending=PendingFiles(to_come),
    )


def _outcomes(folder: Path) -> tuple[dict[str, Outcome], bool]:
    """What became of files, by their name in the folder; and whether the job was cancelled."""
    settled: dict[str, Outcome] = {}
    is_cancelled = False
    try:
        lines = (folder / _OUTCOMES).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return settled, is_cancelled
    for line in lines:
        try:
            row = json.loads(line)
            if _CANCELLED in row:
                is_cancelled = True
                continue
            file, skipped = row.pop("file"), row.pop("skipped")
            settled[file] = Outcome(**row, skipped=Skipped(**skipped) if skipped else None)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # cut off while it was written: that file is done again
    return settled, is_cancelled
