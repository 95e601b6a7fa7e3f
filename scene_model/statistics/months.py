"""Number of photos in each month."""

import json
from collections import Counter
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, select

from scene_model.library.photo_query import filter_photos
from scene_model.library.schema import photos
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.store import Library


def count_by_month(
    library: Library,
    where: ColumnElement[bool] | None,
    date: Literal["taken", "added"],
    descending: bool,
) -> list[tuple[str, int]]:
    """Count the tiles that match a condition by month, in the order of the dates.

    Months are ``2024-07``. Photos without a date come last, under an empty text.
    """
    column = photos.c.taken_at if date == "taken" else photos.c.added_at
    month = func.coalesce(func.substr(column, 1, 7), "")
    sort = Sort(SortKey(date), descending)
    query = filter_photos(_months(month), where, trashed=False, sort=sort)
    counts = Counter(dict(library.pairs(query.group_by(month))))
    hidden = library.hidden_numbers(where)
    if hidden:
        rows = func.json_each(json.dumps(hidden)).table_valued("value")
        of_hidden = _months(month).where(
            photos.c.number.in_(select(rows.c.value)), photos.c.trashed_at.is_(None)
        )
        counts -= Counter(dict(library.pairs(of_hidden.group_by(month))))
    months = sorted((m for m in counts if m), reverse=descending)
    return [(m, counts[m]) for m in (*months, "") if m in counts]


def _months(month: ColumnElement[str]) -> Any:
    return select(month, func.count())
