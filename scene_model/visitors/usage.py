"""Disk usage of the visitors, and the quota of each."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scene_model.config import Settings
from scene_model.errors import QuotaExceeded
from scene_model.library.store import Library

# Measuring may take this share of the time; bytes received in between are added to the result.
MEASURING_SHARE = 0.02


class Usage:
    """Bytes on disk by owner: measured now and then, and counted between two measurements."""

    def __init__(self) -> None:
        """Begin without owners."""
        self._lock = threading.Lock()
        self._by_owner: dict[str, int] = {}
        self._valid_until: dict[str, float] = {}

    def measure(self, owner: str, folder: Path) -> int:
        """Measure an owner's folder and store the result; returns bytes."""
        began = time.monotonic()
        measured = _file_bytes(folder)
        ended = time.monotonic()
        with self._lock:
            self._by_owner[owner] = measured
            self._valid_until[owner] = ended + (ended - began) / MEASURING_SHARE
        return measured

    def stored_bytes(self, owner: str, folder: Path) -> int:
        """Return the size of an owner's folder; a large one is not measured at every call."""
        with self._lock:
            counted = self._by_owner.get(owner)
            if counted is not None and time.monotonic() < self._valid_until.get(owner, 0.0):
                return counted
        return self.measure(owner, folder)

    def add(self, owner: str, file_bytes: int) -> None:
        """Count bytes received since the last measurement."""
        with self._lock:
            self._by_owner[owner] = self._by_owner.get(owner, 0) + file_bytes

    def forget(self, owner: str) -> None:
        """Remove an owner from the count."""
        with self._lock:
            self._by_owner.pop(owner, None)
            self._valid_until.pop(owner, None)

    def total(self) -> int:
        """Return the bytes of all owners together."""
        with self._lock:
            return sum(self._by_owner.values())


@dataclass(frozen=True)
class VisitorQuota:
    """The limits of one visitor, and of all visitors together."""

    settings: Settings
    usage: Usage
    owner: str
    folder: Path
    library: Library
    _storing: threading.Lock = field(default_factory=threading.Lock)

    def require(self, photos: int, file_bytes: int) -> None:
        """Raise QuotaExceeded when that many more would exceed a limit."""
        limits = self.settings
        if photos:
            self._require_photos(photos)
        stored_bytes = self.usage.stored_bytes(self.owner, self.folder)
        if stored_bytes + file_bytes > limits.visitor_max_bytes:
            stored_bytes = self.usage.measure(self.owner, self.folder)
        if stored_bytes + file_bytes > limits.visitor_max_bytes:
            raise QuotaExceeded(
                f"The library takes {_gb(stored_bytes)}, and {_gb(file_bytes)} would be added; "
                f"the limit is {_gb(limits.visitor_max_bytes)} for each visitor. Send fewer, or "
                "remove some and empty the trash."
            )
        require_room_on_server(limits, self.usage, file_bytes)

    def add(self, file_bytes: int) -> None:
        """Count bytes that have been received."""
        self.usage.add(self.owner, file_bytes)

    @contextmanager
    def one_photo(self) -> Iterator[None]:
        """Hold the place of one photo while it is stored; raises QuotaExceeded without one."""
        with self._storing:
            self._require_photos(1)
            yield

    def _require_photos(self, photos: int) -> None:
        limit, stored = self.settings.visitor_max_photos, self.photos()
        if stored + photos > limit:
            added = "1 photo" if photos == 1 else f"{photos:,} photos"
            raise QuotaExceeded(
                f"The library holds {stored:,}, and {added} would be added; the limit is "
                f"{limit:,} for each visitor. Send fewer, or remove some and empty the trash."
            )

    def photos(self) -> int:
        """Count the stored photos; those in the trash take space as well."""
        return self.library.count() + self.library.count(trashed=True)


def require_room_on_server(settings: Settings, usage: Usage, file_bytes: int) -> None:
    """Raise QuotaExceeded when all visitors together would exceed the server's limit."""
    if usage.total() + file_bytes > settings.server_max_bytes:
        raise QuotaExceeded(
            f"The limit for all visitors together is {_gb(settings.server_max_bytes)}, and it is "
            "reached. Try again later, when photos of other visitors have been removed."
        )


def _file_bytes(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{path}/{name}").st_size  # noqa: PTH116 - faster for many files
            except OSError:
                continue  # removed in the meantime
    return total


def _gb(file_bytes: int) -> str:
    return f"{file_bytes / 1e9:,.2f} GB" if file_bytes >= 1e9 else f"{file_bytes / 1e6:,.1f} MB"
