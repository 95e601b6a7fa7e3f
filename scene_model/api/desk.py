"""What the routes share: the line of looks and the batches, made when first needed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from scene_model.api.batches import Batches
from scene_model.api.looks import LookQueue
from scene_model.config import Settings
from scene_model.services import Services

# One visitor of a shared server may take up such a part of what it does at a time.
_PARTS = 4


@dataclass(frozen=True)
class Work:
    """The line of looks and the batches of one server."""

    looks: LookQueue
    batches: Batches


class Desk:
    """Hands routes the services and the work that goes on; `close` ends it."""

    def __init__(self, get_services: Callable[[], Services]) -> None:
        """Keep how services are got; nothing is opened yet."""
        self.services = get_services
        self._lock = threading.Lock()
        self._work: Work | None = None
        self._own: tuple[Services, Work] | None = None

    def work(self, settings: Settings) -> Work:
        """The work of this server; the first caller's settings hold for all."""
        with self._lock:
            if self._work is None:
                parts = _PARTS if settings.is_shared else 1
                looks = LookQueue(
                    settings.workers, settings.max_waiting, _part(settings.max_waiting, parts)
                )
                batches = Batches(
                    looks,
                    settings.max_batches,
                    settings.batch_lifetime_s,
                    _part(settings.max_batches, parts),
                )
                self._work = Work(looks, batches)
            return self._work

    def open(self) -> tuple[Services, Work]:
        """Services and work, for one request; opens the model the first time."""
        services = self.services()
        work = self.work(services.settings)
        work.batches.watch(batches_dir(services))
        if not services.settings.is_shared:
            self._own = services, work
        return services, work

    async def opened(self) -> tuple[Services, Work]:
        """`open` off the event loop; at once where there is one library and it is open."""
        own = self._own
        return await run_in_threadpool(self.open) if own is None else own

    def close(self) -> None:
        """Finish what is being looked at; batches end with what is done of them."""
        with self._lock:
            if self._work is not None:
                self._work.looks.close()
                self._work.batches.close()
                self._work = self._own = None


def _part(limit: int, parts: int) -> int:
    return -(-limit // parts)


def batches_dir(services: Services) -> Path:
    """Where the batches of a caller lie: beside the photos, and no part of the library."""
    return services.library.folder / "batches"
