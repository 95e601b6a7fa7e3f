"""The limit on what a library may hold; the visitors of a shared server have one each."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from scene_model.library.store import Library


class Quota(Protocol):
    """A limit on photos and bytes, checked before they are received."""

    def require(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when that many more would exceed the limit."""

    def add(self, file_bytes: int) -> None:
        """Count bytes that have been received."""

    def one_photo(self) -> AbstractContextManager[None]:
        """Hold the place of one photo while it is stored; raises QuotaExceeded without one.

        `require` is asked before photos arrive, so several requests may pass it at once.
        """


class _NoQuota:
    def require(self, photos: int, file_bytes: int) -> None:
        """Allow everything."""

    def add(self, file_bytes: int) -> None:
        """Count nothing."""

    def one_photo(self) -> AbstractContextManager[None]:
        """Allow every photo."""
        return nullcontext()


NO_QUOTA: Quota = _NoQuota()


def no_quota(_: Library) -> Quota:
    """Return the quota of a library without a limit."""
    return NO_QUOTA
