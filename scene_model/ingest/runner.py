"""One runner for the whole process: tags photos in the background and keeps the results.

Pages poll `Job.progress`; closing them changes nothing. Jobs take turns, photo by photo.
"""

import datetime
import logging
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel
from scene_model.errors import (
    InternalError,
    JobNotFound,
    JobRunning,
    LibraryUnavailable,
    SceneError,
)
from scene_model.ingest.incoming import (
    IncomingBatch,
    IncomingFile,
    find_unfinished,
    receive,
    receive_paths,
    resume_batch,
)
from scene_model.ingest.ingest_photo import ingest_photo
from scene_model.jobs.job import Job, JobKind, Outcome, Skipped
from scene_model.jobs.results import JobResults
from scene_model.jobs.workers import WorkerPools
from scene_model.learning.retag import retag
from scene_model.library.file_system import library_error
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.photos.decode import read_photo_file

_KEPT_JOBS = 200

logger = logging.getLogger(__name__)


class JobRunner:
    """Looks at photos with a fixed number of threads and adds them to the library."""

    def __init__(
        self, model: CurrentModel, library: Library, worker_pools: WorkerPools | int
    ) -> None:
        """Begin without a job.

        crew: threads that others use as well, or how many to start, which `close` then ends.
        """
        self._model, self._library = model, library
        self._worker_pools = (
            WorkerPools(worker_pools) if isinstance(worker_pools, int) else worker_pools
        )
        self._owns_worker_pools = isinstance(worker_pools, int)
        self._owner = str(library.folder)
        self._results = JobResults(library.jobs_dir, library.files.new_dir, library.file_system)
        self._jobs: dict[str, Job] = {}
        self._batches: dict[str, IncomingBatch] = {}
        self._lock = threading.Lock()

    def submit(self, files: Iterable[tuple[str, bytes]]) -> Job:
        """Take uploads (name, bytes), write them to disk, and start on them."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        return self.start(
            receive(self._library.incoming_dir, files, now, self._library.file_system)
        )

    def submit_paths(self, paths: Iterable[Path], by_reference: bool) -> Job:
        """Take files of this computer where they lie, and start on them; they are only read.

        by_reference: they stay the photos' originals, and the library makes no copy.
        """
        now = datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
        incoming_dir, file_system = self._library.incoming_dir, self._library.file_system
        return self.start(receive_paths(incoming_dir, paths, now, by_reference, file_system))

    def resume(self) -> list[Job]:
        """Take up what earlier runs left unfinished, unless another process has done so."""
        batches = find_unfinished(self._library.incoming_dir, self._library.file_system)
        return [self.start(batch) for batch in batches]

    def retry(self, job_id: str) -> Job:
        """Go on with the files that a job could not keep, under its id; raises JobNotFound."""
        job = self.job(job_id)
        if job.is_running:
            return job
        folder = self._library.incoming_dir / job.id
        batch = resume_batch(folder, self._library.file_system) if folder.is_dir() else None
        return job if batch is None else self.start(batch)

    def start(self, batch: IncomingBatch) -> Job:
        """Start on a received batch."""
        pending = batch.pending
        total = len(batch.files) + len(batch.outcomes) + batch.dropped + len(pending.files())
        with self._lock:
            self._batches[batch.id] = batch
            job = Job(batch.id, JobKind.ADD, total, batch.outcomes, partial(self._cancel, batch.id))
            self._begin(job)
        if batch.is_cancelled:
            for _ in range(batch.dropped):
                job.record_dropped()
            job.cancel()
        self.feed(job, batch.files)
        return job

    def feed(self, job: Job, files: Sequence[IncomingFile]) -> None:
        """Go on with files of a job that have just arrived."""
        with self._lock:
            batch, classifier = self._batches.get(job.id), self._model.classifier
        if batch is None:
            return  # cancelled meanwhile
        items = [partial(self._add, job, classifier, batch, item) for item in files]
        self._worker_pools.adding.put(job.id, items, self._owner)
        self._finish(job)  # an empty batch ends at once

    def batch(self, job_id: str) -> IncomingBatch | None:
        """The files of a job at work; None when it is over, or has none."""
        with self._lock:
            return self._batches.get(job_id)

    def skip_files(self, job: Job, files: Sequence[IncomingFile], problem: SceneError) -> None:
        """Count files of a job as skipped before they were looked at, and say why."""
        batch = self.batch(job.id)
        if batch is None:
            return
        for item in files:
            outcome = _skipped(item.name, problem)
            try:
                batch.settle(item, outcome)
            except OSError as error:
                logger.warning("a restart would wait for %s again: %s", item.file, error.strerror)
            job.record(outcome)
        self._finish(job)

    def retag(self) -> Job:
        """Tag every photo that another model tagged with the one in use; a second call joins in.

        Each photo is one transaction: after a kill or a cancel the rest keeps its old tags, and
        calling again goes on with it.
        """
        with self._lock:
            running = self._running(JobKind.RETAG)
            if running:
                return running[0]
            photo_ids = self._library.tagged_by_other_bundles(self._model.classifier.bundle_id)
            job = Job(secrets.token_hex(16), JobKind.RETAG, len(photo_ids))
            self._begin(job)
            classifier = self._model.classifier
        items = [partial(self._retag, job, classifier, photo_id) for photo_id in photo_ids]
        self._worker_pools.again.put(job.id, items, self._owner)
        self._finish(job)
        return job

    @contextmanager
    def none_running(self) -> Iterator[None]:
        """Keep jobs from starting while the caller changes what they rest on.

        Raises JobRunning when one is at work.
        """
        with self._lock:
            if self._running():
                raise JobRunning(
                    "Photos are being tagged just now. Wait until that is done, or cancel it, "
                    "and try again."
                )
            yield

    def job(self, job_id: str) -> Job:
        """Return a job, also one that ended before a restart; raises JobNotFound."""
        with self._lock:
            if job_id in self._jobs:
                return self._jobs[job_id]
        found = self._results.find(job_id)
        if found is None:
            raise JobNotFound("No such job runs here, and none that ended is remembered.")
        return found

    def running(self, kind: JobKind | None = None) -> list[Job]:
        """Jobs that are not finished, oldest first; of one kind, if given."""
        with self._lock:
            return self._running(kind)

    def close(self) -> None:
        """Finish the photos that are being looked at; the rest stays on disk for `resume`."""
        if self._owns_worker_pools:
            self._worker_pools.close()
        for batch in self._batches.values():
            batch.lock_file.release()

    def _begin(self, job: Job) -> None:
        """Register a job; while it runs, the model stays. The caller holds the lock."""
        over = [known.id for known in self._jobs.values() if not known.is_running]
        for job_id in over[: max(0, len(self._jobs) + 1 - _KEPT_JOBS)]:
            del self._jobs[job_id]
        self._jobs[job.id] = job

    def _cancel(self, job_id: str) -> None:
        """Write down that a job is cancelled, and wait no more for what has not arrived."""
        batch = self.batch(job_id)
        if batch is None:
            return
        batch.cancel()
        job = self.job(job_id)
        for _ in batch.pending.end():
            job.record_dropped()
        self._finish(job)

    def _running(self, kind: JobKind | None = None) -> list[Job]:
        return [
            job
            for job in self._jobs.values()
            if job.is_running and (kind is None or job.kind is kind)
        ]

    def _add(
        self, job: Job, classifier: Classifier, batch: IncomingBatch, item: IncomingFile
    ) -> None:
        try:
            if job.is_cancelled:
                batch.drop(item)
                job.record_dropped()
            else:
                self._settle(job, classifier, batch, item)
        except OSError as error:
            problem = library_error(error, self._library.folder)
            job.record(_skipped(item.name, problem), is_waiting=True)
        self._finish(job)

    def _settle(
        self, job: Job, classifier: Classifier, batch: IncomingBatch, item: IncomingFile
    ) -> None:
        """Make a photo of a file, or find out why it is none; raises OSError."""
        try:
            outcome = self._ingest(classifier, batch, item)
        except LibraryUnavailable as error:
            # Not the photo's fault: it stays where it is, for another try.
            job.record(_skipped(item.name, error), is_waiting=True)
            return
        except Exception as error:
            outcome = _skipped(item.name, _told(error))
        batch.settle(item, outcome)
        job.record(outcome)

    def _ingest(self, classifier: Classifier, batch: IncomingBatch, item: IncomingFile) -> Outcome:
        data = read_photo_file(batch.path(item), classifier.limits)
        photo = NewPhoto(data, item.name, item.uploaded_at)
        added = ingest_photo(self._library, classifier, photo, batch.reference(item))
        return Outcome(added.id, added.was_known)

    def _retag(self, job: Job, classifier: Classifier, photo_id: str) -> None:
        if job.is_cancelled:
            job.record_dropped()
        else:
            try:
                retag(self._library, classifier, photo_id)
                job.record(Outcome(photo_id, was_known=True))
            except Exception as error:
                job.record(_skipped(self._name(photo_id), _told(error)))
        self._finish(job)

    def _name(self, photo_id: str) -> str:
        found = [photo.name for photo in self._library.records([photo_id])]
        return found[0] if found else photo_id[:12]

    def _finish(self, job: Job) -> None:
        """End a job of which nothing is left: keep what became of it, clear up, let waiters go."""
        if not job.try_end():
            return
        batch = self._batches.pop(job.id, None)
        try:
            self._results.keep(job)
            if batch is not None and not job.progress().waiting:
                batch.discard()
        finally:
            if batch is not None:
                batch.lock_file.release()
            job.finish()


def _skipped(name: str, problem: SceneError) -> Outcome:
    return Outcome(skipped=Skipped(name, problem.code, problem.message))


def _told(error: Exception) -> SceneError:
    """What is told of an item's error; it stops no other item."""
    if isinstance(error, SceneError):
        return error
    logger.error("tagging a photo failed", exc_info=error)
    return InternalError("An internal error; see the log.")
