"""One job's count: what is done, what was skipped and why, and whether it is to stop."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from scene_model.errors import without_paths


class JobKind(StrEnum):
    """What a job does."""

    ADD = "add"
    RETAG = "retag"


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

    @property
    def public_message(self) -> str:
        """The reason for those who are not to know where things lie on the server's disk."""
        return without_paths(self.message)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: a photo of the library, or the reason why it is none."""

    photo_id: str | None = None
    was_known: bool = False
    skipped: Skipped | None = None


@dataclass(frozen=True)
class Progress:
    """A snapshot of a job.

    done: files dealt with, skipped ones too. known: photos the library had already.
    waiting: files, among the skipped, that could not be kept for want of room or the like; they
    stay on disk, and the job can go on with them.
    photos_per_s: mean rate since it was last taken up. seconds_left: None until a rate is known.
    """

    state: JobState
    total: int
    done: int
    known: int
    photo_ids: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    photos_per_s: float
    seconds_left: float | None
    waiting: int = 0

    @property
    def share(self) -> float:
        """Done part in [0, 1]."""
        return self.done / self.total if self.total else 1.0


class Job:
    """One batch at work; all methods may be called from any thread."""

    def __init__(
        self,
        job_id: str,
        kind: JobKind,
        total: int,
        before: Iterable[Outcome] = (),
        on_cancel: Callable[[], None] | None = None,
    ) -> None:
        """Begin counting for ``total`` items; ``before``: what became of the first of them."""
        self.id, self.kind = job_id, kind
        self._total = total
        self._on_cancel = on_cancel
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._ended: float | None = None
        self._photo_ids: dict[str, None] = {}
        self._known = 0
        self._dropped = 0
        self._skipped: list[Skipped] = []
        self._waiting = 0
        self._done = self._done_before = 0
        self._cancel = threading.Event()
        self._finished = threading.Event()
        for outcome in before:
            self.record(outcome)
        self._done_before = self._done

    @classmethod
    def of_result(cls, job_id: str, kind: JobKind, result: Progress) -> "Job":
        """Bring back a job that is over, from what was written down of it."""
        job = cls(job_id, kind, result.total)
        job._photo_ids = dict.fromkeys(result.photo_ids)
        job._known, job._waiting, job._done = result.known, result.waiting, result.done
        job._skipped = list(result.skipped)
        job._dropped = int(result.state is JobState.CANCELLED)
        job._started, job._ended = 0.0, result.done / (result.photos_per_s or 1.0)
        job._finished.set()
        return job

    def cancel(self) -> None:
        """Stop after the photos that are being looked at; what is done stays."""
        if not self._cancel.is_set():
            self._cancel.set()
            if self._on_cancel is not None and self.is_running:
                self._on_cancel()

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
            now = time.monotonic() if self._ended is None else self._ended
            elapsed = now - self._started
            done_now = self._done - self._done_before
            rate = done_now / elapsed if elapsed > 0 and done_now else 0.0
            if self._ended is None:
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
                waiting=self._waiting,
            )

    def record(self, outcome: Outcome, is_waiting: bool = False) -> None:
        """Count one file that was dealt with; ``is_waiting``: put off, rather."""
        with self._lock:
            if outcome.photo_id is not None:
                self._photo_ids[outcome.photo_id] = None
            if outcome.skipped is not None:
                self._skipped.append(outcome.skipped)
            self._known += outcome.was_known
            self._waiting += is_waiting
            self._done += 1

    def record_dropped(self) -> None:
        """Count one file that was not looked at because the job was cancelled."""
        with self._lock:
            self._dropped += 1

    def try_end(self) -> bool:
        """Tell whether nothing is left; True once, for the caller who then clears up."""
        with self._lock:
            if self._done + self._dropped < self._total or self._ended is not None:
                return False
            self._ended = time.monotonic()
            return True

    def finish(self) -> None:
        """Let those who wait know that the job is over."""
        self._finished.set()
