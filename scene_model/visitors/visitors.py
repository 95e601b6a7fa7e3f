"""The libraries of all visitors: opened on demand, removed some time after the last visit.

FOLDER/secret                      the key that signs cookies
FOLDER/libraries/OWNER/library/    one visitor's library
FOLDER/libraries/OWNER/visited     its modification time is the time of the last visit
FOLDER/removed/                    libraries being removed; each start finishes the removal

Visits are times of the wall clock, since they outlive the process. A clock that is set wrong must
not remove photos: when it jumps, the visits are moved along, and shortly after a start, when a
clock may not be set yet, nothing is removed.
"""

import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scene_model.config import Settings
from scene_model.errors import VisitorUnknown
from scene_model.library.store import Library
from scene_model.services import Services, open_common, open_services
from scene_model.visitors.keys import VisitorKeys
from scene_model.visitors.usage import Usage, VisitorQuota, require_room_on_server
from scene_model.visitors.windows import Windows

_OWNER = re.compile(r"[0-9a-f]{64}")
_SWEEP_S = 60.0
# Libraries without a visit for so long are closed: an open one takes memory and file descriptors.
_INACTIVE_S = 900.0
# By more than this, the wall clock was set, rather than ran: NTP changes it little by little.
_JUMP_S = 60.0
# After a start of the machine, the clock is set within this time.
_SETTLING_S = 600.0
_CANCEL_TIMEOUT_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Allowance:
    """A visitor's usage; expires_at: seconds since 1970, unless the visitor returns."""

    photos: int
    file_bytes: int
    expires_at: float


def _uptime() -> float:
    """Return seconds that no change of the clock affects; where possible with those asleep."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class Visitors:
    """The libraries of all visitors of one process; thread-safe."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.time,
        uptime: Callable[[], float] = _uptime,
    ) -> None:
        """Open what they share, and finish interrupted removals; raises as `open_common`.

        clock: seconds since 1970. uptime: seconds since any moment, never set.
        """
        root = settings.visitors.expanduser().absolute()
        self.settings, self._clock, self._uptime = settings, clock, uptime
        self._clock_at, self._uptime_at = clock(), uptime()
        self._started_at = self._uptime_at
        self._libraries, self._removed = root / "libraries", root / "removed"
        for folder in (self._libraries, self._removed):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.keys, self.windows = VisitorKeys.open(root), Windows()
        self.common = open_common(settings)
        self._usage = Usage()
        self._lock = threading.RLock()
        self._open: dict[str, Services] = {}
        self._present: dict[str, int] = {}
        self._stop = threading.Event()
        self._clear_removed()
        for owner in self._owners():
            self._usage.measure(owner, self._folder(owner))

    def services(self, owner: str | None) -> Services:
        """Open an owner's library and record the visit.

        Raises VisitorUnknown without an owner, QuotaExceeded when the server is full, or as
        `open_services`.
        """
        if owner is None or not _OWNER.fullmatch(owner):
            raise VisitorUnknown(
                "This server has a library for each visitor, and the request does not identify "
                "one. Open the first page again, with cookies allowed."
            )
        if self._is_expired(owner):
            self.remove(owner, if_expired=True)
        with self._lock:
            services = self._open.get(owner)
            if services is None:
                services = self._open[owner] = self._open_for(owner)
            self._record_visit(owner)
            return services

    @contextmanager
    def present(self, owner: str) -> Iterator[None]:
        """Keep an owner's library open for the duration of a request."""
        with self._lock:
            self._present[owner] = self._present.get(owner, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._present[owner] -= 1
                if not self._present[owner]:
                    del self._present[owner]
                if owner in self._open:
                    self._record_visit(owner)

    def allowance(self, owner: str | None) -> Allowance:
        """Return an owner's usage and time of expiry; raises as `services`."""
        services = self.services(owner)
        assert owner is not None  # noqa: S101 - `services` raises for None
        folder = self._folder(owner)
        return Allowance(
            services.library.count() + services.library.count(trashed=True),
            self._usage.stored_bytes(owner, folder),
            self._clock() + self._lifetime_s,
        )

    def sweep(self) -> list[str]:
        """Remove the expired libraries; returns their owners. None when the clock was set."""
        if self._follow_clock():
            return []
        return [o for o in self._owners() if self._is_expired(o) and self.remove(o, True)]

    def close_inactive(self) -> list[str]:
        """Close the libraries of visitors who left; the next visit opens them again."""
        with self._lock:
            opened = list(self._open.values())
        for services in opened:  # without the lock, since it may take long
            services.uploads.end_idle()
        with self._lock:
            inactive = [
                owner
                for owner, services in self._open.items()
                if not self._present.get(owner)
                and not services.jobs.running()
                and self._since_visit_s(owner) >= _INACTIVE_S
            ]
            for owner in inactive:
                self._open.pop(owner).close()
        return inactive

    def remove(self, owner: str, if_expired: bool = False) -> bool:
        """Remove an owner's library from disk; False while a request or job uses it.

        if_expired: not if it was visited in the meantime.
        """
        with self._lock:
            services = None if self._present.get(owner) else self._open.get(owner)
        if services is not None and not _stop_jobs(services):
            return False
        with self._lock:
            if self._present.get(owner) or (if_expired and not self._is_expired(owner)):
                return False
            services = self._open.get(owner)
            if services is not None:
                if services.jobs.running():
                    return False
                del self._open[owner]
                services.close()
            # Atomic; if the process ends before the files are deleted, the next start deletes them.
            self._folder(owner).rename(self._removed / secrets.token_hex(16))
            self._usage.forget(owner)
        self._clear_removed()
        return True

    def start_sweeping(self) -> None:
        """Start a thread that sweeps once a minute until `close`."""

        def sweep_until_closed() -> None:
            while not self._stop.is_set():
                try:
                    self.sweep()
                    self.close_inactive()
                except OSError as error:
                    logger.warning("a visitor's library could not be removed yet: %s", error)
                self._stop.wait(min(_SWEEP_S, self._lifetime_s))

        threading.Thread(target=sweep_until_closed, name="expiry", daemon=True).start()

    def close(self) -> None:
        """Finish the photos in work and close every library."""
        self._stop.set()
        self.common.worker_pools.close()
        with self._lock:
            for services in self._open.values():
                services.close()
            self._open.clear()

    @property
    def _lifetime_s(self) -> float:
        return self.settings.visitor_hours * 3600

    def _open_for(self, owner: str) -> Services:
        folder = self._folder(owner)
        if not folder.exists():
            require_room_on_server(self.settings, self._usage, 0)
        folder.mkdir(exist_ok=True, mode=0o700)
        settings = self.settings.model_copy(update={"library": folder / "library"})

        def quota(library: Library) -> VisitorQuota:
            return VisitorQuota(settings, self._usage, owner, folder, library)

        return open_services(settings, common=self.common, quota=quota)

    def _folder(self, owner: str) -> Path:
        return self._libraries / owner

    def _owners(self) -> list[str]:
        return [path.name for path in self._libraries.iterdir() if _OWNER.fullmatch(path.name)]

    def _follow_clock(self) -> bool:
        """When the wall clock was set since the last call, move the visits along; True if so.

        Set forward, all visits move by as much; set back, only those that would be in the future.
        """
        with self._lock:
            now, uptime = self._clock(), self._uptime()
            jump_s = (now - self._clock_at) - (uptime - self._uptime_at)
            self._clock_at, self._uptime_at = now, uptime
            if abs(jump_s) <= _JUMP_S:
                return False
            logger.warning("the clock was set by %+.0f s; the visits are moved along", jump_s)
            for owner in self._owners():
                path = self._visit_file(owner)
                visited_at = min(now, path.stat().st_mtime + max(0.0, jump_s))
                os.utime(path, (visited_at, visited_at))
            return True

    def _record_visit(self, owner: str) -> None:
        self._follow_clock()
        now, path = self._clock(), self._folder(owner) / "visited"
        path.touch()
        os.utime(path, (now, now))

    def _is_expired(self, owner: str) -> bool:
        self._follow_clock()
        if self._uptime() - self._started_at < min(_SETTLING_S, self._lifetime_s):
            return False
        return self._since_visit_s(owner) >= self._lifetime_s

    def _since_visit_s(self, owner: str) -> float:
        """Return the seconds since the last visit; 0 when there was none."""
        path = self._visit_file(owner)
        return self._clock() - path.stat().st_mtime if path.exists() else 0.0

    def _visit_file(self, owner: str) -> Path:
        """Return the file, or the folder, whose modification time is that of the last visit."""
        folder = self._folder(owner)
        return path if (path := folder / "visited").exists() else folder

    def _clear_removed(self) -> None:
        for path in self._removed.iterdir():
            shutil.rmtree(path, ignore_errors=True)
            if path.exists():
                logger.warning("%s could not be removed; the next start tries again", path)


def _stop_jobs(services: Services) -> bool:
    running = services.jobs.running()
    for job in running:
        job.cancel()
    return all(job.wait(_CANCEL_TIMEOUT_S) for job in running)
