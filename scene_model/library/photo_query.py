"""Queries for photos in a given order, and their ids without a list of a million strings."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Column, ColumnElement, Index, and_, select
from sqlalchemy.sql import visitors

from scene_model.library.database import Database
from scene_model.library.schema import ORDER_INDEXES, photos

BATCH = 500  # SQLite takes only so many bound values

Item = TypeVar("Item")


class IdsInOrder:
    """Ids of photos, which can be gone through again and again; eight bytes each are kept.

    A photo that is removed for good meanwhile is passed over.
    """

    def __init__(self, database: Database, numbers: npt.NDArray[np.int64]) -> None:
        """numbers: of the photos, in order."""
        self._database, self._numbers = database, numbers

    def __len__(self) -> int:
        """How many there were when the query was asked."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, asking for some hundreds at a time."""
        for start in range(0, len(self._numbers), BATCH):
            numbers = self._numbers[start : start + BATCH].tolist()
            wanted = select(photos.c.number, photos.c.id).where(photos.c.number.in_(numbers))
            with self._database.reader.begin() as connection:
                ids = {row.number: row.id for row in connection.execute(wanted)}
            yield from (ids[number] for number in numbers if number in ids)


def in_batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Yield lists of at most ``size`` items."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch


def of_photos(
    query: Any,
    where: ColumnElement[bool] | None,
    trashed: bool,
    order: tuple[ColumnElement[Any], ...] = (photos.c.folded_name,),
) -> Any:
    """Restrict a query to the photos a condition holds for.

    The index of the order is read from one end to the other where it holds all that is asked
    for, whatever SQLite expects: it cannot know how many photos a condition holds for, and a
    wrong guess costs a hundred thousand looks at rows.
    """
    asked = query.select_from(photos).where(_visible(where, trashed))
    index = ORDER_INDEXES.get(_leading_column(order))
    if trashed or where is None or index is None:
        return asked
    wanted = {part for part in visitors.iterate(where) if isinstance(part, Column)}
    if not {part for part in wanted if part.table is photos} <= _columns_of(index):
        return asked
    return asked.with_hint(photos, f"INDEXED BY {index.name}", "sqlite")


def _leading_column(order: tuple[ColumnElement[Any], ...]) -> str:
    return next(part.name for part in visitors.iterate(order[0]) if isinstance(part, Column))


def _columns_of(index: Index) -> set[Any]:
    return {getattr(part, "element", part) for part in index.expressions}


def _visible(where: ColumnElement[bool] | None, trashed: bool) -> ColumnElement[bool]:
    in_trash = photos.c.trashed_at.is_not(None) if trashed else photos.c.trashed_at.is_(None)
    return in_trash if where is None else and_(in_trash, where)
