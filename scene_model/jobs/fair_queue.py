"""Whose turn it is: first the owners take turns, then each owner's jobs, item by item.

So a large job does not block a small one, and many jobs of one do not crowd out another's one.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable

Work = Callable[[], None]


class FairQueue:
    """Items of several jobs, handed out in turn; within a job, in order."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._by_owner: dict[str, dict[str, deque[Work]]] = {}

    def put(self, job_id: str, items: Iterable[Work], owner: str = "") -> None:
        """Add a job's items, behind those it has already; a new job is the last in turn."""
        with self._lock:
            added = deque(items)
            if added:
                by_job = self._by_owner.setdefault(owner, {})
                by_job.setdefault(job_id, deque()).extend(added)

    def take(self) -> Work | None:
        """Take the next item of the job whose turn it is; None when there is none."""
        with self._lock:
            if not self._by_owner:
                return None
            owner = next(iter(self._by_owner))
            by_job = self._by_owner.pop(owner)
            job_id = next(iter(by_job))
            items = by_job.pop(job_id)
            item = items.popleft()
            if items:
                by_job[job_id] = items  # to the end of the line
            if by_job:
                self._by_owner[owner] = by_job
            return item
