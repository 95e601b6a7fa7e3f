"""Updates of a library's places and trips in the background, one at a time."""

import logging
import threading
import time
from collections.abc import Callable

from scene_model.errors import SceneError
from scene_model.library.place_proposals import update_places
from scene_model.library.store import Library
from scene_model.trips.trip_run import update_trips

_PAUSE_S = 10.0
# The pause after a run is at least as many times as long, so that runs take a small share of time.
_PAUSE_PER_RUN = 10

logger = logging.getLogger(__name__)


class TripUpdates:
    """Updates places, then trips, which are named by them; thread-safe.

    The thread lives while there is something to do. Requests during a run are one more run after
    it. What a run of a killed process would have done, the next request does.
    """

    def __init__(self, library: Library, after_update: Callable[[], object] = lambda: None) -> None:
        """Begin without a run.

        after_update: called after each update, in its thread; it raises nothing.
        """
        self._library, self._after_update = library, after_update
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_requested = self._is_closed = False
        self._checked_version, self._due_at_s = -1, time.monotonic()

    def request(self) -> None:
        """Update places and trips soon; returns at once."""
        with self._lock:
            if self._is_closed:
                return
            self._is_requested = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trips", daemon=True)
                self._thread.start()

    def request_if_changed(self) -> None:
        """Update places and trips if the library changed since the last update; returns at once.

        Not before a pause is over: pages ask at every click, and a run may read all photos.
        """
        is_due = time.monotonic() >= self._due_at_s
        if is_due and self._library.version() != self._checked_version:
            self.request()

    @property
    def is_running(self) -> bool:
        """Whether an update is running or requested."""
        with self._lock:
            return self._thread is not None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no update is running; returns whether that is so."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return not self.is_running

    def close(self) -> None:
        """Finish what is requested, and accept nothing more."""
        with self._lock:
            self._is_closed = True
        self.wait()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._is_requested:
                    self._thread = None
                    return
                self._is_requested = False
            began_at_s = time.monotonic()
            try:
                version = self._library.version()
                update_places(self._library)
                update_trips(self._library)
                self._checked_version = version
            except SceneError as error:
                logger.warning("places and trips were not updated: %s", error.message)
            except Exception:  # nobody else would hear of it
                logger.exception("places and trips were not updated")
            self._after_update()
            ended_at_s = time.monotonic()
            pause_s = max(_PAUSE_S, _PAUSE_PER_RUN * (ended_at_s - began_at_s))
            self._due_at_s = ended_at_s + pause_s
