"""The job engine: runs uploads, retags and REST batches on worker pools.

A job is a list of items. Each item ends with an outcome: processed, skipped with a reason, or
dropped after a cancel. An item's error never affects another item. The engine knows nothing of
photos, files or HTTP; its callers store the items and what is needed to resume a job.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from scene_model.errors import JobRunning, ServerBusy
from scene_model.jobs.job import Job, JobKind, Outcome, skipped_outcome
from scene_model.jobs.workers import Limits, WorkerPool

_RETRY_S = 10


def _do_nothing() -> None:
    return None


@dataclass(frozen=True)
class JobItem:
    """One item of a job.

    name: shown when it is skipped. run: processes it; an exception makes it skipped. drop: called
    instead of ``run`` after a cancel; may return an outcome when it fails.
    """

    name: str
    run: Callable[[], Outcome]
    drop: Callable[[], Outcome | None] = _do_nothing


@dataclass(frozen=True)
class _Entry:
    job: Job
    owner: str
    on_end: Callable[[], None]


class JobEngine:
    """Runs jobs of one or more owners, and holds their state; thread-safe.

    lock: held while a job begins; hold it to do more in the same step.
    """

    def __init__(
        self,
        pools: Mapping[JobKind, WorkerPool],
        max_running: Limits | None = None,
        max_stored: int = 200,
    ) -> None:
        """Begin without jobs.

        pools: the workers of each kind of job. max_running: the limit on reserved and running
        jobs. max_stored: above this number of jobs, those that ended first are removed.
        """
        self._pools, self._max_running, self._max_stored = pools, max_running, max_stored
        self.lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._reserved: dict[str, str] = {}
        self._is_closed = False

    def reserve(self, job_id: str, owner: str) -> None:
        """Count a job as running while its items are received; raises ServerBusy at the limit."""
        with self.lock:
            owners = [entry.owner for entry in self._entries.values() if entry.job.is_running]
            owners += self._reserved.values()
            running, own, limit = len(owners), owners.count(owner), self._max_running
            if self._is_closed or (
                limit is not None and (running >= limit.total or own >= limit.per_owner)
            ):
                setting = "" if limit is None else f", the limit ({limit.setting})"
                raise ServerBusy(
                    f"{running} batches are running, {own} of them yours{setting}. Try again after "
                    "the number of seconds in Retry-After.",
                    _RETRY_S,
                )
            self._reserved[job_id] = owner

    def release(self, job_id: str) -> None:
        """Give up a reservation that `begin` has not used."""
        with self.lock:
            self._reserved.pop(job_id, None)

    def is_active(self, job_id: str) -> bool:
        """Whether a job is reserved or running."""
        with self.lock:
            entry = self._entries.get(job_id)
            return job_id in self._reserved or (entry is not None and entry.job.is_running)

    def begin(self, job: Job, owner: str, on_end: Callable[[], None]) -> None:
        """Register a job; ``on_end`` is called once, before the callers of `Job.wait` wake up."""
        with self.lock:
            ended = [i for i, entry in self._entries.items() if not entry.job.is_running]
            for job_id in ended[: max(0, len(self._entries) + 1 - self._max_stored)]:
                del self._entries[job_id]
            self._reserved.pop(job.id, None)
            self._entries.pop(job.id, None)
            self._entries[job.id] = _Entry(job, owner, on_end)

    def add(self, job: Job, items: Sequence[JobItem]) -> None:
        """Queue items of a job; a job without remaining items ends."""
        entry = self._entries[job.id]
        tasks = [partial(self._run, job, item) for item in items]
        self._pools[job.kind].submit_batch(job.id, tasks, entry.owner)
        self.end_if_done(job)

    def find(self, job_id: str) -> Job | None:
        """Return a job by its id; None when it was removed or never began here."""
        with self.lock:
            entry = self._entries.get(job_id)
        return None if entry is None else entry.job

    def running(self, kind: JobKind | None = None) -> list[Job]:
        """Return the jobs that have not ended, oldest first; optionally of one kind."""
        with self.lock:
            jobs = [entry.job for entry in self._entries.values()]
        return [job for job in jobs if job.is_running and kind in (None, job.kind)]

    @contextmanager
    def none_running(self, apart_from: JobKind | None = None) -> Iterator[None]:
        """Prevent jobs from starting inside the block; raises JobRunning when one is running.

        apart_from: a kind of job that may run.
        """
        with self.lock:
            if any(job.kind is not apart_from for job in self.running()):
                raise JobRunning(
                    "Photos are being tagged. Wait until that has ended, or cancel it, and try "
                    "again."
                )
            yield

    def end_if_done(self, job: Job) -> None:
        """End a job if no item remains; needed after `Job.record` outside of the engine."""
        if not job.try_end():
            return
        entry = self._entries[job.id]
        try:
            entry.on_end()
        finally:
            with self.lock:
                # Free what on_end refers to: all items of the job.
                self._entries[job.id] = replace(entry, on_end=_do_nothing)
            job.finish()

    def close(self) -> None:
        """End every job with the outcomes so far; call it after the pools are closed."""
        self._is_closed = True
        for job in self.running():
            job.cancel()
            job.drop_remaining()
            self.end_if_done(job)

    def _run(self, job: Job, item: JobItem) -> None:
        outcome: Outcome | None
        try:
            outcome = item.drop() if job.is_cancelled else item.run()
        except Exception as error:
            outcome = skipped_outcome(item.name, error)
        if outcome is None:
            job.record_dropped()
        else:
            job.record(outcome)
        self.end_if_done(job)
