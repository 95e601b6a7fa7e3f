"""One runner for the whole process: tags photos in the background and keeps the results.

Pages poll `Job.progress`; closing them changes nothing.
"""

import datetime
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel
from scene_model.errors import InternalError, JobNotFound, JobRunning, SceneError
from scene_model.gallery.answers import tag_again
from scene_model.gallery.records import NewPhoto
from scene_model.gallery.store import Library
from scene_model.jobs.incoming import IncomingBatch, IncomingFile, left_behind, receive
from scene_model.jobs.job import Job, JobKind, Skipped
from scene_model.photos.decode import read_photo_file
from scene_model.photos.fingerprint import content_hash

_KEPT_JOBS = 200

logger = logging.getLogger(__name__)


class JobRunner:
    """Looks at photos with a fixed number of threads and adds them to the library."""

    def __init__(self, model: CurrentModel, library: Library, workers: int) -> None:
        """Start the threads; `close` ends them."""
        self._model, self._library = model, library
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="classify")
        # Its own threads: new photos must not wait behind a whole library.
        self._again_pool = ThreadPoolExecutor(workers, thread_name_prefix="tag-again")
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
        with self._lock:
            job, classifier = self._begin(batch.id, JobKind.ADD, len(batch.files))
        for item in batch.files:
            self._pool.submit(self._add, job, classifier, batch, item)
        self._finish(job, batch.discard)  # an empty batch ends at once
        return job

    def tag_again(self) -> Job:
        """Tag every photo that another model tagged with the one in use; a second call joins in.

        Each photo is one transaction: after a kill or a cancel the rest keeps its old tags, and
        calling again goes on with it.
        """
        with self._lock:
            running = self._running(JobKind.TAG_AGAIN)
            if running:
                return running[0]
            photo_ids = self._library.answered_by_others(self._model.classifier.bundle_id)
            job, classifier = self._begin(secrets.token_hex(16), JobKind.TAG_AGAIN, len(photo_ids))
        for photo_id in photo_ids:
            self._again_pool.submit(self._tag_again, job, classifier, photo_id)
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
        """Return a job of this process; raises JobNotFound."""
        with self._lock:
            if job_id not in self._jobs:
                raise JobNotFound("No such job runs here. It may have ended before a restart.")
            return self._jobs[job_id]

    def running(self, kind: JobKind | None = None) -> list[Job]:
        """Jobs that are not finished, oldest first; of one kind, if given."""
        with self._lock:
            return self._running(kind)

    def close(self) -> None:
        """Finish the photos that are being looked at; the rest stays on disk for `resume`."""
        for pool in (self._pool, self._again_pool):
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in (self._pool, self._again_pool):
            pool.shutdown(wait=True)

    def _begin(self, job_id: str, kind: JobKind, total: int) -> tuple[Job, Classifier]:
        """Register a job; it ends with the model it begins with. The caller holds the lock."""
        while len(self._jobs) >= _KEPT_JOBS:
            self._jobs.pop(next(iter(self._jobs)))
        job = self._jobs[job_id] = Job(job_id, kind, total)
        return job, self._model.classifier

    def _running(self, kind: JobKind | None = None) -> list[Job]:
        return [
            job
            for job in self._jobs.values()
            if job.is_running and (kind is None or job.kind is kind)
        ]

    def _add(
        self, job: Job, classifier: Classifier, batch: IncomingBatch, item: IncomingFile
    ) -> None:
        if job.is_cancelled:
            job.record_dropped()
        elif problem := _problem_of(lambda: self._look_and_keep(job, classifier, batch, item)):
            job.record_skipped(Skipped(item.name, problem.code, problem.message))
        batch.path(item).unlink(missing_ok=True)
        self._finish(job, batch.discard)

    def _look_and_keep(
        self, job: Job, classifier: Classifier, batch: IncomingBatch, item: IncomingFile
    ) -> None:
        data = read_photo_file(batch.path(item), classifier.limits)
        photo_id = content_hash(data)
        if self._library.holds(photo_id, classifier.bundle_id):
            job.record_photo(photo_id, was_known=True)
            return
        look = classifier.look(data)
        photo = NewPhoto(data, item.name, item.uploaded_at)
        added = self._library.add(photo, look, classifier.provenance)
        job.record_photo(added.id, added.was_known)

    def _tag_again(self, job: Job, classifier: Classifier, photo_id: str) -> None:
        if job.is_cancelled:
            job.record_dropped()
        elif problem := _problem_of(lambda: tag_again(self._library, classifier, photo_id)):
            job.record_skipped(Skipped(self._name(photo_id), problem.code, problem.message))
        else:
            job.record_photo(photo_id, was_known=True)
        self._finish(job)

    def _name(self, photo_id: str) -> str:
        found = [photo.name for photo in self._library.records([photo_id])]
        return found[0] if found else photo_id[:12]

    @staticmethod
    def _finish(job: Job, clear_up: Callable[[], None] | None = None) -> None:
        if job.claim_end():
            if clear_up is not None:
                clear_up()
            job.finish()


def _problem_of(work: Callable[[], None]) -> SceneError | None:
    """Do one item's work; what goes wrong with it is told, and stops no other."""
    try:
        work()
    except SceneError as error:
        return error
    except Exception:
        logger.exception("tagging a photo failed")
        return InternalError("An internal error; see the log.")
    return None
