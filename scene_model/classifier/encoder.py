"""Photos and videos to embeddings: decode and run the network once; no heads needed."""

from pathlib import Path
from typing import Self

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.preprocessing import Preprocessing
from scene_model.photos.colours import Pixels
from scene_model.photos.content import Content, VideoContent
from scene_model.photos.decode import DecodedPhoto, MinimumSize, PhotoLimits
from scene_model.photos.decoders.pool import DecodedFile, Decoders


class ImageEncoder:
    """A bundle's network opened for photos; safe to share between threads."""

    def __init__(
        self,
        bundle: Bundle,
        limits: PhotoLimits,
        interpreters: int,
        decoders: Decoders | None = None,
    ) -> None:
        """Prepare a network, which runs on up to ``interpreters`` photos at the same time.

        decoders: decode the photos; None for as many of its own as interpreters. Raises
        EngineMissing.
        """
        self._bundle = bundle
        self._limits = limits
        self._engine = open_engine(bundle, interpreters)
        self._decoders = decoders or Decoders(limits, interpreters)
        self._minimum = MinimumSize(short_side=self._engine.preprocessing.short_side)

    @classmethod
    def open(
        cls,
        folder: Path,
        limits: PhotoLimits,
        decoders: Decoders | None = None,
        interpreters: int = 1,
    ) -> Self:
        """Open a bundle folder; raises the errors of `open_bundle`, and EngineMissing."""
        return cls(open_bundle(folder), limits, interpreters, decoders)

    @property
    def bundle(self) -> BundleDescription:
        """The content of bundle.json."""
        return self._bundle.description

    @property
    def opened(self) -> Bundle:
        """The bundle as it was opened."""
        return self._bundle

    @property
    def bundle_dir(self) -> Path:
        """The bundle's folder."""
        return self._bundle.folder

    @property
    def limits(self) -> PhotoLimits:
        """The largest photo that is accepted."""
        return self._limits

    @property
    def preprocessing(self) -> Preprocessing:
        """How a picture becomes the network's input."""
        return self._engine.preprocessing

    def check(self) -> None:
        """Load the network once to detect a defect early; raises BundleDamaged."""
        self._engine.check()

    def encode(self, content: Content) -> FloatArray:
        """Decode and embed a photo's bytes, or a video: float32 (embedding_size,).

        Raises PhotoError.
        """
        return self.embedding_of(self.decoded(content).photo)

    def embed(self, pixels: Pixels) -> FloatArray:
        """Embed a picture of any size, uint8 RGB (h, w, 3): float32 (embedding_size,)."""
        return self._engine.embed(pixels)

    def decoded(self, content: Content) -> DecodedFile:
        """Decode a photo's bytes, or a video, at the size that is enough; raises PhotoError."""
        if isinstance(content, VideoContent):
            return self._decoders.decode_video(content, self._minimum)
        return self._decoders.decode(content, self._minimum, limits=self._limits)

    def embedding_of(self, photo: DecodedPhoto) -> FloatArray:
        """Embed a decoded photo: float32 (embedding_size,).

        The embedding of a video is the mean of those of its frames: what is stored is then what
        heads that are trained or chosen later are applied to, and all give one answer for it.
        """
        if not photo.frames:
            return self._engine.embed(photo.pixels)
        embeddings = [self._engine.embed(frame) for frame in photo.frames]
        mean: FloatArray = np.mean(embeddings, axis=0, dtype=np.float32)
        return mean
