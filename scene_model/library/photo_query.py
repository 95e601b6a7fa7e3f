"""Queries for photos in a given order, and memory-efficient iteration over their ids."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Column, ColumnElement, FromClause, Index, and_, select
from sqlalchemy.sql import visitors

from scene_model.library.database.connections import Database
from scene_model.library.database.schema import ORDER_INDEXES, photos
from scene_model.library.sort_order import Sort, SortKey, match_scores
from scene_model.photos.video.kinds import VIDEO_FORMATS

BATCH = 500  # SQLite limits the number of bound values

# The orders by match and of an album have no index. The ties of the order by match are in the
# order of the newest added.
_INDEXED_COLUMNS = {
    SortKey.ADDED: "added_at",
    SortKey.TAKEN: "taken_at",
    SortKey.NAME: "folded_name",
    SortKey.SCORE: "class_score",
    SortKey.SIZE: "file_bytes",
    SortKey.MATCH: "added_at",
    SortKey.ALBUM: "added_at",
}

Item = TypeVar("Item")


class IdsInOrder:
    """Photo ids that can be iterated repeatedly; stores 4 bytes per photo.

    A photo that is deleted meanwhile is skipped.
    """

    def __init__(self, database: Database, numbers: npt.NDArray[np.int32]) -> None:
        """numbers: the primary keys (``photos.number``), in order."""
        self._database, self._numbers = database, numbers

    def __len__(self) -> int:
        """Return the number of photos when the query was run."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, reading BATCH at a time."""
        for start in range(0, len(self._numbers), BATCH):
            numbers = self._numbers[start : start + BATCH].tolist()
            query = select(photos.c.number, photos.c.id).where(photos.c.number.in_(numbers))
            with self._database.reader.begin() as connection:
                ids = {row.number: row.id for row in connection.execute(query)}
            yield from (ids[number] for number in numbers if number in ids)


def in_batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Yield lists of at most ``size`` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def is_picture() -> ColumnElement[bool]:
    """The photo is a picture, not a video."""
    return photos.c.format.not_in(sorted(VIDEO_FORMATS))


def filter_photos(
    query: Any,
    where: ColumnElement[bool] | None,
    trashed: bool,
    sort: Sort = Sort(SortKey.NAME),  # noqa: B008 - frozen
) -> Any:
    """Restrict a query to the photos that match a condition, for an order.

    Where the index of the sort order covers all columns in the condition, SQLite is told to scan
    it. Its planner cannot know how many photos match, and a wrong plan costs one row lookup per
    photo, 100,000 in a large library.
    """
    source: FromClause = photos
    if sort.key is SortKey.MATCH:
        scores = match_scores(sort)
        source = photos.outerjoin(scores, scores.c.photo == photos.c.number)
    filtered = query.select_from(source).where(_visible(where, trashed))
    if trashed or where is None:
        return filtered
    index = ORDER_INDEXES[_INDEXED_COLUMNS[sort.key]]
    columns = {node for node in visitors.iterate(where) if isinstance(node, Column)}
    if not {column for column in columns if column.table is photos} <= _columns_of(index):
        return filtered
    return filtered.with_hint(photos, f"INDEXED BY {index.name}", "sqlite")


def _columns_of(index: Index) -> set[Any]:
    return {getattr(expression, "element", expression) for expression in index.expressions}


def _visible(where: ColumnElement[bool] | None, trashed: bool) -> ColumnElement[bool]:
    in_trash = photos.c.trashed_at.is_not(None) if trashed else photos.c.trashed_at.is_(None)
    return in_trash if where is None else and_(in_trash, where)
