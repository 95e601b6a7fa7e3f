"""One job: its state, progress, outcomes of its items, and cancellation."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from scene_model.errors import InternalError, SceneError, without_paths

logger = logging.getLogger(__name__)


class JobKind(StrEnum):
    """What a job does: add files to a library, retag its photos, or only classify files.

    WATCH: add files of watched folders or of an inbox, which nobody asked for by hand. EMBED:
    compute the embeddings of photos by a further network.
    """

    ADD = "add"
    WATCH = "watch"
    RETAG = "retag"
    EMBED = "embed"
    CLASSIFY = "classify"


class JobState(StrEnum):
    """A job's state; CANCELLED: it has ended, and some items were not processed."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Skipped:
    """An item that could not be processed, and why: the code and message of the error."""

    name: str
    code: str
    message: str

    @property
    def public_message(self) -> str:
        """The message without paths of the server's disk, for remote clients."""
        return without_paths(self.message)


@dataclass(frozen=True)
class Outcome:
    """The result of one item: a photo of the library, or the reason why it was skipped.

    was_known: the library had the photo already. is_copy: it had it from the same job: an export
    has a photo in the folders of its albums too. is_waiting: skipped for now, for example for
    want of disk space; the item is stored, and `JobRunner.retry` processes it.
    """

    photo_id: str | None = None
    was_known: bool = False
    skipped: Skipped | None = None
    is_waiting: bool = False
    is_copy: bool = False


@dataclass(frozen=True)
class Progress:
    """A snapshot of a job.

    done: items processed, skipped ones too. known: photos the library had already. copies: further
    files of photos of the same job.
    waiting: skipped items that the job can retry.
    photos_per_s: mean rate since the job was last started. seconds_left: None until there is a
    rate.
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
    copies: int = 0

    @property
    def share(self) -> float:
        """The part done, in [0, 1]."""
        return self.done / self.total if self.total else 1.0


class Job:
    """The state of one job; thread-safe."""

    def __init__(
        self,
        job_id: str,
        kind: JobKind,
        total: int,
        before: Iterable[Outcome] = (),
        on_cancel: Callable[[], None] | None = None,
    ) -> None:
        """Begin a job of ``total`` items; ``before``: outcomes of those an earlier run processed.

        on_cancel: called once, at the first `cancel` of a running job.
        """
        self.id, self.kind = job_id, kind
        self._total = total
        self._on_cancel = on_cancel
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._ended: float | None = None
        self._photo_ids: dict[str, None] = {}
        self._known = self._copies = 0
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
        """Restore a job that has ended from its stored result."""
        job = cls(job_id, kind, result.total)
        job._photo_ids = dict.fromkeys(result.photo_ids)
        job._known, job._waiting, job._done = result.known, result.waiting, result.done
        job._skipped, job._copies = list(result.skipped), result.copies
        job._dropped = int(result.state is JobState.CANCELLED)
        job._started, job._ended = 0.0, result.done / (result.photos_per_s or 1.0)
        job._finished.set()
        return job

    def cancel(self) -> None:
        """Stop after the items in work; finished items keep their results."""
        if not self._cancel.is_set():
            self._cancel.set()
            if self._on_cancel is not None and self.is_running:
                self._on_cancel()

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancel.is_set()

    @property
    def is_running(self) -> bool:
        """Whether the job has not ended."""
        return not self._finished.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False after a timeout."""
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
                copies=self._copies,
            )

    def record(self, outcome: Outcome) -> None:
        """Count one item that was processed."""
        with self._lock:
            if outcome.photo_id is not None:
                self._photo_ids[outcome.photo_id] = None
            if outcome.skipped is not None:
                self._skipped.append(outcome.skipped)
            self._known += outcome.was_known and not outcome.is_copy
            self._copies += outcome.is_copy
            self._waiting += outcome.is_waiting
            self._done += 1

    def record_problem(self, problem: Skipped) -> None:
        """Report a problem with an item that was counted already."""
        with self._lock:
            self._skipped.append(problem)

    def record_dropped(self, count: int = 1) -> None:
        """Count items that were not processed because the job was cancelled."""
        with self._lock:
            self._dropped += count

    def drop_remaining(self) -> None:
        """Count all items without an outcome as dropped: nothing will process them."""
        with self._lock:
            self._dropped = self._total - self._done

    def try_end(self) -> bool:
        """End the job if no item remains; True once, for the caller that then cleans up."""
        with self._lock:
            if self._done + self._dropped < self._total or self._ended is not None:
                return False
            self._ended = time.monotonic()
            return True

    def finish(self) -> None:
        """Wake the callers of `wait`, after the clean-up."""
        self._finished.set()


def skipped(name: str, problem: SceneError) -> Skipped:
    """Return an item that cannot be processed, with its error."""
    return Skipped(name, problem.code, problem.message)


def skipped_outcome(name: str, error: Exception, is_waiting: bool = False) -> Outcome:
    """Convert an item's error to its outcome; never raises, so other items are not affected."""
    problem = reported_error(error)
    return Outcome(skipped=skipped(name, problem), is_waiting=is_waiting)


def reported_error(error: Exception) -> SceneError:
    """Return the error to report for an item; an unexpected one is logged, not shown."""
    if isinstance(error, SceneError):
        return error
    logger.error("processing an item failed", exc_info=error)
    return InternalError("An internal error; see the log.")
