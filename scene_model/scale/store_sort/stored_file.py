"""A file that was moved to an object store, or back, as the libraries are told."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


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
