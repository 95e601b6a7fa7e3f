"""Uploads on disk before they are photos: one folder a job, with a list of its files.

LIBRARY/incoming/JOB/items.json      the list
LIBRARY/incoming/JOB/000000 …        the files; each is removed when it is done
LIBRARY/incoming/JOB/outcomes.jsonl  the outcome of each file that is done, one JSON object a line
LIBRARY/incoming/JOB.lock            held by the process that works on the job

The folder is removed when the job ends. After a crash the job resumes with the files that are
not done, and its counts include those that are. Streamlit uploads are written with all their
files; those of `uploads.py` begin as a list of announced files, and each file gets its name here
when it has arrived whole. Files of this computer are read where they are: the list holds their
paths, and nothing here ever removes them.
"""

import json
import logging
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scene_model.ingest.incoming_file import IncomingFile
from scene_model.jobs.job import Outcome, Skipped
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.library.files.file_system import FileSystem

LIST_NAME, _OUTCOMES = "items.json", "outcomes.jsonl"
_CANCELLED = "cancelled"

logger = logging.getLogger(__name__)


class PendingFiles:
    """The files of a job that were announced and have not arrived; thread-safe."""

    def __init__(self, files: Iterable[IncomingFile] = ()) -> None:
        """Begin with the announced files."""
        self.lock = threading.Lock()
        self._files = {item.file: item for item in files}

    def files(self) -> list[IncomingFile]:
        """Return those that have not arrived, in the order announced."""
        with self.lock:
            return list(self._files.values())

    def find(self, file: str) -> IncomingFile | None:
        """Return a file that has not arrived; None if it has, or was never announced."""
        return self._files.get(file)

    def arrived(self, item: IncomingFile) -> None:
        """Remove a file that has arrived; the caller holds the lock."""
        del self._files[item.file]

    def end(self) -> list[IncomingFile]:
        """Expect nothing more; returns what has not arrived, to the first caller only."""
        with self.lock:
            files = list(self._files.values())
            self._files.clear()
            return files


@dataclass(frozen=True)
class IncomingBatch:
    """The files of one job on disk, locked by this process.

    files: those not done. outcomes: the results of those done. dropped: number of files that
    were not processed because the job was cancelled. pending: those that have not arrived.
    is_export: whether the files come from archives, or from folders that another program exported.
    has_archives: whether the files are archives that are sent.
    results: the outcomes by `IncomingFile.file`, in the order they were recorded; it grows.
    """

    folder: Path
    files: tuple[IncomingFile, ...]
    file_system: FileSystem
    lock_file: LockFile
    outcomes: tuple[Outcome, ...] = ()
    is_cancelled: bool = False
    dropped: int = 0
    pending: PendingFiles = field(default_factory=PendingFiles)
    is_export: bool = False
    has_archives: bool = False
    results: dict[str, Outcome] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The job's id: 128 random bits, so that it cannot be guessed."""
        return self.folder.name

    @property
    def is_watched(self) -> bool:
        """Whether the files come from watched folders, which are scanned again after a failure."""
        return any(file.mtime_ns is not None for file in self.files)

    @property
    def is_from_inbox(self) -> bool:
        """Whether the files are in an inbox, which submits them again after a restart."""
        return any(file.is_from_inbox for file in self.files)

    def path(self, item: IncomingFile) -> Path:
        """Return the path of a file's bytes; a member of an archive is copied there first."""
        if item.source is None or item.member is not None:
            return self.folder / item.file
        return Path(item.source)

    def reference(self, item: IncomingFile) -> Path | None:
        """Return the path of a file that is to stay the original; None when it is copied."""
        return Path(item.source) if item.source is not None and item.by_reference else None

    def settle(self, item: IncomingFile, outcome: Outcome) -> None:
        """Record the outcome of a file, then remove the file; raises OSError."""
        row = {"file": item.file} | asdict(outcome)
        del row["is_waiting"]  # a waiting file is not settled
        line = json.dumps(row)
        self.file_system.append(self.folder / _OUTCOMES, line)
        self.results[item.file] = outcome
        self.drop(item)

    def drop(self, item: IncomingFile) -> None:
        """Remove a received file; a file of this computer stays. Raises OSError."""
        if item.source is None or item.member is not None:
            self.file_system.remove(self.folder / item.file)

    def cancel(self) -> None:
        """Record that the remaining files are not to be processed, also after a restart."""
        try:
            self.file_system.append(self.folder / _OUTCOMES, json.dumps({_CANCELLED: True}))
        except OSError as error:
            logger.warning("a restart would resume the cancelled job %s: %s", self.id, error)

    def discard(self) -> None:
        """Remove the folder and its files."""
        self.file_system.remove_folder(self.folder)


def done_files(batch: IncomingBatch) -> list[tuple[IncomingFile, Outcome]]:
    """Return the files of a batch that are done, with their outcomes, in the order of the list."""
    settled, _ = _read_outcomes(batch.folder)
    items = listed_files(batch.folder)
    return [(item, settled[item.file]) for item in items if item.file in settled]


def listed_files(folder: Path) -> tuple[IncomingFile, ...]:
    """Return all files of a batch; raises OSError, ValueError or TypeError."""
    rows = json.loads((folder / LIST_NAME).read_text(encoding="utf-8"))
    return tuple(map(IncomingFile.from_json, rows))


def find_unfinished(
    incoming_dir: Path, file_system: FileSystem | None = None
) -> list[IncomingBatch]:
    """Lock and return the batches that no process works on, each with its remaining files."""
    file_system = file_system or FileSystem()
    names = sorted({path.name.removesuffix(".lock") for path in incoming_dir.iterdir()})
    batches = [resume_batch(incoming_dir / name, file_system) for name in names]
    return [batch for batch in batches if batch is not None]


def resume_batch(folder: Path, file_system: FileSystem) -> IncomingBatch | None:
    """Lock one batch; None when it is gone, locked by another process, or not readable.

    A folder without a list was interrupted while it was received, by an earlier version of this
    program: its owner still has the files, and it is removed.
    """
    lock_file = acquire_lock(folder)
    if lock_file is None:
        return None
    try:
        items = listed_files(folder)
    except FileNotFoundError:
        if folder.exists():
            logger.warning("removing the interrupted upload %s", folder.name)
            file_system.remove_folder(folder)
        lock_file.release()
        return None
    except (OSError, ValueError, TypeError) as error:
        logger.warning("the upload %s cannot be read; it is not removed: %s", folder.name, error)
        lock_file.release()
        return None
    settled, is_cancelled = _read_outcomes(folder)
    remaining, pending = [], []
    for item in items:
        if item.file in settled:
            # The process ended between recording the outcome and removing the file.
            file_system.remove(folder / item.file)
        elif item.is_local or (folder / item.file).exists():
            remaining.append(item)
        elif item.file_bytes is not None and not is_cancelled:
            pending.append(item)
    return IncomingBatch(
        folder,
        tuple(remaining),
        file_system,
        lock_file,
        tuple(settled.values()),
        is_cancelled,
        dropped=len(items) - len(remaining) - len(settled) if is_cancelled else 0,
        pending=PendingFiles(pending),
        is_export=any(item.is_of_export for item in items),
        has_archives=any(item.is_archive for item in items),
        results=settled,
    )


def _read_outcomes(folder: Path) -> tuple[dict[str, Outcome], bool]:
    """Return the outcomes by file name, and whether the job was cancelled."""
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
            continue  # the line is incomplete: that file is processed again
    return settled, is_cancelled
