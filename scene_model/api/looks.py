"""Whose photo is looked at next: a fixed number of threads, and a line that is never too long.

Requests take turns with batches, photo by photo, so a single photo does not wait for ten thousand.
"""

import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from scene_model.errors import ServerBusy
from scene_model.jobs.fair_queue import FairQueue

Answer = TypeVar("Answer")

_FIRST_GUESS_S = 0.05
_LONGEST_RETRY_S = 60

logger = logging.getLogger(__name__)


class LookQueue:
    """Runs looks in ``workers`` threads; all methods may be called from any thread."""

    def __init__(self, workers: int, max_waiting: int) -> None:
        """Start the threads; ``max_waiting`` photos of single requests may wait."""
        self._max_waiting = max_waiting
        self._items = FairQueue()
        self._ready = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._names = itertools.count()
        self._waiting = 0
        self._mean_s = _FIRST_GUESS_S
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"look-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def require_room(self, wanted: int = 1) -> None:
        """Raise ServerBusy when so many photos find no place in the line."""
        with self._lock:
            self._require_room(wanted)

    def submit(self, looks: Sequence[Callable[[], Answer]]) -> list[Future[Answer]]:
        """Put one request's looks into the line; raises ServerBusy when they find no place."""
        futures: list[Future[Answer]] = [Future() for _ in looks]
        with self._lock:
            self._require_room(len(looks))
            self._waiting += len(looks)
            name = f"request {next(self._names)}"
        self._put(
            name,
            [self._counted(look, future) for look, future in zip(looks, futures, strict=True)],
        )
        return futures

    def submit_batch(self, job_id: str, works: Sequence[Callable[[], None]]) -> None:
        """Put a batch's work into the line; how many batches there are is its owner's affair."""
        self._put(job_id, works)

    def close(self) -> None:
        """Finish what is being looked at; what waits is not begun."""
        self._is_closed = True
        for _ in self._threads:
            self._ready.release()
        for thread in self._threads:
            thread.join()

    def _put(self, name: str, works: Sequence[Callable[[], None]]) -> None:
        self._items.put(name, works)
        self._ready.release(len(works)) if works else None

    def _require_room(self, wanted: int) -> None:
        """Let a request in that finds the line empty, whatever its size."""
        if self._waiting and self._waiting + wanted > self._max_waiting + len(self._threads):
            seconds = math.ceil(self._waiting * self._mean_s / len(self._threads))
            raise ServerBusy(
                f"{self._waiting} photos are in line and {self._max_waiting} may wait "
                "(SCENE_MAX_WAITING). Try again after the seconds that Retry-After says.",
                min(max(seconds, 1), _LONGEST_RETRY_S),
            )

    def _counted(self, look: Callable[[], Answer], future: Future[Answer]) -> Callable[[], None]:
        def run() -> None:
            try:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(look())
                    except BaseException as error:
                        future.set_exception(error)
            finally:
                with self._lock:
                    self._waiting -= 1

        return run

    def _work(self) -> None:
        while True:
            self._ready.acquire()
            if self._is_closed:
                return
            work = self._items.take()
            if work is None:
                continue
            began = time.monotonic()
            try:
                work()
            except Exception:
                logger.exception("a look failed in a way nobody foresaw")
            self._mean_s += 0.1 * (time.monotonic() - began - self._mean_s)
