"""Which folders of an archive a photo goes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.errors import UsageError
from scene_model.library.records import PhotoRecord

_HEAD_MARK = "head:"


class FolderKind(StrEnum):
    """What folders are made of."""

    CLASS = "class"
    TAG = "tag"
    HEAD = "head"


@dataclass(frozen=True)
class FolderRule:
    """How photos become folders. In text: ``class``, ``tag`` for every tag, or ``head:ID``."""

    kind: FolderKind = FolderKind.CLASS
    head: str | None = None

    @classmethod
    def read(cls, text: str, heads: Iterable[str]) -> "FolderRule":
        """Read a rule; raises UsageError, which names those there are."""
        heads = list(heads)
        if text in (FolderKind.CLASS, FolderKind.TAG):
            return cls(FolderKind(text))
        head = text.removeprefix(_HEAD_MARK)
        if text.startswith(_HEAD_MARK) and head in heads:
            return cls(FolderKind.HEAD, head)
        known = ", ".join(["class", "tag", *(f"{_HEAD_MARK}{name}" for name in heads)])
        raise UsageError(f"There are no folders by {text!r}. There are folders by {known}.")

    def __str__(self) -> str:
        """Write it as `read` reads it."""
        return f"{_HEAD_MARK}{self.head}" if self.head else str(self.kind)

    def folders(self, photo: PhotoRecord) -> tuple[str, ...]:
        """The folders one photo goes to, one at least.

        By a head: the surest of its tags that nobody rejected, `unsure` where it has none.
        """
        if self.kind is FolderKind.CLASS:
            return (photo.photo_class,)
        if self.kind is FolderKind.TAG:
            return photo.shown_tags or (UNSURE_CLASS,)
        said = [tag for tag in photo.tags if tag.head == self.head]
        best = max(said, key=lambda tag: tag.score or 0.0, default=None)
        return (UNSURE_CLASS if best is None else best.label,)
