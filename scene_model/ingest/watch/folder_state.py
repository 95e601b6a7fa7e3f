"""What people see of a watched folder."""

import datetime
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from scene_model.ingest.watch.ledger import FailedFile


class FolderStatus(StrEnum):
    """What a watched folder is doing.

    STARTING: not scanned yet. WAITING: something stands in the way, such as a full disk. ABSENT: it
    is not there at the moment. ELSEWHERE: another process watches it. STOPPED: no process does.
    """

    STARTING = "starting"
    WATCHING = "watching"
    ADDING = "adding"
    WAITING = "waiting"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    ELSEWHERE = "elsewhere"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True)
class FolderState:
    """A watched folder at one moment.

    scanned_at: when the last scan ended, ISO 8601 with offset; None before the first. photos: files
    of the folder whose photos are in the library. pending: files that are
    not whole yet, or wait for their turn. failed: those that could not become photos. missing:
    paths of referenced originals that are no longer there, or have other contents. message: what
    stands in the way, and what to do. note: how the folder is watched where it has no events.
    """

    status: FolderStatus
    scanned_at: str | None = None
    photos: int = 0
    pending: int = 0
    failed: tuple[FailedFile, ...] = ()
    missing: tuple[str, ...] = ()
    message: str = ""
    note: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the state as it is written to JSON."""
        return asdict(self) | {"status": str(self.status)}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "FolderState":
        """Read a stored state; an unreadable one is that of a folder never scanned."""
        try:
            failed = tuple(FailedFile(**item) for item in row.pop("failed"))
            missing, status = tuple(row.pop("missing")), FolderStatus(row.pop("status"))
            return cls(status=status, failed=failed, missing=missing, **row)
        except (TypeError, ValueError, KeyError, AttributeError):
            return cls(FolderStatus.STARTING)


def now_text() -> str:
    """Return the present time, ISO 8601 with offset."""
    return datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
