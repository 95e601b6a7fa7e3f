"""A lock on a shared server's folder of visitors: one server process at a time uses it.

A second one would remove libraries that the first has open, and count the space of each by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from scene_model.config import Settings
from scene_model.errors import LibraryUnavailable, VisitorsInUse
from scene_model.jobs.lock_file import acquire_lock


@contextmanager
def visitors_lock(settings: Settings) -> Iterator[None]:
    """Hold the lock inside the block; does nothing in personal mode.

    Raises VisitorsInUse while another process, or another app of this one, holds it, and
    LibraryUnavailable when the folder cannot be written.
    """
    if not settings.is_shared:
        yield
        return
    folder = settings.visitors.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = acquire_lock(folder / "libraries")
    except OSError as error:
        raise LibraryUnavailable(
            f"The folder of the visitors {folder} cannot be used: {error.strerror}."
        ) from error
    if lock is None:
        raise VisitorsInUse(
            f"Another server uses the folder of the visitors {folder} (SCENE_VISITORS). Stop that "
            "one, or give each server a folder of its own."
        )
    try:
        yield
    finally:
        lock.release()
