"""The open libraries of a shared server: a limited number; those used least recently are closed.

An open library takes memory and file descriptors. A closed one is opened again when it is needed.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scene_model.errors import ServerBusy
from scene_model.services import Services

# A page or a request may still use a library that it asked for so recently.
_GRACE_S = 5.0
# An upload whose sender pauses for so long is resumed when its library is opened again.
_PAUSE_S = 10.0
_RETRY_S = 5


class OpenLibraries:
    """The services of open libraries by owner; thread-safe.

    lock: held while a library is opened or closed; hold it to do more in the same step.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        """Begin with none. limit: how many may be open. clock: monotonic seconds."""
        self.lock = threading.RLock()
        self._limit, self._clock = limit, clock
        # The one used least recently comes first.
        self._open: dict[str, Services] = {}
        self._used_at: dict[str, float] = {}
        self._present: Counter[str] = Counter()

    def __len__(self) -> int:
        """Count the open libraries."""
        return len(self._open)

    def all(self) -> list[Services]:
        """Return the services of the open libraries."""
        with self.lock:
            return list(self._open.values())

    def find(self, owner: str) -> Services | None:
        """Return an owner's services; None when the library is not open."""
        return self._open.get(owner)

    def use(self, owner: str, open_library: Callable[[], Services]) -> Services:
        """Return an owner's services, opened if needed; raises ServerBusy without room."""
        with self.lock:
            services = self._open.pop(owner, None)
            if services is None:
                self._make_room()
                services = open_library()
            self._open[owner] = services
            self._used_at[owner] = self._clock()
            return services

    @contextmanager
    def present(self, owner: str) -> Iterator[None]:
        """Keep an owner's library open inside the block."""
        with self.lock:
            self._present[owner] += 1
        try:
            yield
        finally:
            with self.lock:
                self._present[owner] -= 1
                if not self._present[owner]:
                    del self._present[owner]
                if owner in self._open:
                    self._used_at[owner] = self._clock()

    def is_present(self, owner: str) -> bool:
        """Whether somebody is inside `present` with an owner."""
        return owner in self._present

    def close(self, owner: str) -> None:
        """Close an owner's library if it is open."""
        with self.lock:
            self._used_at.pop(owner, None)
            services = self._open.pop(owner, None)
            if services is not None:
                services.close()

    def close_idle(self, idle_s: float) -> list[str]:
        """Close the libraries that nobody has used for a time; returns their owners."""
        with self.lock:
            idle = [owner for owner in self._open if self._is_unused(owner, idle_s)]
            for owner in idle:
                self.close(owner)
        return idle

    def close_all(self) -> None:
        """Close every library."""
        with self.lock:
            for owner in list(self._open):
                self.close(owner)

    def _make_room(self) -> None:
        while len(self._open) >= self._limit:
            owner = next((o for o in self._open if self._is_unused(o, _GRACE_S)), None)
            owner = owner or next((o for o in self._open if self._is_paused(o)), None)
            if owner is None:
                raise ServerBusy(
                    f"{len(self._open)} libraries are in use, the limit "
                    "(SCENE_MAX_OPEN_LIBRARIES). Try again in a few seconds.",
                    _RETRY_S,
                )
            self.close(owner)

    def _is_unused(self, owner: str, idle_s: float) -> bool:
        return self._is_idle(owner, idle_s) and not self._open[owner].jobs.running()

    def _is_paused(self, owner: str) -> bool:
        return self._is_idle(owner, _PAUSE_S) and not self._open[owner].jobs.is_working()

    def _is_idle(self, owner: str, idle_s: float) -> bool:
        return owner not in self._present and self._clock() - self._used_at[owner] >= idle_s
