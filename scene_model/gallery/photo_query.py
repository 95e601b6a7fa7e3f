"""A query of photos, in the form that reads them from an index in the order asked for."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Index, and_
from sqlalchemy.sql import visitors

from scene_model.gallery.schema import ORDER_INDEXES, photos


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
