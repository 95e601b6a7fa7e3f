"""Run a batch on this computer: one `PartWorker`, two chunks in work at a time."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event

from scene_model.classifier.classify import Classifier
from scene_model.scale.items import Chunk
from scene_model.scale.part_job import PartJob, PartSummary
from scene_model.scale.part_worker import PartWorker

# While one part is written, the pictures of the next are predicted.
_CHUNKS_IN_WORK = 2
# A wait without limit could not be interrupted on Windows.
_WAIT_S = 0.5


class LocalDriver:
    """Threads of this process."""

    def __init__(
        self,
        on_row: Callable[[str | None], None] | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        """on_row, classifier: as `PartWorker`'s."""
        self._on_row, self._classifier = on_row, classifier

    def run(
        self,
        job: PartJob,
        chunks: Iterator[Chunk],
        on_part: Callable[[PartSummary], None],
        stop: Event,
    ) -> None:
        """Process every chunk once; as `Driver.run`. What is done when it stops is written."""
        lock = threading.Lock()

        def work() -> None:
            while not stop.is_set():
                with lock:
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                summary = worker.process(chunk, stop)
                if summary is not None:
                    on_part(summary)

        with (
            PartWorker(job, self._on_row, self._classifier) as worker,
            ThreadPoolExecutor(_CHUNKS_IN_WORK) as pool,
        ):
            threads = [pool.submit(work) for _ in range(_CHUNKS_IN_WORK)]
            try:
                while wait(threads, _WAIT_S, FIRST_EXCEPTION).not_done and not _failed(threads):
                    pass
                for thread in filter(Future.done, threads):
                    thread.result()
            except BaseException:
                # After an error, or Ctrl-C: the pictures in work end, and their part is written.
                stop.set()
                raise


def _failed(threads: "list[Future[None]]") -> bool:
    return any(thread.done() and thread.exception() is not None for thread in threads)
