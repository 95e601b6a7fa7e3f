"""Stack bursts, brackets and panoramas of photos that came in, without failing what added them.

A thread does it for photos that an earlier run left. For photos that an earlier version added, it
also stacks those of the same name, such as a RAW file and its JPEG, and looks for clutter. A large
library can be used while the thread runs.
"""

import logging
import threading
import weakref

from scene_model.duplicates.sequences import count_unchecked, stack_sequences
from scene_model.duplicates.stacks import count_unstacked, stack_unstacked
from scene_model.library.clutter.clutter_rows import count_unjudged, judge_unjudged
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


def join_old_photos(library: Library, stop: threading.Event) -> None:
    """Stack photos of the same name that earlier versions added; what fails is tried again.

    stop: ends it after the batch in work.
    """
    try:
        if count_unstacked(library):
            for _ in stack_unstacked(library):
                if stop.is_set():
                    return
    except Exception:
        logger.exception("photos of one name were not stacked; the next start tries again")


def judge_old_photos(library: Library, stop: threading.Event) -> None:
    """Look for clutter among photos of earlier versions; what fails is logged and tried again.

    stop: ends it after the batch in work.
    """
    try:
        for _ in judge_unjudged(library.database):
            if stop.is_set():
                return
    except Exception:
        logger.exception("clutter was not looked for in all photos; the next start tries again")


class SequenceThread:
    """A thread that continues the stacking and the search for clutter of an earlier run."""

    def __init__(self, library: Library) -> None:
        """Do nothing until `start`."""
        self._library = library
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if there is something left to do."""
        is_needed = (
            count_unstacked(self._library)
            or count_unchecked(self._library)
            or count_unjudged(self._library.database)
        )
        if self._thread is None and is_needed:
            self._thread = threading.Thread(
                target=self._run,
                name="sequences",
                daemon=True,
            )
            self._thread.start()

    def _run(self) -> None:
        for work in (join_old_photos, judge_old_photos, stack_new_sequences):
            if not self._stop.is_set():
                work(self._library, self._stop)

    def close(self) -> None:
        """End the thread after the batch in work."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
