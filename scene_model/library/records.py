"""Frozen records of photos, and their construction from rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from scene_model.classifier.albums.matching import PhotoFacts, TagFact
from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Provenance
from scene_model.classifier.labels import HUMAN, NONE, UNSURE_CLASS
from scene_model.classifier.tagging import Tag
from scene_model.library.shown_tags import shown_heads
from scene_model.photos.content import Content, content_id
from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.places.place import place_title
from scene_model.photos.video.kinds import VIDEO_FORMATS


@dataclass(frozen=True)
class TagOnPhoto:
    """One tag of a photo.

    head: the head that predicted it, or "human". score: probability in [0, 1]; None when a
    person added it. bundle: the model that predicted it; None when a person added it.
    """

    label: str
    head: str
    score: float | None
    bundle: str | None


# Whose position gives a photo's place: its own, or that of photos taken before and after it.
GPS, NEIGHBOURS = "gps", "neighbours"


@dataclass(frozen=True)
class PhotoPlace:
    """Where a photo was taken.

    region: of a settlement. country: ISO 3166-1 alpha-2, upper case; country_name: in English; both
    None at sea. kind: see `photos.places.place`. distance_km: from the centre of the settlement; 0
    without one. source: GPS or NEIGHBOURS.
    """

    name: str
    region: str | None
    country: str | None
    country_name: str | None
    kind: str
    distance_km: float
    source: str = GPS

    @property
    def is_proposal(self) -> bool:
        """Whether the photo has no position of its own."""
        return self.source != GPS

    @property
    def title(self) -> str:
        """The place in words: "Lisbon, Portugal", "near Ushuaia, Argentina", "probably Rome …"."""
        title = place_title(self.name, self.kind, self.distance_km, self.country_name)
        return f"probably {title}" if self.is_proposal else title


@dataclass(frozen=True)
class PhotoRecord:
    """One photo of the library, with its effective class and tags.

    added_at: ISO 8601 with offset. taken_at: the effective date, a person's or else that of the
    photo's data: local time, ISO 8601, with offset if recorded, or only a day. taken_source: a key
    of `photos.dates.SOURCES`. taken_confidence: how sure the date is, in [0, 1].
    auto_taken_at: the date of the photo's data; is_date_decided: whether a person's counts instead.
    bundle: the model that predicted; class_head, tag_head: its heads for the class and the tags.
    class_head_label, confidence, unsure: the class head's prediction.
    photo_class: the effective class; class_source: HUMAN, a head's id, or NONE;
    class_score: that source's confidence, 1.0 for a person and 0.0 for none.
    auto_group: the predicted group, "unsure" where it is not believed, with the probability of the
    most probable one; None where the model that predicted knows no groups. guess: the most probable
    label of all heads, with its probability. For the effective group, see `library.groups`.
    reference: path of an original that is not copied into the library. remote_url: address of one
    that is fetched when a person opens it; both None where the library has a copy.
    rating: from 0 (none) to 5; a person's, or else the imported one.
    duration_s: of a video, in seconds; None where it is unknown, and for pictures. film_start,
    film_bytes: where the film of a motion photo is in its file. description: what a person wrote
    about the photo in another program. place: where it was taken; None where that is not known.
    clutter: the kind of clutter that it is or is taken for; None for none. is_apart: whether a
    person set it apart.
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
    auto_group: str | None = None
    auto_group_score: float | None = None
    guess: str | None = None
    guess_score: float | None = None
    favourite: bool = False
    rating: int = 0
    taken_confidence: float | None = None
    auto_taken_at: str | None = None
    is_date_decided: bool = False
    duration_s: float | None = None
    film_start: int | None = None
    film_bytes: int | None = None
    description: str | None = None
    place: PhotoPlace | None = None
    clutter: str | None = None
    is_apart: bool = False
    remote_url: str | None = None

    @property
    def shown_tags(self) -> tuple[str, ...]:
        """Labels of the tags that are shown, each once; see `shown_tags`."""
        heads = shown_heads(self.class_head, self.tag_head)
        return tuple(dict.fromkeys(tag.label for tag in self.tags if tag.head in heads))

    @property
    def is_video(self) -> bool:
        """Whether it is a video, not a picture."""
        return self.format in VIDEO_FORMATS

    @property
    def shown_guess(self) -> Tag | None:
        """The guess of a photo whose class is unsure; None for others, and for old rows."""
        if self.photo_class != UNSURE_CLASS or self.guess is None or self.guess_score is None:
            return None
        return Tag(self.guess, self.guess_score)

    @property
    def has_class_score(self) -> bool:
        """Whether a head decided the class, so that ``class_score`` is informative."""
        return self.class_source not in (HUMAN, NONE)


@dataclass(frozen=True)
class StoredEmbedding:
    """A photo's embedding, float32 (embedding_size,), and the model that computed it."""

    values: FloatArray
    provenance: Provenance


@dataclass(frozen=True)
class NewPhoto:
    """A photo to add: its content, name, and time of addition (ISO 8601 with offset).

    rating: that of its sidecar, from 0 (none) to 5; None where it states none. folder: where the
    file was. modified_at: when it was changed last, local time, ISO 8601. sidecar_date: the date
    taken in its sidecar. None where not known. remote_url: where the original stays; the library
    makes no copy of it then.
    """

    data: Content
    name: str
    added_at: str
    rating: int | None = None
    folder: str | None = None
    modified_at: str | None = None
    sidecar_date: str | None = None
    remote_url: str | None = None

    @cached_property
    def id(self) -> str:
        """The photo's id; hashing a large file takes some milliseconds."""
        return content_id(self.data)


@dataclass(frozen=True)
class WrittenPhoto:
    """A photo whose row was just written; passed to the writers of `Library.add`.

    perceptual_hash: signed 64-bit; None when it did not change. embedding: float32
    (embedding_size,). backbone: id of the network that computed the embedding.
    """

    id: str
    perceptual_hash: int | None
    embedding: FloatArray
    backbone: str | None


@dataclass(frozen=True)
class Added:
    """Result of an addition. was_known: the photo was in the library already."""

    id: str
    was_known: bool


def photo_facts(photo: PhotoRecord) -> PhotoFacts:
    """Return the facts that album rules test: effective tags, a person's class, and EXIF."""
    tags = [TagFact(tag.label, tag.head, tag.score) for tag in photo.tags]
    if photo.class_source == HUMAN:
        tags.append(TagFact(photo.photo_class, HUMAN, None))
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


def tags_by_photo(
    automatic: Iterable[Row[Any]], decisions: Iterable[Row[Any]]
) -> dict[str, tuple[TagOnPhoto, ...]]:
    """Return each photo's effective tags: added ones, and automatic ones no one decided about."""
    verdicts: dict[tuple[str, str], str] = {}
    tags: dict[str, list[TagOnPhoto]] = {}
    for row in decisions:
        verdicts[row.photo_id, row.label] = row.verdict
        if row.verdict == "added":
            tags.setdefault(row.photo_id, []).append(TagOnPhoto(row.label, HUMAN, None, None))
    for row in automatic:
        if (row.photo_id, row.label) not in verdicts:
            tags.setdefault(row.photo_id, []).append(
                TagOnPhoto(row.label, row.head, row.score, row.bundle)
            )
    return {photo_id: tuple(photo_tags) for photo_id, photo_tags in tags.items()}


def photo_record(row: Any, tags: tuple[TagOnPhoto, ...], place_row: Any = None) -> PhotoRecord:
    """Build a record from a row of ``photos``, the photo's effective tags, and its place's row."""
    return PhotoRecord(
        id=row.id,
        name=row.name,
        format=row.format,
        file_bytes=row.file_bytes,
        width=row.width,
        height=row.height,
        added_at=row.added_at,
        taken_at=row.taken_at,
        taken_source=row.taken_source,
        camera=row.camera,
        lens=row.lens,
        latitude=row.latitude,
        longitude=row.longitude,
        bundle=row.bundle,
        class_head=row.class_head,
        tag_head=row.tag_head,
        class_head_label=row.class_head_label,
        confidence=row.confidence,
        unsure=bool(row.class_head_unsure),
        photo_class=row.photo_class,
        class_source=HUMAN if row.human_class else row.auto_class_source,
        class_score=row.class_score,
        trashed_at=row.trashed_at,
        tags=tags,
        reference=row.reference,
        auto_group=row.auto_group,
        auto_group_score=row.auto_group_score,
        guess=row.guess,
        guess_score=row.guess_score,
        favourite=row.favourite,
        rating=row.rating,
        taken_confidence=row.taken_confidence if row.taken_at else None,
        auto_taken_at=row.auto_taken_at,
        is_date_decided=row.human_taken_at is not None,
        duration_s=row.duration,
        film_start=row.film_start,
        film_bytes=row.film_bytes,
        description=row.description,
        place=None if place_row is None else _photo_place(row, place_row),
        clutter=row.clutter,
        is_apart=bool(row.human_clutter),
        remote_url=row.remote_url,
    )


def _photo_place(row: Any, place_row: Any) -> PhotoPlace:
    return PhotoPlace(
        name=place_row.name,
        region=place_row.region,
        country=place_row.country,
        country_name=place_row.country_name,
        kind=place_row.kind,
        distance_km=row.place_km or 0.0,
        source=row.place_source,
    )
