"""The orders that photos can be shown in; ties always fall the same way."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scene_model.errors import QueryError
from scene_model.gallery.schema import photos


class SortKey(StrEnum):
    """What photos are put in order by."""

    ADDED = "added"
    TAKEN = "taken"
    NAME = "name"
    SCORE = "score"


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
SORTS = tuple(
    Sort(key, descending)
    for key, first in (
        (SortKey.ADDED, True),
        (SortKey.TAKEN, True),
        (SortKey.NAME, False),
        (SortKey.SCORE, True),
    )
    for descending in (first, not first)
)

_COLUMNS: dict[SortKey, Any] = {
    SortKey.ADDED: photos.c.added_at,
    SortKey.TAKEN: photos.c.taken_at,
    SortKey.NAME: photos.c.folded_name,
    SortKey.SCORE: photos.c.class_score,
}


def in_order(sort: Sort) -> tuple[Any, ...]:
    """Say it in SQL. Photos that do not say when they were taken come last either way."""
    column = _COLUMNS[sort.key]
    first = column.desc() if sort.descending else column.asc()
    if sort.key is SortKey.TAKEN:
        first = first.nulls_last()
    if sort.key is SortKey.NAME:
        return first, photos.c.id.desc() if sort.descending else photos.c.id
    return first, photos.c.folded_name, photos.c.id
