"""Whose photo is looked at next: a fixed number of threads, and a line that is never too long.

Requests take turns with batches, photo by photo, so a single photo does not wait for ten thousand;
before that, whoever asks takes turns with the others who do.
"""

import itertools
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from scene_model.errors import ServerBusy
from scene_model.jobs.fair_queue import FairQueue

Answer = TypeVar("Answer")

_FIRST_GUESS_S = 0.05
_LONGEST_RETRY_S = 60

logger = logging.getLogger(__name__)


class InferenceQueue:
    """Runs looks in a fixed number of threads; all methods may be called from any thread."""

    def __init__(
        self,
        workers: int,
        max_waiting: int,
        max_of_one: int | None = None,
        spare_threads: int = 0,
    ) -> None:
        """Start the threads; beside ``workers`` photos of single requests ``max_waiting`` may wait.

        max_of_one: how many of them may be one owner's, where there are several. spare_threads:
        how many of what waits may be begun already.
        """
        self._workers = workers
        self._max_waiting = max_waiting
        self._max_of_one = max_waiting if max_of_one is None else max_of_one
        self._waiting_of: Counter[str] = Counter()
        self._items = FairQueue()
        self._ready = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._names = itertools.count()
        self._mean_s = _FIRST_GUESS_S
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"look-{number}", daemon=True)
            for number in range(workers + spare_threads)
        ]
        for thread in self._threads:
            thread.start()

    def require_room(self, wanted: int = 1, owner: str = "") -> None:
        """Raise ServerBusy when so many photos find no place in the line."""
        with self._lock:
            self._require_room(wanted, owner)

    def submit(
        self, inference_queue: Sequence[Callable[[], Answer]], owner: str = ""
    ) -> list[Future[Answer]]:
        """Put one request's looks into the line; raises ServerBusy when they find no place."""
        futures: list[Future[Answer]] = [Future() for _ in inference_queue]
        with self._lock:
            self._require_room(len(inference_queue), owner)
            self._waiting_of[owner] += len(inference_queue)
            name = f"request {next(self._names)}"
        self._put(
            name,
            [
                self._counted(look, future, owner)
                for look, future in zip(inference_queue, futures, strict=True)
            ],
            owner,
        )
        return futures

    def submit_batch(
        self, job_id: str, works: Sequence[Callable[[], None]], owner: str = ""
    ) -> None:
        """Put a batch's work into the line; how many batches there are is `Batches`' affair."""
        self._put(job_id, works, owner)

    def close(self) -> None:
        """Finish what is being looked at; what waits is not begun."""
        self._is_closed = True
        for _ in self._threads:
            self._ready.release()
        for thread in self._threads:
            thread.join()

    def _put(self, name: str, works: Sequence[Callable[[], None]], owner: str) -> None:
        self._items.put(name, works, owner)
        self._ready.release(len(works)) if works else None

    def _require_room(self, wanted: int, owner: str) -> None:
        """Let a request in that finds the line empty, whatever its size."""
        for waiting, limit, whose in (
            (self._waiting_of.total(), self._max_waiting, "photos are in line"),
            (self._waiting_of[owner], self._max_of_one, "photos of yours are in line"),
        ):
            if waiting and waiting + wanted > limit + self._workers:
                seconds = math.ceil(waiting * self._mean_s / len(self._threads))
                raise ServerBusy(
                    f"{waiting} {whose} and {limit} may wait (SCENE_MAX_WAITING). Try again after "
                    "the seconds that Retry-After says.",
                    min(max(seconds, 1), _LONGEST_RETRY_S),
                )

    def _counted(
        self, look: Callable[[], Answer], future: Future[Answer], owner: str
    ) -> Callable[[], None]:
        def run() -> None:
            try:
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(look())
                    except BaseException as error:
                        future.set_exception(error)
            finally:
                with self._lock:
                    self._waiting_of[owner] -= 1
                    if not self._waiting_of[owner]:
                        del self._waiting_of[owner]

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
