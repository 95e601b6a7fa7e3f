"""What the routes share: services, inference queue, batches and memory, created on first use."""

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

# On a shared server one visitor may use 1/_PARTS of the queue and of the batches at a time.
_PARTS = 4
# Threads beside the configured workers: while a worker waits for Python's global interpreter lock,
# which the event loop takes too, another decodes. Measured: 10 % more photos/s on two cores.
_SPARE_THREADS = 1
# The memory that all requests together may use for received photos; further photos go to disk.
_MEMORY_BYTES = 64_000_000


class Memory:
    """A budget of memory for received photos; used by one thread, the event loop's."""

    def __init__(self, max_bytes: int) -> None:
        """Begin with all of it free."""
        self._free_bytes = max_bytes

    @contextmanager
    def reserve(self, requested_bytes: int) -> Iterator[bool]:
        """Reserve memory for the block; yields whether there was enough."""
        is_reserved = 0 < requested_bytes <= self._free_bytes
        if is_reserved:
            self._free_bytes -= requested_bytes
        try:
            yield is_reserved
        finally:
            if is_reserved:
                self._free_bytes += requested_bytes


@dataclass(frozen=True)
class Work:
    """The inference queue, the batches and the memory budget of one server."""

    inference_queue: InferenceQueue
    batches: Batches
    memory: Memory


class ApiContext:
    """Gives routes the services and the running work; `close` ends the work."""

    def __init__(
        self,
        get_services: Callable[[], Services],
        get_storage: Callable[[], Services] | None = None,
    ) -> None:
        """Store the factories; services open lazily.

        get_storage: for requests that store something; default: get_services.
        """
        self.services, self._storage = get_services, get_storage or get_services
        self._lock = threading.Lock()
        self._work: Work | None = None
        self._personal: tuple[Services, Work] | None = None

    def work(self, settings: Settings) -> Work:
        """Return the work of this server, created with the settings of the first call."""
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

    def open(self, is_storing: bool = False) -> tuple[Services, Work]:
        """Return services and work for one request; the first call opens the model."""
        services = self._storage() if is_storing else self.services()
        work = self.work(services.settings)
        work.batches.watch(batches_dir(services))
        if not services.settings.is_shared:
            self._personal = services, work
        return services, work

    async def opened(self, is_storing: bool = False) -> tuple[Services, Work]:
        """`open` in a thread; without one when the personal library is already open."""
        personal = self._personal
        return await run_in_threadpool(self.open, is_storing) if personal is None else personal

    def close(self) -> None:
        """Finish the photos in work; batches end with the results so far."""
        with self._lock:
            if self._work is not None:
                self._work.inference_queue.close()
                self._work.batches.close()
                self._work = self._personal = None


def _part(limit: int, parts: int) -> int:
    return -(-limit // parts)


def batches_dir(services: Services) -> Path:
    """Return the folder of a library's REST batches; their files are not part of the library."""
    return services.library.folder / "batches"
