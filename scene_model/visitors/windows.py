"""Which visitor each open window of the pages belongs to.

Streamlit's own URLs contain the id of a window and serve anyone who has it. On a shared server
they serve only the visitor of that window.
"""

import threading

_MAX_WINDOWS = 10_000


class Windows:
    """The windows of one process; thread-safe."""

    def __init__(self, max_windows: int = _MAX_WINDOWS) -> None:
        """Begin with none; ``max_windows``: the windows recorded longest ago are dropped."""
        self._lock = threading.Lock()
        self._max_windows = max_windows
        self._owner_by_window: dict[str, str] = {}

    def note(self, window: str, owner: str) -> None:
        """Record the visitor of a window."""
        with self._lock:
            self._owner_by_window.pop(window, None)
            self._owner_by_window[window] = owner
            while len(self._owner_by_window) > self._max_windows:
                del self._owner_by_window[next(iter(self._owner_by_window))]

    def owner(self, window: str) -> str | None:
        """Return the visitor of a window; None when it is not recorded."""
        with self._lock:
            return self._owner_by_window.get(window)

    def of(self, owner: str) -> list[str]:
        """Return the windows of a visitor."""
        with self._lock:
            return [w for w, window_owner in self._owner_by_window.items() if window_owner == owner]
