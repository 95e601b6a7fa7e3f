"""Tell the libraries which files were moved to an object store, or back."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from scene_model.errors import LibraryError
from scene_model.export.sorting.plan import Kind, Step

# Few, so that a crash leaves few references outdated.
_REPORT_EVERY = 200


class StoredFile(NamedTuple):
    """A file that moved between a path of this computer and an object store."""

    sha256: str
    path: Path
    url: str
    is_stored: bool


# Updates the references of libraries after moves; raises LibraryError.
FollowToStore = Callable[[Sequence[StoredFile]], object]


def no_follow(moved: Sequence[StoredFile]) -> None:
    """Update no library."""


class MoveReporter:
    """Collects moved files and reports them to the libraries in batches."""

    def __init__(self, kind: Kind, follow: FollowToStore, is_stored: bool) -> None:
        self._is_move, self._follow, self._is_stored = kind is Kind.MOVE, follow, is_stored
        self._pending: list[StoredFile] = []

    def add(self, step: Step) -> None:
        """Add a move; reports a full batch, and leaves a busy library for the last `flush`."""
        if not self._is_move:
            return
        moved = StoredFile(step.sha256, Path(step.source), step.target, self._is_stored)
        self._pending.append(moved)
        if len(self._pending) % _REPORT_EVERY == 0:
            with contextlib.suppress(LibraryError):
                self.flush()

    def flush(self) -> None:
        """Report all pending moves; raises LibraryError."""
        if self._pending:
            self._follow(self._pending)
            self._pending = []
