"""The limit on what a library may hold; the visitors of a shared server have one each."""

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Protocol, Self

from scene_model.library.store import Library


class Reception(Protocol):
    """Bytes that are being received; they count from the start, and no longer if it fails.

    A context manager that calls `end`.
    """

    def __enter__(self) -> Self:
        """Return the reception."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the reception."""

    def received(self, file_bytes: int) -> None:
        """Count bytes that arrive; raises QuotaExceeded when they exceed the limit."""

    def finish(self) -> None:
        """Keep counting what has arrived."""

    def end(self) -> None:
        """Count nothing of it any more, unless it was finished."""


class Quota(Protocol):
    """A limit on photos and bytes, checked before they are received."""

    def require(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when that many more would exceed the limit."""

    def receiving(self, file_bytes: int) -> Reception:
        """Hold room for bytes that a sender announces; raises QuotaExceeded without room."""

    def one_photo(self, file_bytes: int) -> AbstractContextManager[None]:
        """Hold the place of one photo while it is stored; raises QuotaExceeded without one.

        file_bytes: how many bytes are stored that are not counted yet. `require` is asked before
        photos arrive, so several requests may pass it at once.
        """


class _NoReception:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def received(self, file_bytes: int) -> None:
        """Count nothing."""

    def finish(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class _NoQuota:
    def require(self, photos: int, file_bytes: int) -> None:
        """Allow everything."""

    def receiving(self, file_bytes: int) -> Reception:
        """Allow everything."""
        return _NoReception()

    def one_photo(self, file_bytes: int) -> AbstractContextManager[None]:
        """Allow every photo."""
        return nullcontext()


NO_QUOTA: Quota = _NoQuota()


def no_quota(_: Library) -> Quota:
    """Return the quota of a library without a limit."""
    return NO_QUOTA
