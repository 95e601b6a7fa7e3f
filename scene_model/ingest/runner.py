"""The jobs of one library: adding files, retagging photos, embedding them by a further network.

Pages poll `Job.progress`; closing a page does not affect the job.
"""

import datetime
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from scene_model.classifier.model import CurrentModel
from scene_model.config import Settings
from scene_model.errors import JobNotFound, SceneError
from scene_model.ingest.archives.coverage import Coverage, covered_by
from scene_model.ingest.archives.plan import ExportPlan
from scene_model.ingest.archives.received import (
    plan_received,
    remove_forgotten,
    remove_received,
    remove_upload,
)
from scene_model.ingest.embed_item import Embedder, embed_items
from scene_model.ingest.file_adder import FileAdder, FileListener
from scene_model.ingest.incoming import (
    IncomingBatch,
    find_unfinished,
    listed_files,
    resume_batch,
)
from scene_model.ingest.incoming_file import IncomingFile
from scene_model.ingest.new_batch import receive, receive_export, receive_paths, receive_scanned
from scene_model.ingest.quota import NO_QUOTA, Quota
from scene_model.ingest.retag_item import retag_photo
from scene_model.jobs.engine import JobEngine, JobItem
from scene_model.jobs.job import Job, JobKind, skipped, skipped_outcome
from scene_model.jobs.results import JobResults
from scene_model.jobs.workers import WorkerPools
from scene_model.library.awaited_facts import store_awaited_facts
from scene_model.library.embeddings.backbone_embeddings import photos_without
from scene_model.library.store import Library

logger = logging.getLogger(__name__)


class JobRunner:
    """Runs the jobs of one library; thread-safe."""

    def __init__(
        self,
        settings: Settings,
        model: CurrentModel,
        library: Library,
        worker_pools: WorkerPools | None = None,
        quota: Quota = NO_QUOTA,
        after_adding: Callable[[], None] = lambda: None,
        after_retagging: Callable[[], object] = lambda: None,
    ) -> None:
        """Begin without a job.

        worker_pools: pools shared with other libraries; None for pools of its own, which `close`
        then ends. after_adding: called in the end of a job that adds files, with all photos stored;
        after_retagging in the end of one that retags.
        """
        self._settings, self._model, self._library = settings, model, library
        self._adder = FileAdder(library, quota)
        self._after_adding, self._after_retagging = after_adding, after_retagging
        self._owns_pools = worker_pools is None
        self._pools = pools = worker_pools or WorkerPools(settings.workers)
        self._engine = JobEngine(
            {
                JobKind.ADD: pools.adding,
                JobKind.WATCH: pools.adding,
                JobKind.RETAG: pools.retagging,
                JobKind.EMBED: pools.retagging,
            }
        )
        self._owner = str(library.folder)
        self._results = JobResults(library.jobs_dir, library.files.new_dir, library.file_system)
        self._batches: dict[str, IncomingBatch] = {}
        self._next_jobs: dict[str, str] = {}
        # By embedding file: the photos that could not be embedded since the program started.
        self._failed: dict[str, set[str]] = {}

    def listen(self, listener: FileListener) -> None:
        """Report the files of watched folders from now on."""
        self._adder.listen(listener)

    def submit(self, files: Iterable[tuple[str, bytes]]) -> Job:
        """Write uploads (name, bytes) to disk, and start a job that adds them."""
        incoming_dir, file_system = self._library.incoming_dir, self._library.file_system
        return self.start(receive(incoming_dir, files, _now(), file_system))

    def submit_paths(self, paths: Iterable[Path], by_reference: bool) -> Job:
        """Start a job that adds files of this computer; the files are only read.

        by_reference: they stay the photos' originals, and the library makes no copy. Raises
        NotForVisitors on a shared server.
        """
        self._settings.require_personal("add files from the server's disk")
        incoming_dir, file_system = self._library.incoming_dir, self._library.file_system
        return self.start(receive_paths(incoming_dir, paths, _now(), by_reference, file_system))

    def submit_scanned(self, files: Sequence[IncomingFile]) -> Job:
        """Start a job that adds files of watched folders; raises as `submit_paths`."""
        self._settings.require_personal("watch folders of the server's disk")
        incoming_dir, file_system = self._library.incoming_dir, self._library.file_system
        return self.start(receive_scanned(incoming_dir, files, file_system))

    def submit_inbox(self, files: Sequence[IncomingFile], listener: FileListener) -> Job:
        """Start a job that adds files of an inbox; raises as `submit_paths`.

        listener: called with each processed file.
        """
        self._settings.require_personal("receive files by WebDAV")
        incoming_dir, file_system = self._library.incoming_dir, self._library.file_system
        return self.start(receive_scanned(incoming_dir, files, file_system), listener)

    def submit_export(self, plan: ExportPlan, listener: FileListener | None = None) -> Job:
        """Start a job that adds archives and exported folders; raises as `submit_paths`.

        listener: called with each processed file.
        """
        self._settings.require_personal("add files from the server's disk")
        store_awaited_facts(self._library, plan.awaited)
        incoming_dir, file_system = self._library.incoming_dir, self._library.file_system
        return self.start(receive_export(incoming_dir, plan.files, file_system), listener)

    def resume_export(
        self, sources: Sequence[Path], listener: FileListener | None = None
    ) -> Job | None:
        """Resume the job of an earlier run that added exactly these sources; None without one.

        An unfinished job of only some of them is dropped: a new one adds the rest of it too.
        """
        job = None
        for batch in find_unfinished(self._library.incoming_dir, self._library.file_system):
            coverage = covered_by(batch, sources)
            if coverage is Coverage.SAME and job is None:
                job = self.start(batch, listener)
                continue
            if coverage is not Coverage.NONE:
                batch.discard()
            batch.lock_file.release()
        return job

    def resume(self) -> list[Job]:
        """Resume the jobs of earlier runs, except jobs that another process is running."""
        jobs = []
        batches = find_unfinished(self._library.incoming_dir, self._library.file_system)
        remove_forgotten(self._library)
        # Exports first: an upload of archives whose export has begun does not begin another.
        for batch in sorted(batches, key=lambda batch: not batch.is_export):
            if batch.is_from_inbox:
                batch.discard()
                batch.lock_file.release()
                continue
            jobs.append(self.start(batch))
        return jobs

    def retry(self, job_id: str) -> Job:
        """Run an ended job again, under its id, for its waiting files; raises JobNotFound."""
        job = self.job(job_id)
        if job.is_running:
            return job
        folder = self._library.incoming_dir / job.id
        batch = resume_batch(folder, self._library.file_system) if folder.is_dir() else None
        return job if batch is None else self.start(batch)

    def start(self, batch: IncomingBatch, listener: FileListener | None = None) -> Job:
        """Start a job on a received batch. listener: called with each processed file."""
        pending = len(batch.pending.files())
        total = len(batch.files) + len(batch.outcomes) + batch.dropped + pending
        is_automatic = batch.is_watched or batch.is_from_inbox
        kind = JobKind.WATCH if is_automatic else JobKind.ADD
        job = Job(batch.id, kind, total, batch.outcomes, partial(self._cancel, batch.id))
        with self._engine.lock:
            self._batches[batch.id] = batch
            self._adder.begin(batch, self._model.classifier.limits, listener)
            self._engine.begin(job, self._owner, partial(self._end_batch, job))
        if batch.is_cancelled:
            job.record_dropped(batch.dropped)
            job.cancel()
        self.feed(job, batch.files)
        return job

    def feed(self, job: Job, files: Sequence[IncomingFile]) -> None:
        """Queue files of a job that have just arrived; ignored after a cancel."""
        with self._engine.lock:
            batch, classifier = self._batches.get(job.id), self._model.classifier
        if batch is not None:
            self._engine.add(job, [self._adder.item(classifier, batch, file) for file in files])

    def batch(self, job_id: str) -> IncomingBatch | None:
        """Return the files of a running job; None when it has ended or has no files."""
        with self._engine.lock:
            return self._batches.get(job_id)

    def next_job(self, job_id: str) -> str | None:
        """Return the id of the job that adds what an upload of archives has brought."""
        return self._next_jobs.get(job_id)

    def skip_files(self, job: Job, files: Sequence[IncomingFile], problem: SceneError) -> None:
        """Count files of a job as skipped for a reason found before they are processed."""
        batch = self.batch(job.id)
        if batch is None:
            return
        for file in files:
            outcome = skipped_outcome(file.name, problem)
            try:
                batch.settle(file, outcome)
            except OSError as error:
                logger.warning("a restart would expect %s again: %s", file.file, error.strerror)
            job.record(outcome)
        self._engine.end_if_done(job)

    def retag(self) -> Job:
        """Start a job that retags the photos of other models; returns the running one if any.

        Each photo is one transaction: after a crash or a cancel the remaining photos keep their
        old tags, and another call processes them.
        """
        with self._engine.lock:
            running = self._engine.running(JobKind.RETAG)
            if running:
                return running[0]
            classifier = self._model.classifier
            photo_ids = self._library.tagged_by_other_bundles(classifier.bundle_id)
            job = Job(secrets.token_hex(16), JobKind.RETAG, len(photo_ids))
            self._engine.begin(job, self._owner, partial(self._end_retag, job))
        items = [
            JobItem(photo_id[:12], partial(retag_photo, self._library, classifier, photo_id))
            for photo_id in photo_ids
        ]
        self._engine.add(job, items)
        return job

    def embed(self, embedder: Embedder) -> Job:
        """Start a job that embeds the photos that have no embedding by a network.

        Returns the running one if any. Finished photos are stored together, some at a time: after a
        crash or a cancel another call embeds those that are missing.
        """
        with self._engine.lock:
            running = self._engine.running(JobKind.EMBED)
            if running:
                return running[0]
            self._failed.pop(embedder.network.file, None)
            return self._start_embedding(embedder, photos_without(self._library, embedder.network))

    def embed_new(self, embedder: Embedder) -> Job | None:
        """As `embed`, without the photos that could not be embedded before; None without others."""
        with self._engine.lock:
            running = self._engine.running(JobKind.EMBED)
            if running:
                return running[0]
            failed = self._failed.get(embedder.network.file, set())
            missing = photos_without(self._library, embedder.network)
            new_ids = [photo_id for photo_id in missing if photo_id not in failed]
            return self._start_embedding(embedder, new_ids) if new_ids else None

    def none_running(self) -> AbstractContextManager[None]:
        """Prevent jobs from starting while the caller changes the model; raises JobRunning.

        A job that embeds photos by a further network may run: it does not use the model.
        """
        return self._engine.none_running(apart_from=JobKind.EMBED)

    def _start_embedding(self, embedder: Embedder, photo_ids: Sequence[str]) -> Job:
        job = Job(secrets.token_hex(16), JobKind.EMBED, len(photo_ids))
        ids = frozenset(photo_ids)
        with self._engine.lock:
            self._engine.begin(job, self._owner, partial(self._end_embedding, job, embedder, ids))
        self._engine.add(job, embed_items(self._library, embedder, job, photo_ids))
        return job

    def _end_embedding(self, job: Job, embedder: Embedder, photo_ids: frozenset[str]) -> None:
        """Store the result of a job, and embed the photos that came in meanwhile."""
        self._results.save(job)
        if job.is_cancelled:
            return
        missing = photos_without(self._library, embedder.network)
        failed = self._failed.setdefault(embedder.network.file, set())
        failed.update(photo_ids.intersection(missing))
        new_ids = [photo_id for photo_id in missing if photo_id not in failed]
        if new_ids:
            self._start_embedding(replace(embedder, may_fetch=False), new_ids)

    def job(self, job_id: str) -> Job:
        """Return a job, also one that ended before a restart; raises JobNotFound."""
        job = self._engine.find(job_id) or self._results.find(job_id)
        if job is None:
            raise JobNotFound("There is no job with this id, and no stored result of one.")
        return job

    def running(self, kind: JobKind | None = None) -> list[Job]:
        """Return the jobs that have not ended, oldest first; optionally of one kind."""
        return self._engine.running(kind)

    def is_working(self) -> bool:
        """Whether a job has something to do: not when all of them wait for files to be sent."""
        for job in self.running():
            batch, progress = self.batch(job.id), job.progress()
            expected = 0 if batch is None else len(batch.pending.files())
            if not expected or progress.total - progress.done > expected:
                return True
        return False

    def close(self) -> None:
        """Finish the photos in work; the other files stay on disk for `resume`."""
        if self._owns_pools:
            self._pools.close()
        self._adder.close()
        for batch in list(self._batches.values()):
            batch.lock_file.release()

    def _cancel(self, job_id: str) -> None:
        """Record the cancellation on disk, and accept no more files."""
        batch = self.batch(job_id)
        if batch is None:
            return
        batch.cancel()
        job = self.job(job_id)
        job.record_dropped(len(batch.pending.end()))
        self._engine.end_if_done(job)

    def _end_retag(self, job: Job) -> None:
        self._results.save(job)
        self._after_retagging()

    def _end_batch(self, job: Job) -> None:
        """Store the result of a job, and remove its folder unless files wait for a retry."""
        batch = self._batches.pop(job.id)
        try:
            self._adder.end(batch)
            # The next scan, or the inbox, finds again what was not added.
            if batch.is_watched or batch.is_from_inbox:
                batch.discard()
                return
            are_archives_read = not batch.has_archives or self._read_archives(job, batch)
            self._results.save(job)
            if not are_archives_read:
                return
            if not job.progress().waiting:
                remove_received(self._library, batch)
                batch.discard()
        finally:
            batch.lock_file.release()
            self._after_adding()

    def _read_archives(self, job: Job, batch: IncomingBatch) -> bool:
        """Begin the job that adds the photos of archives; False to try it after a restart."""
        if job.is_cancelled:
            remove_upload(self._library, batch)
            return True
        try:
            plan = plan_received(self._library, batch)
            if plan is not None:
                others = list(self._batches.values())
                begun = [b.id for b in others if covered_by(b, plan.sources) is Coverage.SAME]
                self._next_jobs[job.id] = begun[0] if begun else self.submit_export(plan).id
                if not any(file.source for file in plan.files):
                    remove_upload(self._library, batch)
        except SceneError as error:
            logger.error("archives are read after the next start: %s", error.message)
            for file in listed_files(batch.folder):
                reason = skipped(file.name, error)
                message = f"{reason.message} The archive is kept, and read after the next start."
                job.record_problem(replace(reason, message=message))
            return False
        return True


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
