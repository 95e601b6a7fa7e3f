"""A fair queue: owners take turns, and each owner's jobs take turns, one task at a time.

A large job therefore does not delay a small one, and many jobs of one owner do not delay the
single job of another.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable

Task = Callable[[], None]


class FairQueue:
    """The tasks of several jobs; the tasks of one job keep their order. Thread-safe."""

    def __init__(self) -> None:
        """Create an empty queue."""
        self._lock = threading.Lock()
        self._by_owner: dict[str, dict[str, deque[Task]]] = {}

    def put(self, job_id: str, tasks: Iterable[Task], owner: str = "") -> None:
        """Append tasks to a job; a new job gets its turn after all others of its owner."""
        with self._lock:
            added = deque(tasks)
            if added:
                by_job = self._by_owner.setdefault(owner, {})
                by_job.setdefault(job_id, deque()).extend(added)

    def take(self) -> Task | None:
        """Remove and return the next task in turn; None when the queue is empty."""
        with self._lock:
            if not self._by_owner:
                return None
            owner = next(iter(self._by_owner))
            by_job = self._by_owner.pop(owner)
            job_id = next(iter(by_job))
            tasks = by_job.pop(job_id)
            task = tasks.popleft()
            if tasks:
                by_job[job_id] = tasks  # re-insert last: dicts keep insertion order
            if by_job:
                self._by_owner[owner] = by_job
            return task
