"""Disk usage of the visitors: measured now and then, and counted between two measurements."""

import os
import threading
import time
import weakref
from collections import Counter
from pathlib import Path

# Measuring may take this share of the time; bytes received in between are added to the result.
MEASURING_SHARE = 0.02


class Usage:
    """Bytes on disk by owner, with those that are arriving; thread-safe.

    Bytes that a sender only announces count for that owner, not for all owners together: else a
    few who announce much and send nothing would keep the others out.
    """

    def __init__(self) -> None:
        """Begin without owners."""
        self._lock = threading.Lock()
        self._by_owner: dict[str, int] = {}
        self._valid_until: dict[str, float] = {}
        self._announced, self._arriving = Counter[str](), Counter[str]()
        self._storing = weakref.WeakValueDictionary[str, threading.Lock]()

    def measure(self, owner: str, folder: Path) -> int:
        """Measure an owner's folder and store the result; returns bytes without arriving ones."""
        began = time.monotonic()
        measured = _file_bytes(folder)
        ended = time.monotonic()
        with self._lock:
            stored = max(0, measured - self._arriving[owner])
            self._by_owner[owner] = stored
            self._valid_until[owner] = ended + (ended - began) / MEASURING_SHARE
        return stored

    def stored_bytes(self, owner: str, folder: Path) -> int:
        """Return the size of an owner's folder; a large one is not measured at every call."""
        with self._lock:
            counted = self._by_owner.get(owner)
            if counted is not None and time.monotonic() < self._valid_until.get(owner, 0.0):
                return counted
        return self.measure(owner, folder)

    def in_flight(self, owner: str) -> int:
        """Return the bytes that an owner's requests announced or have sent."""
        with self._lock:
            return self._announced[owner] + self._arriving[owner]

    def add(self, owner: str, file_bytes: int) -> None:
        """Count bytes received since the last measurement."""
        with self._lock:
            self._by_owner[owner] = self._by_owner.get(owner, 0) + file_bytes

    def announce(self, owner: str, file_bytes: int, limit: int) -> bool:
        """Count bytes that will be sent; False, and nothing counted, when they exceed a limit."""
        with self._lock:
            if self._total_of(owner) + file_bytes > limit:
                return False
            self._announced[owner] += file_bytes
            return True

    def arrive(self, owner: str, file_bytes: int, announced_bytes: int) -> int:
        """Count bytes that have been sent, so many of them announced; returns the owner's total."""
        with self._lock:
            self._change(self._announced, owner, -announced_bytes)
            self._change(self._arriving, owner, file_bytes)
            return self._total_of(owner)

    def end_arrival(self, owner: str, file_bytes: int, announced_bytes: int, kept: bool) -> None:
        """End a request that has sent so many bytes, and not sent so many it had announced."""
        with self._lock:
            self._change(self._announced, owner, -announced_bytes)
            self._change(self._arriving, owner, -file_bytes)
            if kept:
                self._by_owner[owner] = self._by_owner.get(owner, 0) + file_bytes

    def storing_lock(self, owner: str) -> threading.Lock:
        """Return the lock of those who store photos of an owner; one for all who hold it."""
        with self._lock:
            return self._storing.setdefault(owner, threading.Lock())

    def forget(self, owner: str) -> None:
        """Remove an owner from the count."""
        with self._lock:
            self._by_owner.pop(owner, None)
            self._valid_until.pop(owner, None)

    def total(self) -> int:
        """Return the bytes of all owners together."""
        with self._lock:
            return sum(self._by_owner.values()) + self._arriving.total()

    def _total_of(self, owner: str) -> int:
        return self._by_owner.get(owner, 0) + self._announced[owner] + self._arriving[owner]

    @staticmethod
    def _change(counter: Counter[str], owner: str, file_bytes: int) -> None:
        counter[owner] += file_bytes
        if not counter[owner]:
            del counter[owner]  # do not accumulate former visitors


def _file_bytes(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{path}/{name}").st_size  # noqa: PTH116 - faster for many files
            except OSError:
                continue  # removed in the meantime
    return total
