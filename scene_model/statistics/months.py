"""Number of photos in each month."""

from typing import Literal

from sqlalchemy import ColumnElement

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
    counts = library.columns.months[date].get().counts(library.tile_numbers(where))
    by_month = {month: count for (month,), count in counts}
    months = sorted((month for month in by_month if month), reverse=descending)
    return [(month, by_month[month]) for month in (*months, "") if month in by_month]
