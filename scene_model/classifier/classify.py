"""Classify photos: decode a photo and run the network once, then apply every head."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.encoder import ImageEncoder
from scene_model.classifier.groups import (
    GroupBatch,
    PhotoGroup,
    group_decision_of,
    tag_decisions_of,
)
from scene_model.classifier.heads import Head, heads_of
from scene_model.classifier.labels import OBJECTS, PLACES
from scene_model.classifier.tagging import (
    DecidedClasses,
    HeadBatch,
    HeadPrediction,
    IndexArray,
    PhotoClass,
    Tag,
    best_guesses,
    decide_classes,
    top_tags,
)
from scene_model.errors import BundleWithoutHeads, UnknownHead
from scene_model.photos.content import Content
from scene_model.photos.decode import DecodedPhoto, PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.metadata import PhotoMetadata

OBJECT_COUNT = PLACE_COUNT = 5
# For a bundle that does not decide which objects are tags: less probable ones are noise.
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
    """All heads' predictions for one photo of a batch, each computed when it is first read."""

    batch: "PredictionBatch"
    row: int

    @cached_property
    def by_head(self) -> dict[str, HeadPrediction]:
        """The prediction of each head, by its id."""
        return {head_id: self.of_head(head_id) for head_id in self.batch.by_head}

    @cached_property
    def class_prediction(self) -> HeadPrediction:
        """The class head's prediction."""
        return self.of_head(self.batch.class_head)

    @property
    def tag_prediction(self) -> HeadPrediction | None:
        """The tag head's prediction; None without such a head."""
        return None if self.batch.tag_head is None else self.of_head(self.batch.tag_head)

    @property
    def photo_class(self) -> PhotoClass:
        """The class that follows from the predictions."""
        return self.batch.decided.classes[self.row]

    @property
    def fallback_class(self) -> PhotoClass:
        """See `DecidedClasses`."""
        return self.batch.decided.fallbacks[self.row]

    @property
    def guess(self) -> Tag:
        """The most probable label of all heads, for a photo that is unsure."""
        return self.batch.guesses[self.row]

    @property
    def group(self) -> PhotoGroup | None:
        """The photo's group; None for a bundle without groups."""
        return None if self.batch.groups is None else self.batch.groups.of_photo(self.row)

    @property
    def objects(self) -> list[Tag]:
        """The most probable objects; empty for a bundle without that head."""
        return self.batch.most_probable(OBJECTS, self.row, OBJECT_COUNT)

    @property
    def places(self) -> list[Tag]:
        """The most probable places; empty for a bundle without that head."""
        return self.batch.most_probable(PLACES, self.row, PLACE_COUNT)

    @property
    def stored_tags(self) -> dict[str, list[Tag]]:
        """By head, the tags that are stored and searched, see `PredictionBatch`."""
        return {head_id: tags[self.row] for head_id, tags in self.batch.stored_tags.items()}

    @property
    def tags(self) -> list[Tag]:
        """The tag head's tags."""
        prediction = self.tag_prediction
        return [] if prediction is None else prediction.tags

    def of_head(self, head_id: str) -> HeadPrediction:
        """Return the prediction of one head."""
        return self.batch.by_head[head_id].of_photo(self.row)


@dataclass(frozen=True)
class ClassifiedPhoto:
    """A photo's class, and the labels of its stored tags over all heads."""

    photo_class: str
    labels: frozenset[str]


@dataclass(frozen=True)
class PredictionBatch:
    """All heads' predictions for N photos, in the order of the embeddings.

    class_head, tag_head: see `BundleDescription`. groups: None for a bundle without groups.

    Stored tags of a head are its tags by the rule, with two exceptions. Of a head whose tags are
    decided (`TagDecision`), and of objects, those. Of the class head, and of a head with an output
    for "none of these", the most probable label unless it is unsure: a head that must choose among
    labels that a photo may not show would fill search with noise. The label that gives a photo its
    class is always stored.
    """

    by_head: dict[str, HeadBatch]
    class_head: str
    tag_head: str | None
    groups: GroupBatch | None = None

    @cached_property
    def decided(self) -> DecidedClasses:
        """The class of each photo."""
        return decide_classes(
            self.by_head[self.class_head],
            [self.by_head[head_id] for head_id in self._next_heads],
            self.by_head.get(OBJECTS),
        )

    @property
    def _next_heads(self) -> list[str]:
        """The heads that decide where the class head is unsure."""
        return [
            head_id
            for head_id in (self.tag_head, PLACES)
            if head_id in self.by_head and head_id != self.class_head
        ]

    def photos(self) -> list[HeadPredictions]:
        """Return everything that is predicted for each photo."""
        return [HeadPredictions(self, row) for row in range(len(self.decided.classes))]

    @cached_property
    def guesses(self) -> list[Tag]:
        """The most probable label over all heads, for each photo."""
        return best_guesses(list(self.by_head.values()))

    @cached_property
    def stored_tags(self) -> dict[str, list[list[Tag]]]:
        """By head, the stored tags of each photo."""
        return {head_id: self._stored_tags(batch) for head_id, batch in self.by_head.items()}

    def classified_photos(self) -> list[ClassifiedPhoto]:
        """Return only class and stored labels of each photo: much faster than `photos`."""
        classes = self.decided.classes
        labels: list[set[str]] = [set() for _ in classes]
        for batch in self.by_head.values():
            names = batch.tag_names
            for row, index in zip(*(array.tolist() for array in self._stored(batch)), strict=True):
                labels[row].add(names[index])
        return [
            ClassifiedPhoto(photo_class.label, frozenset(names))
            for photo_class, names in zip(classes, labels, strict=True)
        ]

    def most_probable(self, head_id: str, row: int, limit: int) -> list[Tag]:
        """Return the most probable labels of one head for one photo."""
        if head_id not in self.by_head:
            return []
        batch = self.by_head[head_id]
        return _top_labels(batch.prediction.probabilities[row], batch, limit)

    def _stored_tags(self, batch: HeadBatch) -> list[list[Tag]]:
        names, scores = batch.tag_names, batch.tag_scores
        tags: list[list[Tag]] = [[] for _ in scores]
        for row, index in zip(*self._stored(batch), strict=True):
            tags[row].append(Tag(names[index], float(scores[row, index])))
        return tags

    def _stored(self, batch: HeadBatch) -> tuple[IndexArray, IndexArray]:
        """Return photo and label indices of a head's stored tags, a photo's best tag first."""
        is_tag = None if batch.beliefs is None else batch.beliefs.is_tag
        if is_tag is None and batch.head.id == OBJECTS:
            is_tag = batch.prediction.probabilities >= OBJECT_TAG_FLOOR
        if is_tag is not None:
            rows, indices = np.nonzero(is_tag)
            if len(rows) <= 1:
                return rows, indices
            order = np.lexsort((-batch.tag_scores[rows, indices], rows))
            return rows[order], indices[order]
        if batch.head.id == self.class_head or batch.head.outside_threshold is not None:
            rows = np.flatnonzero(~batch.is_unsure)
            return rows, batch.rule.first[rows]
        has_first = batch.rule.has_first
        if batch.head.id in self._next_heads:
            has_first = has_first | ~batch.is_unsure
        firsts, seconds = (np.flatnonzero(holds) for holds in (has_first, batch.rule.has_second))
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

        decoders: decode the photos; None for as many of its own as interpreters. Raises
        EngineMissing, or BundleWithoutHeads for a bundle that serves search only.
        """
        self._class_head = _class_head_of(bundle)
        self._bundle = bundle
        self._encoder = ImageEncoder(bundle, limits, interpreters, decoders)
        self.heads: dict[str, Head] = heads_of(bundle)
        self._groups = group_decision_of(bundle)
        self._tags = tag_decisions_of(bundle)
        self._mark = ""

    @classmethod
    def open(
        cls,
        bundle_dir: Path,
        limits: PhotoLimits,
        interpreters: int,
        decoders: Decoders | None = None,
    ) -> "Classifier":
        """Open a bundle folder; raises the errors of `open_bundle`, and those above."""
        return cls(open_bundle(bundle_dir), limits, interpreters, decoders)

    def check(self) -> None:
        """Load the network once to detect a defect early; raises BundleDamaged."""
        self._encoder.check()

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
        return self._encoder.limits

    @property
    def encoder(self) -> ImageEncoder:
        """The network, without the heads."""
        return self._encoder

    @property
    def class_head(self) -> Head:
        """The head that decides a photo's class where it is sure."""
        return self.heads[self._class_head]

    @property
    def ranked_heads(self) -> list[Head]:
        """The class head, the tag head, then the others in the bundle's order."""
        first = [head for head in (self._class_head, self.bundle.tag_head) if head]
        return [self.heads[head_id] for head_id in dict.fromkeys([*first, *self.heads])]

    def head(self, head_id: str) -> Head:
        """Return a head by id; raises UnknownHead, which names those there are."""
        try:
            return self.heads[head_id]
        except KeyError:
            head_ids = ", ".join(self.heads)
            raise UnknownHead(f"The model has no head {head_id!r}. It has: {head_ids}.") from None

    def predict(self, content: Content) -> Prediction:
        """Decode and classify a photo's bytes, or a video; raises PhotoError."""
        file = self._encoder.decoded(content)
        embedding = self._encoder.embedding_of(file.photo)
        predictions = self.predict_embedding(embedding)
        return Prediction(file.photo, file.metadata, embedding, predictions)

    def predict_with(self, content: Content, embedding: FloatArray) -> Prediction:
        """Decode a photo, or a video, whose embedding is known, float32 (embedding_size,).

        The network does not run. Raises PhotoError.
        """
        file = self._encoder.decoded(content)
        predictions = self.predict_embedding(embedding)
        return Prediction(file.photo, file.metadata, embedding, predictions)

    def predict_embedding(self, embedding: FloatArray) -> HeadPredictions:
        """Apply every head to one embedding, float32 (embedding_size,)."""
        (photo,) = self.predict_embeddings(embedding[np.newaxis]).photos()
        return photo

    def predict_embeddings(self, embeddings: FloatArray) -> PredictionBatch:
        """Apply every head to embeddings of shape (N, embedding_size), float32."""
        predictions = {head.id: head.predict(embeddings) for head in self.heads.values()}
        groups = None if self._groups is None else self._groups.decide(predictions, embeddings)
        beliefs = (
            {}
            if groups is None
            else {
                head: rule.beliefs(predictions[head], groups) for head, rule in self._tags.items()
            }
        )
        return PredictionBatch(
            {
                head.id: HeadBatch(head, predictions[head.id], beliefs.get(head.id))
                for head in self.heads.values()
            },
            self._class_head,
            self.bundle.tag_head,
            groups,
        )

    def objects(self, embeddings: FloatArray) -> list[list[Tag]]:
        """Return the most probable objects of photos; embeddings: shape (N, embedding size)."""
        if OBJECTS not in self.heads:
            return [[] for _ in embeddings]
        batch = HeadBatch(self.heads[OBJECTS], self.heads[OBJECTS].predict(embeddings))
        return [_top_labels(row, batch, OBJECT_COUNT) for row in batch.prediction.probabilities]


def _class_head_of(bundle: Bundle) -> str:
    class_head = bundle.description.class_head
    if class_head is None:
        raise BundleWithoutHeads(
            f"The model {bundle.description.name} has no labels: it serves search only. Use it "
            "for search, or fit classes of your own on it: scene-gallery fit FOLDER --backbone "
            f"{bundle.folder}"
        )
    return class_head


def _top_labels(probabilities: FloatArray, batch: HeadBatch, limit: int) -> list[Tag]:
    labels, names = batch.head.labels, batch.tag_names
    return [
        Tag(names[labels.index(tag.label)], tag.score)
        for tag in top_tags(probabilities, labels, limit)
    ]
