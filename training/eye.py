"""What the learning part of a network is shown of a photo."""

import numpy as np

from scene_model.classifier.heads import softmax
from scene_model.photos.decode import Pixels
from training.architectures import FloatArray, scale_pixels
from training.int8 import LiteNetwork, quantize
from training.labelled import LabelledData, representative_photos
from training.network import DISTILLED_HEAD, Network
from training.recipe import Recipe

_WORKERS = 2


class Eye:
    """Turns augmented photos into what the learning part sees, at one input size."""

    def __init__(self, recipe: Recipe, data: LabelledData, network: Network, side: int) -> None:
        self._frozen, self._teacher = None, None
        photos: list[Pixels] = []
        if network.lower is not None or network.mentors or network.teacher is not None:
            photos = representative_photos(recipe, data, side)
        self._mentors = [
            LiteNetwork(quantize(mentor, side, photos), _WORKERS) for mentor in network.mentors
        ]
        # Where each head's logits end in what a mentor says.
        counts = [len(data.label_sets[h.id]) for h in recipe.heads if h.id != DISTILLED_HEAD]
        self._ends = np.cumsum(counts)[:-1]
        if network.lower is not None:
            self._frozen = LiteNetwork(quantize(network.lower, side, photos), _WORKERS)
        if network.teacher is not None:
            self._teacher = LiteNetwork(quantize(network.teacher, side, photos), _WORKERS)

    def see(self, pixels: Pixels) -> FloatArray:
        """Return the frozen part's output for a photo, or its pixels in [-1, 1]."""
        return scale_pixels(pixels) if self._frozen is None else self._frozen.answer(pixels)

    def teach(self, pixels: Pixels) -> FloatArray | None:
        """Return the original network's logits for a photo, if any head learns from them."""
        return None if self._teacher is None else self._teacher.answer(pixels)

    def advise(self, pixels: Pixels) -> FloatArray | None:
        """Return what the mentors think on average: each head's probabilities, end to end."""
        if not self._mentors:
            return None
        said = []
        for mentor in self._mentors:
            parts = np.split(mentor.answer(pixels)[np.newaxis], self._ends, axis=1)
            said.append(np.concatenate([softmax(part) for part in parts], axis=1)[0])
        average: FloatArray = np.mean(said, axis=0, dtype=np.float32)
        return average
