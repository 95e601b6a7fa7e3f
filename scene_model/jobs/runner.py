"""One runner for the whole process: classifies batches in the background and keeps the results.

Pages poll `Job.progress`; closing them changes nothing.
"""

import datetime
import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from scene_model.classifier.classify import Classifier
from scene_model.errors import InternalError, JobNotFound, SceneError
from scene_model.gallery.records import NewPhoto
from scene_model.gallery.store import Library
from scene_model.jobs.incoming import IncomingBatch, IncomingFile, left_behind, receive
from scene_model.photos.decode import read_photo_file
from scene_model.photos.fingerprint import content_hash

_KEPT_JOBS = 200

logger = logging.getLogger(__name__)


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Skipped:
    """A file that did not become a photo, and why."""

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

    def __init__(self, batch: IncomingBatch) -> None:
        """Begin counting for a batch."""
        self.id = batch.id
        self._total = len(batch.files)
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

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False when the time ran out first."""
        return self._finished.wait(timeout_s)

    def progress(self) -> Progress:
        """Return a snapshot."""
        with self._lock:
            elapsed = (self._ended or time.monotonic()) - self._started
            rate = self._done / elapsed if elapsed > 0 and self._done else 0.0
            if not self._finished.is_set():
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


class JobRunner:
    """Looks at photos with a fixed number of threads and adds them to the library."""

    def __init__(self, classifier: Classifier, library: Library, workers: int) -> None:
        """Start the threads; `close` ends them."""
        self._classifier, self._library = classifier, library
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="classify")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def submit(self, files: Iterable[tuple[str, bytes]]) -> Job:
        """Take uploads (name, bytes), write them to disk, and start on them."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        return self.start(receive(self._library.incoming_dir, files, now))

    def resume(self) -> list[Job]:
        """Take up what an earlier run of this process left unfinished."""
        return [self.start(batch) for batch in left_behind(self._library.incoming_dir)]

    def start(self, batch: IncomingBatch) -> Job:
        """Start on a received batch."""
        job = Job(batch)
        with self._lock:
            while len(self._jobs) >= _KEPT_JOBS:
                self._jobs.pop(next(iter(self._jobs)))
            self._jobs[job.id] = job
        for item in batch.files:
            self._pool.submit(self._work, job, batch, item)
        self._finish(job, batch)  # an empty batch ends at once
        return job

    def job(self, job_id: str) -> Job:
        """Return a job of this process; raises JobNotFound."""
        with self._lock:
            if job_id not in self._jobs:
                raise JobNotFound("No such job runs here. It may have ended before a restart.")
            return self._jobs[job_id]

    def running(self) -> list[Job]:
        """Jobs that are not finished, oldest first."""
        with self._lock:
            jobs = list(self._jobs.values())
        return [job for job in jobs if job.progress().state is JobState.RUNNING]

    def close(self) -> None:
        """Finish the photos that are being looked at; the rest stays on disk for `resume`."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, job: Job, batch: IncomingBatch, item: IncomingFile) -> None:
        path = batch.path(item)
        if job.is_cancelled:
            job.record_dropped()
        else:
            try:
                self._look_and_keep(job, batch, item)
            except SceneError as error:
                job.record_skipped(Skipped(item.name, error.code, error.message))
            except Exception:
                logger.exception("classifying %r failed", item.name)
                job.record_skipped(
                    Skipped(item.name, InternalError.code, "An internal error; see the log.")
                )
        path.unlink(missing_ok=True)
        self._finish(job, batch)

    def _look_and_keep(self, job: Job, batch: IncomingBatch, item: IncomingFile) -> None:
        data = read_photo_file(batch.path(item), self._classifier.limits)
        photo_id = content_hash(data)
        if self._library.holds(photo_id, self._classifier.bundle_id):
            job.record_photo(photo_id, was_known=True)
            return
        look = self._classifier.look(data)
        photo = NewPhoto(data, item.name, item.uploaded_at)
        added = self._library.add(photo, look, self._classifier.bundle_id)
        job.record_photo(added.id, added.was_known)

    @staticmethod
    def _finish(job: Job, batch: IncomingBatch) -> None:
        if job.claim_end():
            batch.discard()
            job.finish()
