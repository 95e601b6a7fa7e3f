"""What the library says of its photos: plain frozen records."""

from dataclasses import dataclass

from scene_model.classifier.tagging import ClassSource

SHOWN_HEADS = ("scenes", "camera")
HUMAN = "human"


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

    @property
    def is_shown(self) -> bool:
        """Tell whether it belongs to the photo's face: a person's, a scene, a camera scene."""
        return self.head == HUMAN or self.head in SHOWN_HEADS


@dataclass(frozen=True)
class PhotoRecord:
    """One photo of the library, with the class and tags that hold now.

    added_at: ISO 8601 with offset. taken_at: local time, ISO 8601, offset if known.
    photo_class: what it is filed under. confidence, unsure: the six-scene head's.
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
    scenes_label: str
    confidence: float
    unsure: bool
    photo_class: str
    class_source: ClassSource
    trashed_at: str | None
    tags: tuple[TagOnPhoto, ...]

    @property
    def shown_tags(self) -> tuple[str, ...]:
        """Labels of the tags on the photo's face, each once."""
        return tuple(dict.fromkeys(tag.label for tag in self.tags if tag.is_shown))


@dataclass(frozen=True)
class NewPhoto:
    """A photo about to enter the library: what the caller knows beside the look at it."""

    data: bytes
    name: str
    added_at: str


@dataclass(frozen=True)
class Added:
    """What became of an addition: the photo's id, and whether it was there already."""

    id: str
    was_known: bool
