"""One job's count: what is done, what was skipped and why, and whether it is to stop."""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum


class JobKind(StrEnum):
    """What a job does."""

    ADD = "add"
    TAG_AGAIN = "tag_again"


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Skipped:
    """A file that did not become a photo, or a photo that kept its old tags, and why."""

    name: str
    code: str
    message: str


@dataclass(frozen=True)
class Progress:
    """A snapshot of a job.

    done: files dealt with, skipped ones too. known: photos the library had already.
    photos_per_s: mean rate so far. seconds_left: None until a rate is known.
    """

    state: JobState
    total: int
    done: int
    known: int
    photo_ids: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    photos_per_s: float
    seconds_left: float | None

    @property
    def share(self) -> float:
        """Done part in [0, 1]."""
        return self.done / self.total if self.total else 1.0


class Job:
    """One batch at work; all methods may be called from any thread."""

    def __init__(self, job_id: str, kind: JobKind, total: int) -> None:
        """Begin counting for ``total`` items."""
        self.id, self.kind = job_id, kind
        self._total = total
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._ended: float | None = None
        self._photo_ids: dict[str, None] = {}
        self._known = 0
        self._dropped = 0
        self._skipped: list[Skipped] = []
        self._done = 0
        self._cancel = threading.Event()
        self._finished = threading.Event()

    def cancel(self) -> None:
        """Stop after the photos that are being looked at; what is done stays."""
        self._cancel.set()

    @property
    def is_cancelled(self) -> bool:
        """Tell whether `cancel` was called."""
        return self._cancel.is_set()

    @property
    def is_running(self) -> bool:
        """Tell whether it is not over yet."""
        return not self._finished.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False when the time ran out first."""
        return self._finished.wait(timeout_s)

    def progress(self) -> Progress:
        """Return a snapshot."""
        with self._lock:
            elapsed = (self._ended or time.monotonic()) - self._started
            rate = self._done / elapsed if elapsed > 0 and self._done else 0.0
            if self.is_running:
                state = JobState.RUNNING
            else:
                state = JobState.CANCELLED if self._dropped else JobState.DONE
            return Progress(
                state=state,
                total=self._total,
                done=self._done,
                known=self._known,
                photo_ids=tuple(self._photo_ids),
                skipped=tuple(self._skipped),
                photos_per_s=rate,
                seconds_left=(self._total - self._done) / rate if rate else None,
            )

    def record_photo(self, photo_id: str, was_known: bool) -> None:
        """Count one photo that is in the library now."""
        with self._lock:
            self._photo_ids[photo_id] = None
            self._known += was_known
            self._done += 1

    def record_skipped(self, skipped: Skipped) -> None:
        """Count one file that could not be used."""
        with self._lock:
            self._skipped.append(skipped)
            self._done += 1

    def record_dropped(self) -> None:
        """Count one file that was not looked at because the job was cancelled."""
        with self._lock:
            self._dropped += 1

    def claim_end(self) -> bool:
        """Tell whether nothing is left; True once, for the caller who then clears up."""
        with self._lock:
            if self._done + self._dropped < self._total or self._ended is not None:
                return False
            self._ended = time.monotonic()
            return True

    def finish(self) -> None:
        """Let those who wait know that the job is over."""
        self._finished.set()
