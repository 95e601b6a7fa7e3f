"""Report moved files to the libraries, in batches."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from scene_model.errors import LibraryError

Moved = TypeVar("Moved")

# Few, so that a crash leaves few references outdated.
_REPORT_EVERY = 200


class MoveReporter(Generic[Moved]):
    """Collects moves and reports them; `Moved` says from where to where a file moved."""

    def __init__(self, follow: Callable[[Sequence[Moved]], object]) -> None:
        """follow: updates the references of the libraries; raises LibraryError."""
        self._follow = follow
        self._pending: list[Moved] = []

    def add(self, moved: Moved) -> None:
        """Add a move; reports a full batch, and leaves a busy library for the last `flush`."""
        self._pending.append(moved)
        if len(self._pending) % _REPORT_EVERY == 0:
            with contextlib.suppress(LibraryError):
                self.flush()

    def flush(self) -> None:
        """Report all pending moves; raises LibraryError."""
        if self._pending:
            self._follow(self._pending)
            self._pending = []
