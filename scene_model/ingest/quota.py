"""How much a library may hold: room for one visitor among several, on a server of a given size."""

from typing import Protocol

from scene_model.library.store import Library


class Quota(Protocol):
    """Says no before there is too much."""

    def require(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when so much more would be too much."""

    def add(self, file_bytes: int) -> None:
        """Count bytes that have arrived."""


class _NoQuota:
    def require(self, photos: int, file_bytes: int) -> None:
        """Let everything in."""

    def add(self, file_bytes: int) -> None:
        """Count nothing."""


NO_QUOTA: Quota = _NoQuota()


def no_quota(_: Library) -> Quota:
    """Let everything into a library."""
    return NO_QUOTA
