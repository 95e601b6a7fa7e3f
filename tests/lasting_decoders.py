"""Decoders that the services of one test leave to those of the next."""

from collections import OrderedDict

from scene_model.config import Settings
from scene_model.jobs.workers import step_aside
from scene_model.model_files import open_decoders
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders

_MOST = 3


class LastingDecoders:
    """Stands in for `open_decoders`: starting decoders takes longer than most tests.

    Those of the latest few limits are kept, so that no process piles them up.
    """

    def __init__(self) -> None:
        self._opened: OrderedDict[tuple[PhotoLimits, int], _Decoders] = OrderedDict()

    def __call__(self, settings: Settings) -> Decoders:
        key = (open_decoders(settings).limits, settings.workers)
        if key not in self._opened:
            self._opened[key] = _Decoders(*key, aside=step_aside)
            while len(self._opened) > _MOST:
                self._opened.popitem(last=False)[1].end()
        self._opened.move_to_end(key)
        return self._opened[key]

    def end(self) -> None:
        """End all of them."""
        for decoders in self._opened.values():
            decoders.end()


class _Decoders(Decoders):
    def close(self) -> None:
        """Stay open: the services that call it do not know of the next ones."""

    def end(self) -> None:
        super().close()
