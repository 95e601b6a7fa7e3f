"""Features of the frozen layers: the input of the trained part of a network."""

from scene_model.photos.colours import Pixels
from training.architectures import FloatArray, scale_pixels
from training.int8 import LiteNetwork, convert_float, quantize
from training.labelled import LabelledData, representative_photos
from training.network import OBJECTS, Network
from training.recipe import Recipe

_WORKERS = 2


class FrozenFeatures:
    """Computes the trained part's input and the teachers' logits at one input size.

    The ImageNet teacher runs as int8, since the published head is compared with an int8 network;
    the other teachers lose too much by it, and run as float.
    """

    def __init__(self, recipe: Recipe, data: LabelledData, network: Network, side: int) -> None:
        self._frozen = None
        photos: list[Pixels] = []
        if network.lower is not None or OBJECTS in network.teachers:
            photos = representative_photos(recipe, data, side)
        if network.lower is not None:
            self._frozen = LiteNetwork(quantize(network.lower, side, photos), _WORKERS)
        self._teachers = {
            head_id: LiteNetwork(
                quantize(teacher, side, photos)
                if head_id == OBJECTS
                else convert_float(teacher, side),
                _WORKERS,
            )
            for head_id, teacher in network.teachers.items()
        }

    def features(self, pixels: Pixels) -> FloatArray:
        """Return the frozen part's output for a photo; without one, the pixels in [-1, 1]."""
        return scale_pixels(pixels) if self._frozen is None else self._frozen.predict(pixels)

    def teacher_logits(self, pixels: Pixels) -> dict[str, FloatArray]:
        """Return the logits of each distilled head's teacher for a photo."""
        return {head_id: network.predict(pixels) for head_id, network in self._teachers.items()}
