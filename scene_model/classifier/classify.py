"""One look at a photo: decode once, run once, ask every head."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import Bundle, BundleDescription, FloatArray, open_bundle
from scene_model.classifier.engine import Engine
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.tagging import (
    HeadPrediction,
    PhotoClass,
    Tag,
    decide_class,
    tags_by_rule,
    top_tags,
)
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

# Heads that the shipped bundle has; another may lack them.
SCENES, OBJECTS = "scenes", "objects"
OBJECT_COUNT = 5
# An object must be this probable to become a searchable tag: below it, search finds noise.
OBJECT_TAG_FLOOR = 0.3


@dataclass(frozen=True)
class Provenance:
    """Which model answered: the bundle's id, and the id of the network that saw the photo.

    backbone: None where that was not written down.
    """

    bundle: str
    backbone: str | None


@dataclass(frozen=True)
class HeadPredictions:
    """All heads' answers for one photo, and the class they add up to.

    class_prediction: the class head's. tag_prediction: the tag head's, None without one.
    objects: the five most probable objects; none in a bundle without that head.
    """

    by_head: dict[str, HeadPrediction]
    class_prediction: HeadPrediction
    tag_prediction: HeadPrediction | None
    photo_class: PhotoClass
    objects: list[Tag]

    @property
    def tags(self) -> list[Tag]:
        """The tag head's tags."""
        return [] if self.tag_prediction is None else self.tag_prediction.tags

    @property
    def class_score(self) -> float:
        """How sure the head that filed the photo is of its class; 0.0 where none was."""
        source = self.photo_class.source
        if source == self.class_prediction.head:
            return self.class_prediction.confidence
        if self.tag_prediction is not None and source == self.tag_prediction.head:
            return self.tag_prediction.tags[0].score
        return 0.0

    @property
    def kept_tags(self) -> dict[str, list[Tag]]:
        """What becomes of each head's answer where tags are kept and searched, by head.

        Its tags by the rule, but only likely objects; and of the class head, and of one that
        can say "none of these", the one label it is sure of: a head that has to choose among
        labels which a photo may not show would fill search with noise.
        """
        kept = {}
        for head, answer in self.by_head.items():
            if head == OBJECTS:
                kept[head] = [tag for tag in self.objects if tag.score >= OBJECT_TAG_FLOOR]
            elif head == self.class_prediction.head or answer.outside is not None:
                sure = Tag(answer.label, answer.confidence)
                kept[head] = [] if answer.unsure else [sure]
            else:
                kept[head] = answer.tags
        return kept


@dataclass(frozen=True)
class Prediction:
    """One photo seen: its upright pixels at working scale, metadata, embedding and answers."""

    photo: DecodedPhoto
    metadata: PhotoMetadata
    embedding: FloatArray
    head_predictions: HeadPredictions


class Classifier:
    """A bundle ready to answer; safe to share between threads."""

    def __init__(self, bundle: Bundle, limits: PhotoLimits, interpreters: int) -> None:
        """Wire a bundle; ``interpreters`` photos are looked at at the same time."""
        self._bundle = bundle
        self._limits = limits
        self._engine = Engine(bundle, interpreters)
        self.heads: dict[str, Head] = heads_of(bundle)
        self._side = bundle.description.input.width
        self._mark = ""

    @classmethod
    def open(cls, bundle_dir: Path, limits: PhotoLimits, interpreters: int) -> "Classifier":
        """Open a bundle folder; raises the errors of `open_bundle`."""
        return cls(open_bundle(bundle_dir), limits, interpreters)

    def check(self) -> None:
        """Load the network once, so that what is wrong with it shows now; raises BundleDamaged."""
        self._engine.check()

    @property
    def bundle_id(self) -> str:
        """Which model answers, for provenance."""
        return self._bundle.description.id + self._mark

    def with_heads(self, heads: Iterable[Head], mark: str | None = None) -> "Classifier":
        """Another classifier on the same network, with some heads in the place of others.

        mark: what sets its `bundle_id` apart from the bundle's own; None where it says the same.
        """
        made = copy.copy(self)
        made.heads = self.heads | {head.id: head for head in heads}
        if mark is not None:
            made._mark = mark
        return made

    @property
    def shipped(self) -> "Classifier":
        """The classifier with the bundle's own heads."""
        return self.with_heads(heads_of(self._bundle).values(), "")

    @property
    def provenance(self) -> Provenance:
        """What is written beside an answer of this model."""
        return Provenance(self.bundle_id, self.bundle.backbone_id)

    def can_read(self, provenance: Provenance) -> bool:
        """Tell whether the heads may be asked about an embedding that another run kept.

        Heads read the numbers of their own network only; to others' they give nonsense.
        """
        if provenance.backbone is None:
            return provenance.bundle == self._bundle.description.id
        return provenance.backbone == self.bundle.backbone_id

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

    @property
    def ranked_heads(self) -> list[Head]:
        """The class head, the tag head, then the others in the bundle's order."""
        first = [head for head in (self.bundle.class_head, self.bundle.tag_head) if head]
        return [self.heads[head_id] for head_id in dict.fromkeys([*first, *self.heads])]

    def head(self, head_id: str) -> Head:
        """Return a head by id; raises UnknownHead, which names those there are."""
        try:
            return self.heads[head_id]
        except KeyError:
            known = ", ".join(self.heads)
            raise UnknownHead(f"The model has no head {head_id!r}. It has: {known}.") from None

    def predict(self, data: bytes) -> Prediction:
        """Decode and classify one photo's bytes; raises PhotoError."""
        picture = open_picture(data, self._limits)
        photo = decode_picture(picture, MinimumSize(short_side=self._side))
        # After the pixels: looking for EXIF loads a PNG, and would swallow what is wrong with it.
        metadata = read_metadata(picture)
        embedding = self._engine.embed(resize_to_square(photo.pixels, self._side))
        return Prediction(photo, metadata, embedding, self.predict_embedding(embedding))

    def predict_embedding(self, embedding: FloatArray) -> HeadPredictions:
        """Ask every head about a kept embedding, float32 (embedding_size,)."""
        by_head = {head.id: self._answer(head, embedding) for head in self.heads.values()}
        class_prediction = by_head[self.bundle.class_head]
        tag_head = self.bundle.tag_head
        tag_prediction = None if tag_head is None else by_head[tag_head]
        return HeadPredictions(
            by_head=by_head,
            class_prediction=class_prediction,
            tag_prediction=tag_prediction,
            photo_class=decide_class(class_prediction, tag_prediction),
            objects=self._objects(by_head[OBJECTS].probabilities) if OBJECTS in by_head else [],
        )

    def objects(self, embeddings: FloatArray) -> list[list[Tag]]:
        """The most probable objects of photos, from embeddings of shape (N, embedding size)."""
        if OBJECTS not in self.heads:
            return [[] for _ in embeddings]
        return [self._objects(row) for row in self.heads[OBJECTS].predict(embeddings).probabilities]

    def _objects(self, probabilities: FloatArray) -> list[Tag]:
        labels = self.heads[OBJECTS].labels
        return [
            Tag(labels[labels.index(tag.label)].source_name, tag.score)
            for tag in top_tags(probabilities, labels, OBJECT_COUNT)
        ]

    @staticmethod
    def _answer(head: Head, embedding: FloatArray) -> HeadPrediction:
        answer = head.predict(embedding[np.newaxis])
        probabilities, outside = answer.probabilities[0], float(answer.outside[0])
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return HeadPrediction(
            head=head.id,
            probabilities=probabilities,
            label=head.labels[best].id,
            confidence=confidence,
            unsure=bool(head.is_unsure(answer)[0]),
            outside=None if head.outside_threshold is None else outside,
            tags=tags_by_rule(probabilities, head.labels, head.second_tag_floor),
        )
