"""How much a library may hold: room for one visitor among several, on a server of a given size."""

from typing import Protocol


class Quota(Protocol):
    """Says no before there is too much."""

    def require(self, photos: int, file_bytes: int, has_begun: bool = False) -> None:
        """Raise QuotaExceeded when so much more would be too much.

        has_begun: the photos were let in before, as part of an upload; only what is on the disk
        counts against them.
        """

    def add(self, file_bytes: int) -> None:
        """Count bytes that have arrived."""


class _NoQuota:
    def require(self, photos: int, file_bytes: int, has_begun: bool = False) -> None:
        """Let everything in."""

    def add(self, file_bytes: int) -> None:
        """Count nothing."""


NO_QUOTA: Quota = _NoQuota()
