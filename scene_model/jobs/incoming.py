"""Uploads on disk before they are photos: one folder a job, with a list of what is in it.

LIBRARY/incoming/JOB/items.json      the list
LIBRARY/incoming/JOB/000000 …        the files; each goes when it is done
LIBRARY/incoming/JOB/outcomes.jsonl  what became of those that are done, a line each
LIBRARY/incoming/JOB.lock            held by the process that works on it

The folder comes whole, when everything is received, and goes when the job is over: after a crash
the rest is taken up where it stopped, with the count of what was done before.
"""

import json
import logging
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from scene_model.errors import LibraryFull
from scene_model.gallery.durable import Disk, library_error
from scene_model.jobs.claim import Claim, take_claim
from scene_model.jobs.job import Outcome, Skipped

_LIST, _OUTCOMES = "items.json", "outcomes.jsonl"
_CANCELLED = "cancelled"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class IncomingFile:
    """One file of a job.

    name: what its owner calls it; only ever shown, never used as a path.
    file: its name inside the job's folder. uploaded_at: ISO 8601 with offset.
    """

    name: str
    file: str
    uploaded_at: str


@dataclass(frozen=True)
class IncomingBatch:
    """The files of one job, on disk, and this process's hold on them.

    files: those still to be done. outcomes: what became of the others. dropped: how many were
    not looked at because the job was cancelled.
    """

    folder: Path
    files: tuple[IncomingFile, ...]
    disk: Disk
    claim: Claim
    outcomes: tuple[Outcome, ...] = ()
    is_cancelled: bool = False
    dropped: int = 0

    @property
    def id(self) -> str:
        """The job's id: 128 random bits, so that it cannot be guessed."""
        return self.folder.name

    def path(self, item: IncomingFile) -> Path:
        """Where a file's bytes lie."""
        return self.folder / item.file

    def settle(self, item: IncomingFile, outcome: Outcome) -> None:
        """Write down what became of a file, and remove it; raises OSError."""
        line = json.dumps({"file": item.file} | asdict(outcome))
        self.disk.append(self.folder / _OUTCOMES, line)
        self.disk.remove(self.path(item))

    def drop(self, item: IncomingFile) -> None:
        """Remove a file that is not to be looked at; raises OSError."""
        self.disk.remove(self.path(item))

    def cancel(self) -> None:
        """Write down that the rest is not to be looked at, also after a restart."""
        try:
            self.disk.append(self.folder / _OUTCOMES, json.dumps({_CANCELLED: True}))
        except OSError as error:
            logger.warning("a restart would take up %s again: %s", self.id, error.strerror)

    def discard(self) -> None:
        """Remove the folder and what is left in it."""
        self.disk.remove_folder(self.folder)


def receive(
    incoming_dir: Path,
    files: Iterable[tuple[str, bytes]],
    uploaded_at: str,
    disk: Disk | None = None,
) -> IncomingBatch:
    """Write uploads to disk, one at a time; raises LibraryUnavailable when that fails.

    All or nothing: what is half received is removed, and its owner still has it.
    """
    disk = disk or Disk()
    job_id = secrets.token_hex(16)
    coming, folder = incoming_dir.parent / "new" / job_id, incoming_dir / job_id
    received = []
    try:
        disk.make_folder(coming)
        for number, (name, data) in enumerate(files):
            disk.require_space(incoming_dir, len(data))
            shown = name.encode("utf-8", "replace").decode("utf-8")
            item = IncomingFile(shown, f"{number:06d}", uploaded_at)
            disk.write_flushed(coming / item.file, data)
            received.append(item)
        listing = json.dumps([asdict(item) for item in received])
        disk.write_flushed(coming / _LIST, listing.encode("utf-8"))
        disk.flush_folder(coming)
        claim = _handed_over(coming, folder, disk)
    except LibraryFull:
        disk.remove_folder(coming)
        raise
    except OSError as error:
        disk.remove_folder(coming)
        raise library_error(error, incoming_dir) from error
    return IncomingBatch(folder, tuple(received), disk, claim)


def _handed_over(coming: Path, folder: Path, disk: Disk) -> Claim:
    """Put a received folder in its place, claimed before anybody can see it; raises OSError."""
    claim = take_claim(folder)
    if claim is None:
        raise FileExistsError(f"{folder} is another's")
    try:
        disk.announce("rename", folder)
        coming.rename(folder)
        disk.flush_folder(folder.parent)
    except BaseException:
        claim.release()
        raise
    return claim


def left_behind(incoming_dir: Path, disk: Disk | None = None) -> list[IncomingBatch]:
    """Batches that nobody works on, each with the files that are still to be done.

    A folder without a list was cut off while it was received, by an earlier version of this
    program: its owner still has the files, and it is removed.
    """
    disk = disk or Disk()
    names = sorted({path.name.removesuffix(".lock") for path in incoming_dir.iterdir()})
    found = [take_up(incoming_dir / name, disk) for name in names]
    return [batch for batch in found if batch is not None]


def take_up(folder: Path, disk: Disk) -> IncomingBatch | None:
    """Claim one batch; None when it is gone, another process's, or no batch."""
    claim = take_claim(folder)
    if claim is None:
        return None
    try:
        rows = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        items = tuple(IncomingFile(**row) for row in rows)
    except FileNotFoundError:
        if folder.exists():
            logger.warning("removing the broken-off upload %s", folder.name)
            disk.remove_folder(folder)
        claim.release()
        return None
    except (OSError, ValueError, TypeError) as error:
        logger.warning("the upload %s cannot be taken up, and stays: %s", folder.name, error)
        claim.release()
        return None
    settled, is_cancelled = _outcomes(folder)
    left = []
    for item in items:
        if item.file in settled:
            disk.remove(folder / item.file)  # cut off between the two
        elif (folder / item.file).exists():
            left.append(item)
    return IncomingBatch(
        folder,
        tuple(left),
        disk,
        claim,
        tuple(settled.values()),
        is_cancelled,
        dropped=len(items) - len(left) - len(settled) if is_cancelled else 0,
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
