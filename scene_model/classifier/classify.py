"""One look at a photo: decode once, run once, ask every head."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import Bundle, BundleDescription, FloatArray, open_bundle
from scene_model.classifier.engine import Engine
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.tagging import PhotoClass, Tag, decide_class, tags_by_rule, top_tags
from scene_model.errors import UnknownHead
from scene_model.photos.decode import (
    DecodedPhoto,
    MinimumSize,
    PhotoLimits,
    decode_picture,
    open_picture,
    resize_to_square,
)
from scene_model.photos.metadata import PhotoMetadata, read_metadata

SCENES, CAMERA, OBJECTS = "scenes", "camera", "objects"
OBJECT_COUNT = 5


@dataclass(frozen=True)
class PhotoAnswer:
    """What one head says of one photo.

    probabilities: shape (labels,), float32, sums to 1. label: the most probable; confidence:
    its probability; unsure: whether to disbelieve it. tags: by the tag rule, with the floor.
    """

    head: str
    probabilities: FloatArray
    label: str
    confidence: float
    unsure: bool
    outside: float
    tags: list[Tag]


@dataclass(frozen=True)
class Answers:
    """All heads' answers for one photo, and the class they add up to."""

    by_head: dict[str, PhotoAnswer]
    photo_class: PhotoClass
    objects: list[Tag]

    @property
    def scenes(self) -> PhotoAnswer:
        """The six-scene head's answer."""
        return self.by_head[SCENES]

    @property
    def camera(self) -> PhotoAnswer:
        """The camera-scene head's answer."""
        return self.by_head[CAMERA]


@dataclass(frozen=True)
class Look:
    """One photo seen: its upright pixels at working scale, metadata, embedding and answers."""

    photo: DecodedPhoto
    metadata: PhotoMetadata
    embedding: FloatArray
    answers: Answers


class Classifier:
    """A bundle ready to answer; safe to share between threads."""

    def __init__(self, bundle: Bundle, limits: PhotoLimits, interpreters: int) -> None:
        """Wire a bundle; ``interpreters`` photos are looked at at the same time."""
        self._bundle = bundle
        self._limits = limits
        self._engine = Engine(bundle, interpreters)
        self.heads: dict[str, Head] = heads_of(bundle)
        self._side = bundle.description.input.width

    @classmethod
    def open(cls, bundle_dir: Path, limits: PhotoLimits, interpreters: int) -> "Classifier":
        """Open a bundle folder; raises the errors of `open_bundle`."""
        return cls(open_bundle(bundle_dir), limits, interpreters)

    @property
    def bundle_id(self) -> str:
        """Which model answers, for provenance."""
        return self._bundle.description.id

    @property
    def bundle(self) -> BundleDescription:
        """What bundle.json says."""
        return self._bundle.description

    @property
    def bundle_dir(self) -> Path:
        """Where the bundle lies."""
        return self._bundle.folder

    @property
    def limits(self) -> PhotoLimits:
        """The largest photo that is accepted."""
        return self._limits

    def head(self, head_id: str) -> Head:
        """Return a head by id; raises UnknownHead, which names those there are."""
        try:
            return self.heads[head_id]
        except KeyError:
            known = ", ".join(self.heads)
            raise UnknownHead(f"The model has no head {head_id!r}. It has: {known}.") from None

    def look(self, data: bytes) -> Look:
        """Decode and classify one photo's bytes; raises PhotoError."""
        picture = open_picture(data, self._limits)
        photo = decode_picture(picture, MinimumSize(short_side=self._side))
        # After the pixels: looking for EXIF loads a PNG, and would swallow what is wrong with it.
        metadata = read_metadata(picture)
        embedding = self._engine.embed(resize_to_square(photo.pixels, self._side))
        return Look(photo, metadata, embedding, self.answer(embedding))

    def answer(self, embedding: FloatArray, heads: tuple[str, ...] | None = None) -> Answers:
        """Ask every head about a kept embedding, float32 (embedding_size,)."""
        by_head = {
            head.id: self._answer(head, embedding)
            for head in self.heads.values()
            if heads is None or head.id in heads
        }
        scenes, camera = by_head[SCENES], by_head[CAMERA]
        objects = self.heads[OBJECTS].labels
        return Answers(
            by_head=by_head,
            photo_class=decide_class(scenes.label, scenes.unsure, camera.tags),
            objects=[
                Tag(objects[objects.index(tag.label)].source_name, tag.score)
                for tag in top_tags(by_head[OBJECTS].probabilities, objects, OBJECT_COUNT)
            ]
            if OBJECTS in by_head
            else [],
        )

    @staticmethod
    def _answer(head: Head, embedding: FloatArray) -> PhotoAnswer:
        answer = head.answer(embedding[np.newaxis])
        probabilities, outside = answer.probabilities[0], float(answer.outside[0])
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return PhotoAnswer(
            head=head.id,
            probabilities=probabilities,
            label=head.labels[best].id,
            confidence=confidence,
            unsure=head.is_unsure(confidence, outside),
            outside=outside,
            tags=tags_by_rule(probabilities, head.labels, head.second_tag_floor),
        )
