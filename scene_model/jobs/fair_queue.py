"""Whose turn it is: jobs take turns item by item, so that a large one does not block a small."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

Work = Callable[[], None]


class FairQueue:
    """Items of several jobs, handed out in turn; within a job, in order."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._by_job: dict[str, deque[Work]] = {}

    def put(self, job_id: str, items: Iterable[Work]) -> None:
        """Add a job's items, behind those it has already; a new job is the last in turn."""
        with self._lock:
            added = deque(items)
            if added:
                self._by_job.setdefault(job_id, deque()).extend(added)

    def take(self) -> Work | None:
        """Take the next item of the job whose turn it is; None when there is none."""
        with self._lock:
            if not self._by_job:
                return None
            job_id = next(iter(self._by_job))
            items = self._by_job.pop(job_id)
            item = items.popleft()
            if items:
                self._by_job[job_id] = items  # to the end of the line
            return item
