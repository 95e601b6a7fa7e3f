"""Uploads on disk before they are photos: one folder a job, with a list of what is in it.

The list is written before the job starts and the files go as they are done, so that after a
crash the rest of a job can be taken up where it stopped.
"""

import json
import logging
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from scene_model.errors import LibraryUnavailable

_LIST = "items.json"

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
    """The files of one job, on disk."""

    folder: Path
    files: tuple[IncomingFile, ...]

    @property
    def id(self) -> str:
        """The job's id: 128 random bits, so that it cannot be guessed."""
        return self.folder.name

    def path(self, item: IncomingFile) -> Path:
        """Where a file's bytes lie."""
        return self.folder / item.file

    def discard(self) -> None:
        """Remove the folder and what is left in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def receive(
    incoming_dir: Path, files: Iterable[tuple[str, bytes]], uploaded_at: str
) -> IncomingBatch:
    """Write uploads to disk, one at a time; raises LibraryUnavailable when that fails."""
    folder = incoming_dir / secrets.token_hex(16)
    received = []
    try:
        folder.mkdir(parents=True)
        for number, (name, data) in enumerate(files):
            shown = name.encode("utf-8", "replace").decode("utf-8")
            item = IncomingFile(shown, f"{number:06d}", uploaded_at)
            (folder / item.file).write_bytes(data)
            received.append(item)
        listing = json.dumps([asdict(item) for item in received])
        (folder / _LIST).write_text(listing, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise LibraryUnavailable(
            f"The upload cannot be written to {incoming_dir}: {error.strerror}. "
            "Free some space or check the folder's permissions."
        ) from error
    return IncomingBatch(folder, tuple(received))


def left_behind(incoming_dir: Path) -> list[IncomingBatch]:
    """Batches an earlier run did not finish, each with the files that are still there.

    A folder without a list was cut off while it was received: its owner still has the files,
    and it is removed.
    """
    batches = []
    for folder in sorted(path for path in incoming_dir.iterdir() if path.is_dir()):
        try:
            rows = json.loads((folder / _LIST).read_text(encoding="utf-8"))
            items = tuple(IncomingFile(**row) for row in rows)
        except (OSError, ValueError, TypeError):
            logger.warning("removing the broken-off upload %s", folder.name)
            shutil.rmtree(folder, ignore_errors=True)
            continue
        batches.append(IncomingBatch(folder, tuple(i for i in items if (folder / i.file).exists())))
    return batches
