"""Which visitor each open window of the pages belongs to.

Streamlit's own addresses carry the id of a window, and answer whoever has it. On a shared server
they answer that window's visitor alone.
"""

import threading

_MOST = 10_000


class Windows:
    """The windows of one process; safe to share between threads."""

    def __init__(self, most: int = _MOST) -> None:
        """Begin with none; ``most``: so many are known, those seen last."""
        self._lock = threading.Lock()
        self._most = most
        self._owner_by_window: dict[str, str] = {}

    def note(self, window: str, owner: str) -> None:
        """Keep whose page a window shows now."""
        with self._lock:
            self._owner_by_window.pop(window, None)
            self._owner_by_window[window] = owner
            while len(self._owner_by_window) > self._most:
                del self._owner_by_window[next(iter(self._owner_by_window))]

    def owner(self, window: str) -> str | None:
        """Whose a window is; None when that is not known."""
        with self._lock:
            return self._owner_by_window.get(window)

    def of(self, owner: str) -> list[str]:
        """The windows of a visitor."""
        with self._lock:
            return [w for w, known in self._owner_by_window.items() if known == owner]
