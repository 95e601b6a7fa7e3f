"""Sort orders of photos; ties are broken deterministically."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement

from scene_model.errors import QueryError
from scene_model.library.schema import photos


class SortKey(StrEnum):
    """The property that photos are sorted by."""

    ADDED = "added"
    TAKEN = "taken"
    NAME = "name"
    SCORE = "score"
    SIZE = "size"


@dataclass(frozen=True)
class Sort:
    """A sort order. As text: ``taken`` for ascending, ``-taken`` for descending."""

    key: SortKey
    descending: bool = False

    def __str__(self) -> str:
        """Return the text that `read` parses."""
        return f"-{self.key}" if self.descending else str(self.key)

    @classmethod
    def read(cls, text: str) -> "Sort":
        """Parse a sort order; raises QueryError, which lists the valid ones."""
        try:
            return cls(SortKey(text.removeprefix("-")), text.startswith("-"))
        except ValueError as error:
            keys = ", ".join(SortKey)
            raise QueryError(
                f"There is no sort order {text!r}. Use {keys}, or put a minus before one of them "
                "for descending order."
            ) from error


NEWEST_ADDED = Sort(SortKey.ADDED, descending=True)
# The more common direction comes first; the indexes are built for it.
SORTS = tuple(
    Sort(key, descending)
    for key in SortKey
    for descending in (key is not SortKey.NAME, key is SortKey.NAME)
)

_COLUMNS: dict[SortKey, ColumnElement[Any]] = {
    SortKey.ADDED: photos.c.added_at,
    SortKey.TAKEN: photos.c.taken_at,
    SortKey.NAME: photos.c.folded_name,
    SortKey.SCORE: photos.c.class_score,
    SortKey.SIZE: photos.c.file_bytes,
}


def sort_column(sort: Sort) -> ColumnElement[Any]:
    """Return the leading column of a sort order."""
    return _COLUMNS[sort.key]


def order_by(sort: Sort) -> tuple[ColumnElement[Any], ...]:
    """Return the ORDER BY columns. Photos without a capture time come last in both directions.

    The rarer direction is the exact reverse of the other, ties included, so that one index serves
    both.
    """
    column = _COLUMNS[sort.key]
    if sort.key is SortKey.NAME:
        ascending = (column, photos.c.number)
        return tuple(part.desc() for part in ascending) if sort.descending else ascending
    if sort.descending:
        return column.desc(), photos.c.folded_name, photos.c.number
    first = column.asc().nulls_last() if sort.key is SortKey.TAKEN else column.asc()
    return first, photos.c.folded_name.desc(), photos.c.number.desc()
