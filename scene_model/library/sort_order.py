"""The orders that photos can be shown in; ties always fall the same way."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement

from scene_model.errors import QueryError
from scene_model.library.schema import photos


class SortKey(StrEnum):
    """What photos are put in order by."""

    ADDED = "added"
    TAKEN = "taken"
    NAME = "name"
    SCORE = "score"
    SIZE = "size"


@dataclass(frozen=True)
class Sort:
    """An order. In text: ``taken``, or ``-taken`` for the last first."""

    key: SortKey
    descending: bool = False

    def __str__(self) -> str:
        """Write it as `read` reads it."""
        return f"-{self.key}" if self.descending else str(self.key)

    @classmethod
    def read(cls, text: str) -> "Sort":
        """Read an order; raises QueryError, which names those there are."""
        try:
            return cls(SortKey(text.removeprefix("-")), text.startswith("-"))
        except ValueError as error:
            known = ", ".join(SortKey)
            raise QueryError(
                f"There is no order {text!r}. There are {known}, each also with a minus before it."
            ) from error


NEWEST_ADDED = Sort(SortKey.ADDED, descending=True)
# The one people want more often comes first; it is the one an index is made for.
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


def column_of(sort: Sort) -> ColumnElement[Any]:
    """What an order goes by first."""
    return _COLUMNS[sort.key]


def in_order(sort: Sort) -> tuple[ColumnElement[Any], ...]:
    """Say it in SQL. Photos that do not say when they were taken come last either way.

    The rarer direction is the other one read backwards, ties too: so that one index does for both.
    """
    column = _COLUMNS[sort.key]
    if sort.key is SortKey.NAME:
        by = (column, photos.c.number)
        return tuple(part.desc() for part in by) if sort.descending else by
    if sort.descending:
        return column.desc(), photos.c.folded_name, photos.c.number
    first = column.asc().nulls_last() if sort.key is SortKey.TAKEN else column.asc()
    return first, photos.c.folded_name.desc(), photos.c.number.desc()
