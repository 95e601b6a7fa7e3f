"""Which photos match an SQL condition: each part of it is a list of photos, and lists are combined.

SQLite would test photo by photo, for each in all lists of the parts. To combine a million bits takes
a millisecond, so a condition costs as much as finding its lists, each by its own index.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import BinaryExpression, Column, ColumnElement, and_, select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import (
    BooleanClauseList,
    False_,
    Grouping,
    True_,
    UnaryExpression,
)
from sqlalchemy.sql.selectable import ScalarSelect

from scene_model.library.in_memory.changes import Mask, Numbers, is_listed
from scene_model.library.schema import ORDER_INDEXES, photos

# The indexes for conditions on few columns, and whether they list only photos outside the trash.
_SHORT_INDEXES: dict[frozenset[Column[Any]], tuple[str, bool]] = {
    frozenset({photos.c.camera}): ("photos_by_camera", False),
    frozenset({photos.c.decided_tags}): ("photos_by_decided_tags", False),
    frozenset({photos.c.photo_class}): ("photos_by_class", True),
    frozenset({photos.c.auto_group, photos.c.human_class, photos.c.photo_class}): (
        "photos_by_group",
        True,
    ),
    **{
        frozenset({photos.c[column]}): (str(index.name), True)
        for column, index in ORDER_INDEXES.items()
    },
}
# Partial indexes, which SQLite finds by itself where they serve.
_PARTIALLY_INDEXED = (
    frozenset({photos.c.human_class}),
    frozenset({photos.c.latitude, photos.c.longitude}),
)
_COVERED = frozenset(
    getattr(expression, "element", expression)
    for expression in ORDER_INDEXES["added_at"].expressions
)


def matching(where: ColumnElement[bool], size: int, run: Callable[[Any], Numbers]) -> Mask:
    """Return which photos match a condition, as an array of ``size`` by their numbers.

    Only the values of existing photos outside the trash mean something. run: returns the numbers
    that a query selects.
    """
    if isinstance(where, Grouping):
        return matching(where.element, size, run)
    if isinstance(where, True_ | False_):
        return np.full(size, isinstance(where, True_))
    if isinstance(where, UnaryExpression) and where.operator is operators.inv:
        return ~matching(where.element, size, run)
    if isinstance(where, BooleanClauseList):
        return _combined(where, size, run)
    if _is_list(where):
        is_in = is_listed(run(_selected(where)), size)
        return is_in if where.operator is operators.in_op else ~is_in
    return is_listed(run(_numbers_where(where)), size)


def _combined(where: BooleanClauseList, size: int, run: Callable[[Any], Numbers]) -> Mask:
    parts: Sequence[Any] = where.clauses
    if where.operator is not operators.and_:
        return np.logical_or.reduce([matching(part, size, run) for part in parts])
    # Conditions on columns alone are tested at once: they need no list.
    on_columns = [part for part in parts if not _has_list(part)]
    masks = [matching(part, size, run) for part in parts if _has_list(part)]
    if on_columns:
        masks.append(is_listed(run(_numbers_where(and_(*on_columns))), size))
    return np.logical_and.reduce(masks)


def _has_list(where: ColumnElement[bool]) -> bool:
    return any(_is_list(node) for node in visitors.iterate(where))


def _is_list(node: Any) -> bool:
    """Whether a condition is that the photo's number is, or is not, among selected ones."""
    return (
        isinstance(node, BinaryExpression)
        and node.operator in (operators.in_op, operators.not_in_op)
        and node.left is photos.c.number
        and isinstance(node.right, ScalarSelect)
    )


def _selected(where: Any) -> Any:
    return where.right.element


def _numbers_where(where: ColumnElement[bool]) -> Any:
    """Return the query for the photos of a condition on columns, by a short index if there is one."""
    columns = {node for node in visitors.iterate(where) if isinstance(node, Column)}
    own = frozenset(column for column in columns if column.table is photos)
    numbers = select(photos.c.number).where(where)
    if own in _PARTIALLY_INDEXED:
        return numbers
    index, is_outside_trash = _SHORT_INDEXES.get(own, (None, True))
    if index is None and own <= _COVERED:
        index = str(ORDER_INDEXES["added_at"].name)
    if is_outside_trash:
        numbers = numbers.where(photos.c.trashed_at.is_(None))
    if index is None:
        return numbers
    return numbers.with_hint(photos, f"INDEXED BY {index}", "sqlite")
