"""One batch at work: an answer a file, until the last one ends it."""

import datetime
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scene_model.api.schemas import BatchItem, BatchState, ItemError, JobStatus, Summary
from scene_model.errors import SceneError

RESULT_NAME = "result.json"

logger = logging.getLogger(__name__)


@dataclass
class Batch:
    """One batch at work; all methods may be called from any thread."""

    id: str
    folder: Path
    names: Sequence[str]
    lifetime_s: float
    items: list[BatchItem | None]
    finished: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    left: int = 0
    # Only where it could not be written down.
    unwritten: JobStatus | None = None

    def path(self, number: int) -> Path:
        """Where a file's bytes lie."""
        return file_path(self.folder, number)

    def status(self) -> JobStatus:
        """Tell how far it is."""
        with self.lock:
            known = [item for item in self.items if item is not None]
        return JobStatus(
            job_id=self.id,
            state=BatchState.RUNNING,
            total=len(self.names),
            done=len(known),
            failed=sum(item.error is not None for item in known),
            summary=summary_of(len(self.names), known),
        )

    def record(self, number: int, item: BatchItem | None) -> None:
        """Take one file's answer; None where it was not looked at. The last one ends the batch."""
        with self.lock:
            self.items[number] = item
            self.left -= 1
            is_last = self.left == 0
        if is_last:
            self.end()

    def end(self) -> None:
        """Write down what became of it, and let those who wait know."""
        if self.finished.is_set():
            return
        status = self.status()
        expires = datetime.datetime.now().astimezone() + datetime.timedelta(seconds=self.lifetime_s)
        was_cut = status.done < status.total
        results = [
            item if item is not None else _not_looked_at(name)
            for name, item in zip(self.names, self.items, strict=True)
        ]
        over = status.model_copy(
            update={
                "state": BatchState.CANCELLED if was_cut else BatchState.DONE,
                "results": results,
                "expires_at": expires.isoformat(timespec="seconds"),
            }
        )
        try:
            temporary = self.folder / f"{RESULT_NAME}.new"
            temporary.write_text(over.model_dump_json(), encoding="utf-8")
            temporary.replace(self.folder / RESULT_NAME)
        except OSError as error:
            logger.error("the result of batch %s is not kept: %s", self.id, error.strerror)
            self.unwritten = over
        self.finished.set()


def file_path(folder: Path, number: int) -> Path:
    """Where a batch's file of a number lies."""
    return folder / f"{number:06d}"


def summary_of(total: int, items: Sequence[BatchItem]) -> Summary:
    """Count the answers by class, most first."""
    classes = Counter(item.class_ for item in items if item.class_ is not None)
    return Summary(total=total, by_class=dict(classes.most_common()))


def failed_item(name: str, error: SceneError) -> BatchItem:
    """What is told of a file that has no answer."""
    return BatchItem(filename=name, error=ItemError(code=error.code, message=error.public_message))


def _not_looked_at(name: str) -> BatchItem:
    said = ItemError(code="cancelled", message="The batch was cancelled before this file.")
    return BatchItem(filename=name, error=said)
