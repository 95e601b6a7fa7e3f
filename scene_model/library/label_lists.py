"""SQL conditions that a column is one of many labels."""

import functools
import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, func, select

# A kind has hundreds of labels, a query has many words, and SQLite limits the bound values.
_MAX_BOUND = 50


def is_one_of(column: ColumnElement[Any], labels: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of the labels; many are bound as one value."""
    if len(labels) <= _MAX_BOUND:
        return column.in_(sorted(labels))
    listed = func.json_each(json.dumps(sorted(labels))).table_valued("value")
    return column.in_(select(listed.c.value))


@functools.cache
def distinct_texts(column: Column[Any]) -> Select[tuple[str]]:
    """Select the distinct texts of an indexed column, with one look-up for each of them."""
    texts = select(func.min(column).label("text")).cte(recursive=True)
    others = column.table.alias()
    following = select(func.min(others.c[column.name])).where(others.c[column.name] > texts.c.text)
    texts = texts.union_all(select(following.scalar_subquery()).where(texts.c.text.is_not(None)))
    return select(texts.c.text).where(texts.c.text.is_not(None))
