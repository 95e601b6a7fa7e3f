"""Events of the file system in one folder and below it."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from watchfiles import watch

# How often the library for events wakes up, and how long it gathers events of busy folders.
_STEP_MS, _GATHER_MS = 500, 1_500
# It polls by itself on systems without any events; then rarely, since the scan covers that.
_POLL_DELAY_MS = 60_000
MAX_EVENTS = 10_000
_DENIED = "os error 13"

logger = logging.getLogger(__name__)


class Events(Protocol):
    """Paths of a folder that changed. problem: why there are no events; None while there are."""

    problem: str | None

    def take(self) -> list[str] | None:
        """Return the paths since the last call; None when there were too many to keep."""

    def close(self) -> None:
        """End it."""


OpenEvents = Callable[[Path, Callable[[], None]], Events]
"""Begins to listen to a folder; the second argument is called when something changed."""


class FolderEvents:
    """Events by `watchfiles` (inotify, FSEvents, ReadDirectoryChangesW), in a thread."""

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        """Begin; a failure, such as the limit on inotify watches, ends up in ``problem``."""
        self.problem: str | None = None
        self._folder, self._wake = folder, wake
        self._lock = threading.Lock()
        self._paths: set[str] = set()
        self._has_overflowed = False
        self._stop = threading.Event()
        threading.Thread(target=self._run, name="folder events", daemon=True).start()

    def take(self) -> list[str] | None:
        """Return the changed paths since the last call; None when there were too many."""
        with self._lock:
            paths, has_overflowed = list(self._paths), self._has_overflowed
            self._paths.clear()
            self._has_overflowed = False
        return None if has_overflowed else paths

    def close(self) -> None:
        """Let the thread end, within a second."""
        self._stop.set()

    def _run(self) -> None:
        try:
            try:
                self._listen(ignore_permission_denied=False)
            except OSError as error:
                if not isinstance(error, PermissionError) and _DENIED not in str(error):
                    raise
                # Not at first: it hides the limit on watches too.
                self._listen(ignore_permission_denied=True)
        except Exception as error:  # a limit of the system, or the folder has just gone
            self.problem = _reason(error)
            self._wake()

    def _listen(self, ignore_permission_denied: bool) -> None:
        for changes in watch(
            self._folder,
            watch_filter=None,
            stop_event=self._stop,
            step=_STEP_MS,
            debounce=_GATHER_MS,
            raise_interrupt=False,
            force_polling=False,
            poll_delay_ms=_POLL_DELAY_MS,
            ignore_permission_denied=ignore_permission_denied,
        ):
            with self._lock:
                self._paths.update(path for _, path in changes)
                self._has_overflowed |= len(self._paths) > MAX_EVENTS
                if self._has_overflowed:
                    self._paths.clear()
            self._wake()


def _reason(error: Exception) -> str:
    """Return why listening failed, without the paths that the library appends."""
    return str(error).partition(". about [")[0].partition(" about [")[0]
