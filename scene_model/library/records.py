"""What the library says of its photos: plain frozen records."""

from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.albums import PhotoFacts, SeenTag
from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Provenance
from scene_model.classifier.labels import HUMAN, NONE
from scene_model.library.shown_tags import shown_heads
from scene_model.photos.metadata import PhotoMetadata


@dataclass(frozen=True)
class TagOnPhoto:
    """One tag of a photo.

    head: which label set said so, or "human". score: probability in [0, 1]; None when a
    person added it. bundle: the model that said so.
    """

    label: str
    head: str
    score: float | None
    bundle: str | None


@dataclass(frozen=True)
class PhotoRecord:
    """One photo of the library, with the class and tags that hold now.

    added_at: ISO 8601 with offset. taken_at: local time, ISO 8601, offset if known.
    bundle: the model that answered; class_head, tag_head: the heads it files and tags by.
    class_head_label, confidence, unsure: what the class head said.
    photo_class: what the photo is filed under; class_source: HUMAN, a head's id, or NONE;
    class_score: how sure that source is, 1.0 for a person and 0.0 for none.
    reference: the file the photo stays in; None where the library has a copy.
    """

    id: str
    name: str
    format: str
    file_bytes: int
    width: int
    height: int
    added_at: str
    taken_at: str | None
    taken_source: str | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    bundle: str
    class_head: str
    tag_head: str | None
    class_head_label: str
    confidence: float
    unsure: bool
    photo_class: str
    class_source: str
    class_score: float
    trashed_at: str | None
    tags: tuple[TagOnPhoto, ...]
    reference: Path | None = None

    @property
    def shown_tags(self) -> tuple[str, ...]:
        """Labels of the tags that are shown, each once; see `shown_tags`."""
        heads = shown_heads(self.class_head, self.tag_head)
        return tuple(dict.fromkeys(tag.label for tag in self.tags if tag.head in heads))

    @property
    def has_class_score(self) -> bool:
        """Tell whether a head filed it, so that ``class_score`` is worth showing."""
        return self.class_source not in (HUMAN, NONE)


@dataclass(frozen=True)
class StoredEmbedding:
    """What a network saw of a photo: float32 (embedding_size,), and which model looked."""

    values: FloatArray
    provenance: Provenance


@dataclass(frozen=True)
class NewPhoto:
    """A photo about to enter the library: what the caller knows beside the look at it."""

    data: bytes
    name: str
    added_at: str


@dataclass(frozen=True)
class WrittenPhoto:
    """A photo's row, just written, as the writers of `Library.add` see it in its transaction.

    perceptual_hash: signed 64-bit, None when the row keeps the hash it has. embedding: float32
    (embedding_size,). backbone: id of the network that made it.
    """

    id: str
    perceptual_hash: int | None
    embedding: FloatArray
    backbone: str | None


@dataclass(frozen=True)
class Added:
    """What became of an addition: the photo's id, and whether it was there already."""

    id: str
    was_known: bool


def photo_facts(photo: PhotoRecord) -> PhotoFacts:
    """What album rules look at: tags that hold, a class a person chose, and EXIF."""
    tags = [SeenTag(tag.label, tag.head, tag.score) for tag in photo.tags]
    if photo.class_source == HUMAN:
        tags.append(SeenTag(photo.photo_class, HUMAN, None))
    return PhotoFacts(
        tuple(tags),
        PhotoMetadata(
            taken_at=photo.taken_at,
            taken_source=photo.taken_source,
            camera=photo.camera,
            lens=photo.lens,
            latitude=photo.latitude,
            longitude=photo.longitude,
        ),
    )
