"""The model that finds photos by sentences: the text side of a bundle, and whose embeddings."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.text_calibration import Calibration, background_vector, read_calibration
from scene_model.classifier.text_encoder import TextEncoder
from scene_model.photos.content import Content


@dataclass(frozen=True)
class SearchModel:
    """A bundle with a text side, opened for searching.

    name: the bundle's folder; title: its name for people. backbone, size: the network whose
    embeddings are compared, and their number of values. encode: embeds a photo, for a bundle that
    is not the one for tags; None where the photos' own embeddings serve. background: float32
    (joint,), see `text_calibration`.
    """

    name: str
    title: str
    backbone: str
    size: int
    text: TextEncoder
    calibration: Calibration
    background: FloatArray
    encode: Callable[[Content], FloatArray] | None = None

    @classmethod
    def of(
        cls, name: str, bundle: Bundle, encode: Callable[[Content], FloatArray] | None
    ) -> "SearchModel":
        """Open the text side of a bundle; raises EngineMissing or BundleDamaged."""
        text = TextEncoder.open(bundle)
        description = bundle.description
        return cls(
            name,
            description.name,
            description.backbone_id,
            description.backbone.embedding_size,
            text,
            read_calibration(bundle),
            background_vector(text),
            encode,
        )

    @property
    def key(self) -> str:
        """What identifies the vectors of photos."""
        return f"{self.name} {self.backbone} {self.text.size}"

    def direction(self, sentence: str) -> FloatArray:
        """Return what is multiplied with a photo's unit vector for its score, float32 (joint,).

        Zeros, which no photo is like, for a sentence of whose words the network has none.
        """
        (vector,) = self.text.encode([sentence])
        if not vector.any():
            return np.zeros_like(self.background)
        return np.asarray(vector - self.background, np.float32)
