"""Rules that assign photos to the folders of an archive."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.errors import UsageError
from scene_model.library.groups import group_of
from scene_model.library.records import PhotoRecord
from scene_model.library.trips.trip_rows import NO_TRIP

_HEAD_MARK = "head:"


class FolderKind(StrEnum):
    """The kinds of folder rules."""

    CLASS = "class"
    GROUP = "group"
    TAG = "tag"
    TRIP = "trip"
    DAY = "day"
    HEAD = "head"


_RULES = (
    *(FolderKind.CLASS, FolderKind.GROUP, FolderKind.TAG),
    *(FolderKind.TRIP, FolderKind.DAY),
)


@dataclass(frozen=True)
class FolderRule:
    """A rule for folders.

    As text: ``class``, ``group``, ``tag`` (one folder per tag), ``trip``, ``day`` (folders of trips
    by month, with one for each day in them), or ``head:ID``.
    """

    kind: FolderKind = FolderKind.CLASS
    head: str | None = None

    @classmethod
    def read(cls, text: str, heads: Iterable[str]) -> "FolderRule":
        """Parse a rule; raises UsageError, which lists the rules."""
        heads = list(heads)
        if text in _RULES:
            return cls(FolderKind(text))
        head = text.removeprefix(_HEAD_MARK)
        if text.startswith(_HEAD_MARK) and head in heads:
            return cls(FolderKind.HEAD, head)
        rules = ", ".join([*_RULES, *(f"{_HEAD_MARK}{name}" for name in heads)])
        raise UsageError(f"Unknown folder rule {text!r}. The rules are {rules}.")

    @property
    def is_by_trip(self) -> bool:
        """Whether each trip has a folder."""
        return self.kind in (FolderKind.TRIP, FolderKind.DAY)

    def __str__(self) -> str:
        """Return the text that `read` parses."""
        return f"{_HEAD_MARK}{self.head}" if self.head else str(self.kind)

    def folders(
        self, photo: PhotoRecord, vocabulary: Vocabulary, trips: Mapping[str, str] | None = None
    ) -> tuple[str, ...]:
        """Return the folders of a photo, at least one.

        By a head: the most probable of its tags that nobody rejected, else `unsure`.
        vocabulary: has the groups. trips: the folders of the trips of photos, by photo id.
        """
        if self.is_by_trip:
            return ((trips or {}).get(photo.id, NO_TRIP),)
        if self.kind is FolderKind.CLASS:
            return (photo.photo_class,)
        if self.kind is FolderKind.GROUP:
            return (group_of(photo, vocabulary),)
        if self.kind is FolderKind.TAG:
            return photo.shown_tags or (UNSURE_CLASS,)
        candidates = [tag for tag in photo.tags if tag.head == self.head]
        best = max(candidates, key=lambda tag: tag.score or 0.0, default=None)
        return (UNSURE_CLASS if best is None else best.label,)
