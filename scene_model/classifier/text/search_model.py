"""The model that finds photos by sentences: the text side of a bundle, and whose embeddings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.text.text_calibration import (
    Calibration,
    background_vector,
    read_calibration,
)
from scene_model.classifier.text.text_encoder import TextEncoder
from scene_model.errors import BundleDamaged
from scene_model.photos.content import Content


@dataclass(frozen=True)
class SearchModel:
    """A bundle with a text side; its network and tokenizer are loaded for the first sentence.

    name: the bundle's folder; title: its name for people. backbone, size: the network whose
    embeddings are compared, and their number of values. joint_size: values of a vector of the
    joint space. encode: embeds a photo, for a bundle that is not the one for tags; None where the
    photos' own embeddings serve.
    """

    name: str
    title: str
    backbone: str
    size: int
    joint_size: int
    bundle: Bundle = field(repr=False)
    encode: Callable[[Content], FloatArray] | None = None

    @classmethod
    def of(
        cls, name: str, bundle: Bundle, encode: Callable[[Content], FloatArray] | None
    ) -> "SearchModel":
        """Describe the text side of a bundle; raises BundleDamaged where there is none."""
        description = bundle.description
        if description.text is None:
            raise BundleDamaged(f"The bundle {description.name} has no text side.")
        return cls(
            name,
            description.name,
            description.backbone_id,
            description.backbone.embedding_size,
            description.text.embedding_size,
            bundle,
            encode,
        )

    def check(self) -> "SearchModel":
        """Load the text side now and return this; raises EngineMissing or BundleDamaged."""
        _ = self.calibration, self.background
        return self

    # Two threads may load it at the same moment: both get one that works.
    @cached_property
    def text(self) -> TextEncoder:
        """The text side; raises EngineMissing or BundleDamaged."""
        return TextEncoder.open(self.bundle)

    @cached_property
    def calibration(self) -> Calibration:
        """From which score on a sentence describes a photo; raises BundleDamaged."""
        return read_calibration(self.bundle)

    @cached_property
    def background(self) -> FloatArray:
        """See `text_calibration`, float32 (joint,); raises as `text` does."""
        return background_vector(self.text)

    @property
    def key(self) -> str:
        """What identifies the vectors of photos."""
        return f"{self.name} {self.backbone} {self.joint_size}"

    def direction(self, sentence: str) -> FloatArray:
        """Return what is multiplied with a photo's unit vector for its score, float32 (joint,).

        Zeros, which no photo is like, for a sentence of whose words the network has none.
        """
        (vector,) = self.text.encode([sentence])
        if not vector.any():
            return np.zeros_like(self.background)
        return np.asarray(vector - self.background, np.float32)
