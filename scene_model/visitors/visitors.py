"""The libraries of all visitors: opened on demand, removed some time after the last visit.

FOLDER/secret                      the key that signs cookies
FOLDER/libraries/OWNER/library/    one visitor's library
FOLDER/libraries/OWNER/visited     its modification time is the time of the last visit
FOLDER/removed/                    libraries being removed; each start finishes the removal
FOLDER/empty/                      an empty library, made at each start

A library is made when there is something to store. Until then its visitor reads the empty one.

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
from dataclasses import dataclass, replace
from pathlib import Path

from scene_model.config import Settings
from scene_model.errors import VisitorUnknown
from scene_model.library.empty import EmptyLibrary
from scene_model.library.store import Library
from scene_model.services import Services, open_common, open_services, services_of_empty
from scene_model.visitors.keys import VisitorKeys
from scene_model.visitors.open_files import library_limit
from scene_model.visitors.open_libraries import OpenLibraries
from scene_model.visitors.usage import Usage
from scene_model.visitors.visitor_quota import VisitorQuota, require_room_on_server
from scene_model.visitors.windows import Windows

_OWNER = re.compile(r"[0-9a-f]{64}")
_SWEEP_S = 60.0
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
        self.keys, self.windows = VisitorKeys.open(root, settings.server_prefix), Windows()
        self.common = open_common(settings)
        self._usage = Usage()
        self._open = OpenLibraries(library_limit(settings), uptime)
        self._lock = self._open.lock
        self._stop = threading.Event()
        self._clear_removed()
        self._empty = self._open_empty(root / "empty")
        for owner in self._owners():
            self._usage.measure(owner, self._folder(owner))

    def services(self, owner: str | None) -> Services:
        """Open an owner's library, made if needed, and record the visit.

        Raises VisitorUnknown without an owner, QuotaExceeded when the server is full, ServerBusy
        when too many libraries are in use, or as `open_services`.
        """
        owner = self._checked(owner)
        with self._lock:
            services = self._open.use(owner, lambda: self._open_for(owner))
            self._record_visit(owner)
            return services

    def view(self, owner: str | None) -> Services:
        """Like `services`, for requests that store nothing: no library is made for them."""
        owner = self._checked(owner)
        with self._lock:
            if self.has_library(owner):
                return self.services(owner)
        settings = self._settings_of(owner)
        quota = VisitorQuota(settings, self._usage, owner, self._folder(owner), self._empty.library)
        return replace(self._empty, settings=settings, quota=quota, owner=owner)

    def has_library(self, owner: str | None) -> bool:
        """Whether an owner has stored something."""
        return owner is not None and self._folder(owner).is_dir()

    @contextmanager
    def present(self, owner: str) -> Iterator[None]:
        """Keep an owner's library open for the duration of a request."""
        try:
            with self._open.present(owner):
                yield
        finally:
            with self._lock:
                if self._open.find(owner) is not None:
                    self._record_visit(owner)

    def allowance(self, owner: str | None) -> Allowance:
        """Return an owner's usage and time of expiry; raises as `services`."""
        owner, expires_at = self._checked(owner), self._clock() + self._lifetime_s
        if not self.has_library(owner):
            require_room_on_server(self.settings, self._usage, 0)
            return Allowance(0, 0, expires_at)
        library = self.services(owner).library
        photos = library.count() + library.count(trashed=True)
        file_bytes = self._usage.stored_bytes(owner, self._folder(owner))
        return Allowance(photos, file_bytes, expires_at)

    def sweep(self) -> list[str]:
        """Remove the expired libraries; returns their owners. None when the clock was set."""
        if self._follow_clock():
            return []
        return [o for o in self._owners() if self._is_expired(o) and self.remove(o, True)]

    def close_inactive(self) -> list[str]:
        """Close the libraries of visitors who left; the next visit opens them again."""
        for services in self._open.all():  # without the lock, since it may take long
            services.uploads.end_idle()
        return self._open.close_idle(self.settings.library_idle_s)

    def remove(self, owner: str, if_expired: bool = False) -> bool:
        """Remove an owner's library from disk; False while a request or job uses it.

        if_expired: not if it was visited in the meantime.
        """
        services = None if self._open.is_present(owner) else self._open.find(owner)
        if services is not None and not _stop_jobs(services):
            return False
        with self._lock:
            if self._open.is_present(owner) or (if_expired and not self._is_expired(owner)):
                return False
            services = self._open.find(owner)
            if services is not None and services.jobs.running():
                return False
            self._open.close(owner)
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
        self._open.close_all()
        self._empty.close()
        self.common.decoders.close()

    @property
    def _lifetime_s(self) -> float:
        return self.settings.visitor_hours * 3600

    def _checked(self, owner: str | None) -> str:
        """Return a valid owner, whose library is removed if it has expired."""
        if owner is None or not _OWNER.fullmatch(owner):
            raise VisitorUnknown(
                "This server has a library for each visitor, and the request does not identify "
                "one. Open the first page again, with cookies allowed."
            )
        if self._is_expired(owner):
            self.remove(owner, if_expired=True)
        return owner

    def _open_empty(self, folder: Path) -> Services:
        shutil.rmtree(folder, ignore_errors=True)
        settings = self.settings.model_copy(update={"library": folder})
        return services_of_empty(settings, EmptyLibrary(folder), self.common)

    def _settings_of(self, owner: str) -> Settings:
        return self.settings.model_copy(update={"library": self._folder(owner) / "library"})

    def _open_for(self, owner: str) -> Services:
        folder = self._folder(owner)
        if not folder.exists():
            require_room_on_server(self.settings, self._usage, 0)
        folder.mkdir(exist_ok=True, mode=0o700)
        settings = self._settings_of(owner)

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
