"""How much each visitor keeps on the disk, and how much more is let in."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from scene_model.config import Settings
from scene_model.errors import QuotaExceeded
from scene_model.library.store import Library

# Measuring may take such a part of the time; what arrives in between is counted on.
_MEASURING_SHARE = 0.02


class Usage:
    """Bytes on the disk by owner: measured, and counted on between two measurements."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._by_owner: dict[str, int] = {}
        self._good_until: dict[str, float] = {}

    def measure(self, owner: str, folder: Path) -> int:
        """Measure what an owner's folder holds, and remember it."""
        began = time.monotonic()
        measured = _file_bytes(folder)
        ended = time.monotonic()
        with self._lock:
            self._by_owner[owner] = measured
            self._good_until[owner] = ended + (ended - began) / _MEASURING_SHARE
        return measured

    def held(self, owner: str, folder: Path) -> int:
        """Tell what an owner's folder holds: a large one is not measured for each file."""
        with self._lock:
            known = self._by_owner.get(owner)
            if known is not None and time.monotonic() < self._good_until.get(owner, 0.0):
                return known
        return self.measure(owner, folder)

    def add(self, owner: str, file_bytes: int) -> None:
        """Count bytes that have arrived since."""
        with self._lock:
            self._by_owner[owner] = self._by_owner.get(owner, 0) + file_bytes

    def forget(self, owner: str) -> None:
        """Count an owner no more."""
        with self._lock:
            self._by_owner.pop(owner, None)
            self._good_until.pop(owner, None)

    def total(self) -> int:
        """How much all owners keep."""
        with self._lock:
            return sum(self._by_owner.values())


@dataclass(frozen=True)
class VisitorQuota:
    """How much one visitor may keep, and all of them together."""

    settings: Settings
    usage: Usage
    owner: str
    folder: Path
    library: Library

    def require(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when so much more would be too much."""
        limits, held = self.settings, self.photos()
        if photos and held + photos > limits.visitor_max_photos:
            coming = "1 photo is" if photos == 1 else f"{photos:,} photos are"
            raise QuotaExceeded(
                f"{coming} to come and {held:,} are here; the limit is "
                f"{limits.visitor_max_photos:,} for each visitor. Send fewer, or remove some "
                "and empty the trash."
            )
        held_bytes = self.usage.held(self.owner, self.folder)
        if held_bytes + file_bytes > limits.visitor_max_bytes:
            held_bytes = self.usage.measure(self.owner, self.folder)
        if held_bytes + file_bytes > limits.visitor_max_bytes:
            raise QuotaExceeded(
                f"{_gb(file_bytes)} are to come and {_gb(held_bytes)} are here; the limit is "
                f"{_gb(limits.visitor_max_bytes)} for each visitor. Send fewer, or remove some "
                "and empty the trash."
            )
        require_room_on_server(limits, self.usage, file_bytes)

    def add(self, file_bytes: int) -> None:
        """Count bytes that have arrived."""
        self.usage.add(self.owner, file_bytes)

    def photos(self) -> int:
        """How many photos are kept; those in the trash take room as well."""
        return self.library.count() + self.library.count(trashed=True)


def require_room_on_server(settings: Settings, usage: Usage, file_bytes: int) -> None:
    """Raise QuotaExceeded when all visitors together would keep too much."""
    if usage.total() + file_bytes > settings.server_max_bytes:
        raise QuotaExceeded(
            f"The server keeps {_gb(settings.server_max_bytes)} for all its visitors, and that "
            "is used up. Try again later, when others' photos have been removed."
        )


def _file_bytes(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{path}/{name}").st_size  # noqa: PTH116 - quicker, of many files
            except OSError:
                continue  # gone meanwhile
    return total


def _gb(file_bytes: int) -> str:
    return f"{file_bytes / 1e9:,.2f} GB" if file_bytes >= 1e9 else f"{file_bytes / 1e6:,.1f} MB"
