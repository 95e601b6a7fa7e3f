"""The threads that do the work, shared by all who have some."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from scene_model.jobs.fair_queue import FairQueue


class WorkerPool:
    """Threads that take one item after another, of each owner and each job in turn."""

    def __init__(self, count: int, name: str) -> None:
        """Start with nothing to do; ``count`` items are worked on at a time."""
        self._queue = FairQueue()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    def put(self, job_id: str, items: Sequence[Callable[[], None]], owner: str = "") -> None:
        """Add a job's items."""
        self._queue.put(job_id, items, owner)
        for _ in items:
            self._pool.submit(self._next)

    def stop(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self) -> None:
        """Wait for what is being done."""
        self._pool.shutdown(wait=True)

    def _next(self) -> None:
        work = self._queue.take()
        if work is not None:
            work()


class WorkerPools:
    """All workers of one process: those for new photos, and those that tag again."""

    def __init__(self, count: int) -> None:
        """Make ``count`` threads of each kind: new photos must not wait behind a library."""
        self.adding = WorkerPool(count, "classify")
        self.again = WorkerPool(count, "tag-again")

    def close(self) -> None:
        """Finish what is being worked on; begin nothing more."""
        for workers in (self.adding, self.again):
            workers.stop()
        for workers in (self.adding, self.again):
            workers.wait()
