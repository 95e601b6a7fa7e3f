"""Stack bursts, brackets and panoramas of photos that came in, without failing what added them."""

import logging
import threading
import weakref

from scene_model.duplicates.sequences import count_unchecked, stack_sequences
from scene_model.library.store import Library

logger = logging.getLogger(__name__)
# One run at a time for each library; another process may run beside it.
_running = weakref.WeakKeyDictionary[Library, threading.Lock]()
_running_lock = threading.Lock()


def stack_new_sequences(library: Library, stop: threading.Event | None = None) -> None:
    """Stack the sequences with photos that came in; what fails is logged and tried again later.

    Returns at once while another thread does it, which then does these photos, too.
    stop: ends it after the batch in work.
    """
    with _running_lock:
        lock = _running.setdefault(library, threading.Lock())
    try:
        # Again after each run: who finds the lock taken leaves its photos to this run.
        while count_unchecked(library) and lock.acquire(blocking=False):
            try:
                for _ in stack_sequences(library):
                    if stop is not None and stop.is_set():
                        return
            finally:
                lock.release()
    except Exception:
        logger.exception("sequences were not stacked; the next run tries again")


class SequenceThread:
    """A thread that goes on where an earlier run stopped stacking sequences."""

    def __init__(self, library: Library) -> None:
        """Do nothing until `start`."""
        self._library = library
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if there is something left to do."""
        if self._thread is None and count_unchecked(self._library):
            self._thread = threading.Thread(
                target=stack_new_sequences,
                args=(self._library, self._stop),
                name="sequences",
                daemon=True,
            )
            self._thread.start()

    def close(self) -> None:
        """End the thread after the batch in work."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
