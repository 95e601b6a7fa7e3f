"""What every engine does: pixels in, embedding out."""

from typing import Protocol

import numpy as np

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.preprocessing import Preprocessing
from scene_model.errors import BundleDamaged
from scene_model.photos.colours import Pixels


class Engine(Protocol):
    """Computes embeddings; safe to share between threads.

    At most as many threads as the engine was opened for run the network at the same time, each on
    one core; others wait. Running it frees the GIL.
    """

    @property
    def preprocessing(self) -> Preprocessing:
        """How a picture becomes the network's input."""

    def embed(self, pixels: Pixels) -> FloatArray:
        """Embed a picture of any size, uint8 RGB (h, w, 3); returns float32 (embedding_size,)."""

    def embed_resized(self, pixels: Pixels) -> FloatArray:
        """Embed what `Preprocessing.resized` returned, or a changed copy of it."""

    def check(self) -> None:
        """Load the network and run it once.

        Raises EngineMissing, or BundleDamaged where it fails or differs from bundle.json.
        """


def check_embedding(embedding: FloatArray, network: str) -> None:
    """Raise BundleDamaged for an embedding with NaN or infinity; network: its name."""
    if not np.isfinite(embedding).all():
        raise BundleDamaged(
            f"The network {network} computes numbers that are not finite for a grey picture. "
            "Export it again, in float32."
        )


def grey_picture(preprocessing: Preprocessing) -> Pixels:
    """A picture of the input's size, for a first run."""
    return np.full((preprocessing.rule.height, preprocessing.rule.width, 3), 128, np.uint8)
