"""Sort orders of photos; ties are broken deterministically."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Float,
    Subquery,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from scene_model.errors import QueryError
from scene_model.library.database.schema import (
    album_photos,
    class_decisions,
    effective_tags,
    photos,
)
from scene_model.library.label_lists import is_one_of


class SortKey(StrEnum):
    """The property that photos are sorted by."""

    ADDED = "added"
    TAKEN = "taken"
    NAME = "name"
    SCORE = "score"
    SIZE = "size"
    MATCH = "match"
    ALBUM = "album"


@dataclass(frozen=True, eq=False)
class PhotoScores:
    """Scores of photos by their numbers; photos that are not listed have none."""

    numbers: npt.NDArray[np.int64]
    scores: npt.NDArray[np.floating]


@dataclass(frozen=True)
class Sort:
    """A sort order. As text: ``taken`` for ascending, ``-taken`` for descending.

    labels: for the order by match, the labels whose scores count; they are not part of the text.
    scores: for the order by match with sentences, which go before labels.
    album: for the order by hand of an album, its id; no part of the text either.
    """

    key: SortKey
    descending: bool = False
    labels: frozenset[str] = frozenset()
    album: int | None = None
    scores: PhotoScores | None = None

    def __str__(self) -> str:
        """Return the text that `read` parses."""
        return f"-{self.key}" if self.descending else str(self.key)

    @classmethod
    def read(cls, text: str) -> "Sort":
        """Parse a sort order; raises QueryError, which lists the valid ones."""
        if text == SortKey.MATCH:
            return BEST_MATCH
        key = text.removeprefix("-")
        if key not in _PROPERTIES:
            raise QueryError(
                f"There is no sort order {text!r}. Use {', '.join(_PROPERTIES)}, or put a minus "
                f"before one of them for descending order; or {SortKey.MATCH}."
            )
        return cls(SortKey(key), text.startswith("-"))


_PROPERTIES = tuple(key for key in SortKey if key not in (SortKey.MATCH, SortKey.ALBUM))
NEWEST_ADDED = Sort(SortKey.ADDED, descending=True)
# The best match first; without words in the query, the order of its album, or the newest. See
# `Gallery.shown_order`.
BEST_MATCH = Sort(SortKey.MATCH)
# The orders by a property. The more common direction comes first; the indexes are built for it.
SORTS = tuple(
    Sort(key, descending)
    for key in _PROPERTIES
    for descending in (key is not SortKey.NAME, key is SortKey.NAME)
)

_COLUMNS: dict[SortKey, ColumnElement[Any]] = {
    SortKey.ADDED: photos.c.added_at,
    SortKey.TAKEN: photos.c.taken_at,
    SortKey.NAME: photos.c.folded_name,
    SortKey.SCORE: photos.c.class_score,
    SortKey.SIZE: photos.c.file_bytes,
    # Of the subquery that `match_scores` returns.
    SortKey.MATCH: literal_column("coalesce(match_scores.score, 0.0)", Float),
}


def sort_column(sort: Sort) -> ColumnElement[Any]:
    """Return the leading column of a sort order."""
    return _album_position(sort.album) if sort.key is SortKey.ALBUM else _COLUMNS[sort.key]


def order_by(sort: Sort) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY columns. Photos without a capture time come last in both directions.

    The rarer direction is the exact reverse of the other, ties included, so that one index serves
    both.
    """
    column = sort_column(sort)
    if sort.key is SortKey.ALBUM:
        return column.asc(), photos.c.number.asc()
    if sort.key is SortKey.MATCH:
        return column.desc(), *order_by(NEWEST_ADDED)
    if sort.key is SortKey.NAME:
        ascending = (column, photos.c.number)
        return tuple(part.desc() for part in ascending) if sort.descending else ascending
    if sort.descending:
        return column.desc(), photos.c.folded_name, photos.c.number
    first = column.asc().nulls_last() if sort.key is SortKey.TAKEN else column.asc()
    return first, photos.c.folded_name.desc(), photos.c.number.desc()


def _album_position(album: int | None) -> ColumnElement[int]:
    """Return the position of a photo in an album; photos that are not in it come first."""
    placed = album_photos.alias()
    position = (
        select(placed.c.position)
        .where(placed.c.album_id == album, placed.c.photo == photos.c.number)
        .correlate(photos)
    )
    return func.coalesce(position.scalar_subquery(), -1)


def label_scores(sort: Sort) -> Subquery:
    """Return the scores of the sort's labels with their photos; a photo may have several.

    A label that a person added as a tag or chose as the class counts 1.
    """
    tagged = select(effective_tags.c.photo, effective_tags.c.score).where(
        is_one_of(effective_tags.c.label, sort.labels)
    )
    classified = (
        select(photos.c.number, literal(1.0))
        .join(class_decisions, class_decisions.c.photo_id == photos.c.id)
        .where(is_one_of(class_decisions.c.label, sort.labels))
    )
    return union_all(tagged, classified).subquery("label_scores")


def match_scores(sort: Sort) -> Subquery:
    """Return the highest of the `label_scores`, for each photo with one of them."""
    scores = label_scores(sort)
    return (
        select(scores.c.photo, func.max(scores.c.score).label("score"))
        .group_by(scores.c.photo)
        .subquery("match_scores")
    )
