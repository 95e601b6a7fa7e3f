"""What the routes share: the line of looks and the batches, made when first needed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from scene_model.api.batches import Batches
from scene_model.api.inference_queue import InferenceQueue
from scene_model.config import Settings
from scene_model.services import Services

# One visitor of a shared server may take up such a part of what it does at a time.
_PARTS = 4
# Threads beside those that find an interpreter free: while they wait for Python's lock, which the
# event loop takes too, another decodes. Measured: a tenth more photos a second on two cores.
_SPARE_THREADS = 1
# What all requests together may keep in memory of their photos; others' photos go to the disk.
_MEMORY_BYTES = 64_000_000


class Memory:
    """Room in memory for photos on their way in; of one thread, the event loop's."""

    def __init__(self, most_bytes: int) -> None:
        """Begin with all of it free."""
        self._free_bytes = most_bytes

    @contextmanager
    def lent(self, wanted_bytes: int) -> Iterator[bool]:
        """Set so much aside for a while; False, and nothing, where there is less."""
        is_lent = 0 < wanted_bytes <= self._free_bytes
        if is_lent:
            self._free_bytes -= wanted_bytes
        try:
            yield is_lent
        finally:
            if is_lent:
                self._free_bytes += wanted_bytes


@dataclass(frozen=True)
class Work:
    """The line of looks and the batches of one server, and the memory that photos wait in."""

    inference_queue: InferenceQueue
    batches: Batches
    memory: Memory


class ApiContext:
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
                inference_queue = InferenceQueue(
                    settings.workers,
                    settings.max_waiting,
                    _part(settings.max_waiting, parts),
                    _SPARE_THREADS,
                )
                batches = Batches(
                    inference_queue,
                    settings.max_batches,
                    settings.batch_lifetime_s,
                    _part(settings.max_batches, parts),
                )
                self._work = Work(inference_queue, batches, Memory(_MEMORY_BYTES))
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
                self._work.inference_queue.close()
                self._work.batches.close()
                self._work = self._own = None


def _part(limit: int, parts: int) -> int:
    return -(-limit // parts)


def batches_dir(services: Services) -> Path:
    """Where the batches of a caller lie: beside the photos, and no part of the library."""
    return services.library.folder / "batches"
