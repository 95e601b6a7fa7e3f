"""Worker threads with a bounded, fair queue.

Single requests take turns with jobs, task by task, so a single photo does not wait for a batch of
ten thousand; before that, owners take turns with each other.
"""

import itertools
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from scene_model.errors import ServerBusy
from scene_model.jobs.fair_queue import FairQueue

Result = TypeVar("Result")

_INITIAL_MEAN_S = 0.05
_MAX_RETRY_S = 60
# Tasks of a pool that may wait in `step_aside` at the same time; more keep their threads.
_MAX_ASIDE = 64
_POLL_S = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How many there may be, in total and of one owner; setting: the variable to raise it with."""

    total: int
    per_owner: int
    setting: str


class WorkerPool:
    """A fixed number of threads that take tasks from a fair queue; thread-safe.

    threads: how many, with the spare ones.
    """

    def __init__(
        self,
        workers: int,
        name: str,
        max_waiting: Limits | None = None,
        spare_threads: int = 0,
    ) -> None:
        """Create an idle pool; threads start with the first tasks.

        max_waiting: limits on the unfinished tasks of `submit`, not counting the first
        ``workers``; None: no limit. spare_threads: additional threads that start waiting tasks
        early.
        """
        self._workers, self.threads = workers, workers + spare_threads
        self._max_waiting = max_waiting
        self._waiting_by_owner: Counter[str] = Counter()
        self._queue = FairQueue()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix=name)
        self._aside = threading.Semaphore(_MAX_ASIDE)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._request_numbers = itertools.count()
        self._mean_s = _INITIAL_MEAN_S

    def require_room(self, count: int = 1, owner: str = "") -> None:
        """Raise ServerBusy when `submit` would refuse that many tasks."""
        with self._lock:
            self._require_room(count, owner)

    def submit(
        self, tasks: Sequence[Callable[[], Result]], owner: str = ""
    ) -> list[Future[Result]]:
        """Queue the tasks of one request; raises ServerBusy when too many are waiting."""
        futures: list[Future[Result]] = [Future() for _ in tasks]
        with self._lock:
            self._require_room(len(tasks), owner)
            self._waiting_by_owner[owner] += len(tasks)
            request_id = f"request {next(self._request_numbers)}"
        self.submit_batch(
            request_id,
            [
                self._into_future(task, future, owner)
                for task, future in zip(tasks, futures, strict=True)
            ],
            owner,
        )
        return futures

    def submit_batch(
        self, job_id: str, tasks: Sequence[Callable[[], None]], owner: str = ""
    ) -> None:
        """Queue tasks of a job, without a limit: `JobEngine` limits the number of jobs."""
        self._queue.put(job_id, tasks, owner)
        for _ in tasks:
            self._pool.submit(self._run_next)

    def stop(self) -> None:
        """Begin no further task."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Finish the tasks in work; waiting ones are not begun."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _require_room(self, count: int, owner: str) -> None:
        """Raise ServerBusy at the limit; with an empty queue, a request of any size is accepted."""
        if self._max_waiting is None:
            return
        for waiting, limit, description in (
            (self._waiting_by_owner.total(), self._max_waiting.total, "photos are waiting"),
            (
                self._waiting_by_owner[owner],
                self._max_waiting.per_owner,
                "photos of yours are waiting",
            ),
        ):
            if waiting and waiting + count > limit + self._workers:
                seconds = math.ceil(waiting * self._mean_s / self.threads)
                raise ServerBusy(
                    f"{waiting} {description}; the limit is {limit} ({self._max_waiting.setting}). "
                    "Try again after the number of seconds in Retry-After.",
                    min(max(seconds, 1), _MAX_RETRY_S),
                )

    def _into_future(
        self, task: Callable[[], Result], future: Future[Result], owner: str
    ) -> Callable[[], None]:
        def run() -> None:
            try:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(task())
                    except BaseException as error:
                        future.set_exception(error)
            finally:
                with self._lock:
                    self._waiting_by_owner[owner] -= 1
                    if not self._waiting_by_owner[owner]:
                        del self._waiting_by_owner[owner]

        return run

    @contextmanager
    def stand_in(self) -> Iterator[None]:
        """Take tasks in another thread while the calling one, which runs a task, waits."""
        if not self._aside.acquire(blocking=False):
            yield
            return
        is_over = threading.Event()
        substitute = threading.Thread(target=self._run_until, args=(is_over,), name="substitute")
        substitute.start()
        try:
            yield
        finally:
            is_over.set()
            self._aside.release()

    def _run_until(self, is_over: threading.Event) -> None:
        while not (is_over.is_set() or self._stopped.is_set()):
            if not self._run_next():
                is_over.wait(_POLL_S)

    def _run_next(self) -> bool:
        """Run a waiting task; tells whether there was one."""
        task = self._queue.take()
        if task is None:
            return False
        _pool_of_task.set(self)
        began = time.monotonic()
        try:
            task()
        except Exception:
            logger.exception("a task failed unexpectedly")
        self._mean_s += 0.1 * (time.monotonic() - began - self._mean_s)
        return True


_pool_of_task: ContextVar[WorkerPool | None] = ContextVar("pool_of_task", default=None)


def step_aside() -> AbstractContextManager[None]:
    """Let other tasks begin while this one waits for something else than the processor.

    Outside a task of a pool, do nothing.
    """
    pool = _pool_of_task.get()
    return nullcontext() if pool is None else pool.stand_in()


class WorkerPools:
    """The worker pools of one process for the jobs of its libraries."""

    def __init__(self, workers: int) -> None:
        """Make one pool for new photos and one for retags: new photos do not wait for a retag.

        Spare threads decode and predict while the others wait for the disk.
        """
        self.adding = WorkerPool(workers, "classify", spare_threads=workers)
        self.retagging = WorkerPool(workers, "retag")

    def close(self) -> None:
        """Finish the tasks in work; begin no further one."""
        for pool in (self.adding, self.retagging):
            pool.stop()
        for pool in (self.adding, self.retagging):
            pool.close()
