"""What the services of one test leave to those of the next: decoders, and the shipped bundle."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from scene_model.classifier.bundle import Bundle, open_bundle
from scene_model.config import PROJECT_DIR
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders

# A decoder holds 70 MB; tests with limits of their own are few.
_MOST_KEPT = 4


class _LastingDecoders(Decoders):
    """Decoders that go on when their services are closed."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


class SharedDecoders:
    """Decoders for all tests of a process: one set for the same limits and number of processes.

    The sets that were used last are kept.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[PhotoLimits, int], _LastingDecoders] = {}

    def __call__(
        self,
        limits: PhotoLimits,
        processes: int,
        aside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Decoders:
        """Return shared decoders, where `Decoders` would make new ones."""
        key = (limits, processes)
        decoders = self._kept.pop(key, None) or _LastingDecoders(limits, processes, aside)
        self._kept[key] = decoders
        if len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept))).end()
        return decoders

    def close(self) -> None:
        for decoders in self._kept.values():
            decoders.end()


# Not the default of the settings: some tests set that to a copy, which they change.
_SHIPPED = PROJECT_DIR / "models" / "scene_mobilenet_v2"


@functools.cache
def _open_shipped(folder: Path) -> Bundle:
    bundle = open_bundle(folder)
    # No test can change what the next one reads.
    for weights in bundle.head_weights.values():
        weights.kernel.flags.writeable = weights.bias.flags.writeable = False
    return bundle


def open_bundle_once(folder: Path) -> Bundle:
    """Open a bundle as `open_bundle` does; the shipped one, which no test changes, only once."""
    return _open_shipped(folder) if folder == _SHIPPED else open_bundle(folder)
