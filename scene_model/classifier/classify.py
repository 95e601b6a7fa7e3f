"""Classify photos: decode a photo and run the network once, then apply every head."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import Bundle, BundleDescription, FloatArray, open_bundle
from scene_model.classifier.engines.litert import Engine
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.tagging import (
    HeadBatch,
    HeadPrediction,
    IndexArray,
    PhotoClass,
    Tag,
    decide_classes,
    top_tags,
)
from scene_model.errors import UnknownHead
from scene_model.photos.decode import DecodedPhoto, MinimumSize, PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.resize import resize_to_square

# The shipped bundle has this head; another bundle may lack it.
OBJECTS = "objects"
OBJECT_COUNT = 5
# An object must be this probable to become a searchable tag: below it, search returns noise.
OBJECT_TAG_FLOOR = 0.3


@dataclass(frozen=True)
class Provenance:
    """The model that made a prediction: the bundle's id, and the id of its network.

    backbone: None where it was not recorded.
    """

    bundle: str
    backbone: str | None


@dataclass(frozen=True)
class HeadPredictions:
    """All heads' predictions for one photo, and the class that follows from them.

    class_prediction: the class head's. tag_prediction: the tag head's, None without one.
    objects: the five most probable objects; empty for a bundle without that head.
    stored_tags: by head, the tags that are stored and searched, see `PredictionBatch`.
    """

    by_head: dict[str, HeadPrediction]
    class_prediction: HeadPrediction
    tag_prediction: HeadPrediction | None
    photo_class: PhotoClass
    objects: list[Tag]
    stored_tags: dict[str, list[Tag]]

    @property
    def tags(self) -> list[Tag]:
        """The tag head's tags."""
        return [] if self.tag_prediction is None else self.tag_prediction.tags

    @property
    def class_score(self) -> float:
        """Confidence of the head that decided the class; 0.0 where none did."""
        source = self.photo_class.source
        if source == self.class_prediction.head:
            return self.class_prediction.confidence
        if self.tag_prediction is not None and source == self.tag_prediction.head:
            return self.tag_prediction.tags[0].score
        return 0.0


@dataclass(frozen=True)
class ClassifiedPhoto:
    """A photo's class, and the labels of its stored tags over all heads."""

    photo_class: str
    labels: frozenset[str]


@dataclass(frozen=True)
class PredictionBatch:
    """All heads' predictions for N photos, in the order of the embeddings.

    class_head, tag_head: see `BundleDescription`.

    Stored tags of a head are its tags by the rule, with two exceptions. Of the objects head, the
    objects from `OBJECT_TAG_FLOOR` on. Of the class head, and of a head with an output for "none
    of these", the most probable label unless it is unsure: a head that must choose among labels
    that a photo may not show would fill search with noise.
    """

    by_head: dict[str, HeadBatch]
    class_head: str
    tag_head: str | None

    def classes(self) -> list[PhotoClass]:
        """Return the class of each photo."""
        tag_batch = None if self.tag_head is None else self.by_head[self.tag_head]
        return decide_classes(self.by_head[self.class_head], tag_batch)

    def photos(self) -> list[HeadPredictions]:
        """Return everything that is predicted for each photo."""
        stored = {head_id: self._stored_tags(batch) for head_id, batch in self.by_head.items()}
        photos = []
        for row, photo_class in enumerate(self.classes()):
            by_head = {head_id: batch.of_photo(row) for head_id, batch in self.by_head.items()}
            photos.append(
                HeadPredictions(
                    by_head=by_head,
                    class_prediction=by_head[self.class_head],
                    tag_prediction=None if self.tag_head is None else by_head[self.tag_head],
                    photo_class=photo_class,
                    objects=self._objects(row),
                    stored_tags={head_id: tags[row] for head_id, tags in stored.items()},
                )
            )
        return photos

    def classified_photos(self) -> list[ClassifiedPhoto]:
        """Return only class and stored labels of each photo: much faster than `photos`."""
        classes = self.classes()
        labels: list[set[str]] = [set() for _ in classes]
        for batch in self.by_head.values():
            names = _stored_names(batch.head)
            for row, index in zip(*(array.tolist() for array in self._stored(batch)), strict=True):
                labels[row].add(names[index])
        return [
            ClassifiedPhoto(photo_class.label, frozenset(names))
            for photo_class, names in zip(classes, labels, strict=True)
        ]

    def _objects(self, row: int) -> list[Tag]:
        if OBJECTS not in self.by_head:
            return []
        batch = self.by_head[OBJECTS]
        return _top_objects(batch.prediction.probabilities[row], batch.head)

    def _stored_tags(self, batch: HeadBatch) -> list[list[Tag]]:
        names, probabilities = _stored_names(batch.head), batch.prediction.probabilities
        tags: list[list[Tag]] = [[] for _ in probabilities]
        for row, index in zip(*self._stored(batch), strict=True):
            tags[row].append(Tag(names[index], float(probabilities[row, index])))
        return tags

    def _stored(self, batch: HeadBatch) -> tuple[IndexArray, IndexArray]:
        """Return photo and label indices of a head's stored tags, a photo's best tag first."""
        if batch.head.id == OBJECTS:
            probabilities = batch.prediction.probabilities
            rows, indices = np.nonzero(probabilities >= OBJECT_TAG_FLOOR)
            if len(rows) <= 1:
                return rows, indices
            order = np.lexsort((-probabilities[rows, indices], rows))
            return rows[order], indices[order]
        if batch.head.id == self.class_head or batch.head.outside_threshold is not None:
            rows = np.flatnonzero(~batch.is_unsure)
            return rows, batch.rule.first[rows]
        firsts, seconds = (
            np.flatnonzero(holds) for holds in (batch.rule.has_first, batch.rule.has_second)
        )
        return np.concatenate([firsts, seconds]), np.concatenate(
            [batch.rule.first[firsts], batch.rule.second[seconds]]
        )


@dataclass(frozen=True)
class Prediction:
    """One decoded photo: upright pixels at working scale, metadata, embedding, predictions."""

    photo: DecodedPhoto
    metadata: PhotoMetadata
    embedding: FloatArray
    head_predictions: HeadPredictions


class Classifier:
    """A bundle opened for prediction; safe to share between threads."""

    def __init__(
        self,
        bundle: Bundle,
        limits: PhotoLimits,
        interpreters: int,
        decoders: Decoders | None = None,
    ) -> None:
        """Prepare a bundle; the network runs on up to ``interpreters`` photos at the same time.

        decoders: decode the photos; None for as many of its own as interpreters.
        """
        self._bundle = bundle
        self._limits = limits
        self._decoders = decoders or Decoders(limits, interpreters)
        self._engine = Engine(bundle, interpreters)
        self.heads: dict[str, Head] = heads_of(bundle)
        self._side = bundle.description.input.width
        self._mark = ""

    @classmethod
    def open(
        cls,
        bundle_dir: Path,
        limits: PhotoLimits,
        interpreters: int,
        decoders: Decoders | None = None,
    ) -> "Classifier":
        """Open a bundle folder; raises the errors of `open_bundle`."""
        return cls(open_bundle(bundle_dir), limits, interpreters, decoders)

    def check(self) -> None:
        """Load the network once to detect a defect early; raises BundleDamaged."""
        self._engine.check()

    @property
    def bundle_id(self) -> str:
        """Id of the bundle and of replaced heads, stored with each prediction."""
        return self._bundle.description.id + self._mark

    def with_heads(self, heads: Iterable[Head], mark: str | None = None) -> "Classifier":
        """Return a copy on the same network with heads replaced by those of the same id.

        mark: suffix of the copy's `bundle_id`; None keeps the present one.
        """
        classifier = copy.copy(self)
        classifier.heads = self.heads | {head.id: head for head in heads}
        if mark is not None:
            classifier._mark = mark
        return classifier

    @property
    def shipped(self) -> "Classifier":
        """The classifier with the bundle's own heads."""
        return self.with_heads(heads_of(self._bundle).values(), "")

    @property
    def provenance(self) -> Provenance:
        """Provenance stored with the predictions of this model."""
        return Provenance(self.bundle_id, self.bundle.backbone_id)

    def can_read(self, provenance: Provenance) -> bool:
        """Return whether the heads can be applied to an embedding of that provenance.

        Heads are trained on the embeddings of one network and meaningless on those of another.
        """
        if provenance.backbone is None:
            return provenance.bundle == self._bundle.description.id
        return provenance.backbone == self.bundle.backbone_id

    @property
    def bundle(self) -> BundleDescription:
        """The content of bundle.json."""
        return self._bundle.description

    @property
    def bundle_dir(self) -> Path:
        """The bundle's folder."""
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
            head_ids = ", ".join(self.heads)
            raise UnknownHead(f"The model has no head {head_id!r}. It has: {head_ids}.") from None

    def predict(self, data: bytes) -> Prediction:
        """Decode and classify one photo's bytes; raises PhotoError."""
        file = self._decoders.decode(data, MinimumSize(short_side=self._side), limits=self._limits)
        embedding = self._engine.embed(resize_to_square(file.photo.pixels, self._side))
        predictions = self.predict_embedding(embedding)
        return Prediction(file.photo, file.metadata, embedding, predictions)

    def predict_embedding(self, embedding: FloatArray) -> HeadPredictions:
        """Apply every head to one embedding, float32 (embedding_size,)."""
        (photo,) = self.predict_embeddings(embedding[np.newaxis]).photos()
        return photo

    def predict_embeddings(self, embeddings: FloatArray) -> PredictionBatch:
        """Apply every head to embeddings of shape (N, embedding_size), float32."""
        return PredictionBatch(
            {head.id: HeadBatch(head, head.predict(embeddings)) for head in self.heads.values()},
            self.bundle.class_head,
            self.bundle.tag_head,
        )

    def objects(self, embeddings: FloatArray) -> list[list[Tag]]:
        """Return the most probable objects of photos; embeddings: shape (N, embedding size)."""
        if OBJECTS not in self.heads:
            return [[] for _ in embeddings]
        head = self.heads[OBJECTS]
        return [_top_objects(row, head) for row in head.predict(embeddings).probabilities]


def _top_objects(probabilities: FloatArray, head: Head) -> list[Tag]:
    names = _stored_names(head)
    return [
        Tag(names[head.labels.index(tag.label)], tag.score)
        for tag in top_tags(probabilities, head.labels, OBJECT_COUNT)
    ]


def _stored_names(head: Head) -> tuple[str, ...]:
    """Names of a head's labels in stored tags: ids, but the ImageNet lines of objects."""
    return head.labels.source_names if head.id == OBJECTS else head.labels.ids
