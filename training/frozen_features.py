"""Features of the frozen layers: the input of the trained part of a network."""

from scene_model.photos.colours import Pixels
from training.architectures import FloatArray, scale_pixels
from training.int8 import LiteNetwork, quantize
from training.labelled import LabelledData, representative_photos
from training.network import Network
from training.recipe import Recipe

_WORKERS = 2


class FrozenFeatures:
    """Computes the trained part's input and the teacher's logits at one input size."""

    def __init__(self, recipe: Recipe, data: LabelledData, network: Network, side: int) -> None:
        self._frozen, self._teacher = None, None
        photos: list[Pixels] = []
        if network.lower is not None or network.teacher is not None:
            photos = representative_photos(recipe, data, side)
        if network.lower is not None:
            self._frozen = LiteNetwork(quantize(network.lower, side, photos), _WORKERS)
        if network.teacher is not None:
            self._teacher = LiteNetwork(quantize(network.teacher, side, photos), _WORKERS)

    def features(self, pixels: Pixels) -> FloatArray:
        """Return the frozen part's output for a photo; without one, the pixels in [-1, 1]."""
        return scale_pixels(pixels) if self._frozen is None else self._frozen.predict(pixels)

    def teacher_logits(self, pixels: Pixels) -> FloatArray | None:
        """Return the teacher's logits for a photo; None when no head is distilled."""
        return None if self._teacher is None else self._teacher.predict(pixels)
