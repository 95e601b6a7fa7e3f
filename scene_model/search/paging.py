"""Keyset paging: photos added meanwhile neither repeat nor skip a photo."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, or_, select

from scene_model.errors import InvalidCursor
from scene_model.library.database.schema import photos
from scene_model.library.photo_query import IdsInOrder, filter_photos
from scene_model.library.sort_order import NEWEST_ADDED, Sort, SortKey, order_by, sort_column
from scene_model.library.store import Library


@dataclass(frozen=True)
class Cursor:
    """The sort key of the last photo on a page. value: of the sorted column; the rest are ties.

    added_at: only in the order by match, where it comes before the name.
    """

    value: str | float | int | None
    folded_name: str
    number: int
    added_at: str | None = None


@dataclass(frozen=True)
class Page:
    """Ids of the photos on a page. next_cursor: for the next page; None on the last page."""

    ids: tuple[str, ...]
    next_cursor: str | None


def page_after(
    library: Library,
    where: ColumnElement[bool] | None,
    sort: Sort,
    cursor: str | None,
    size: int,
) -> Page:
    """Return at most ``size`` photos after a cursor, None for the first; raises InvalidCursor."""
    if sort.scores is not None:
        return _page_of_scores(library, where, sort, cursor, size)
    conditions = [] if where is None else [where]
    if cursor is not None:
        conditions.append(_comes_after(sort, read_cursor(cursor, sort)))
    order = order_by(sort)
    columns = [photos.c.id, sort_column(sort), photos.c.folded_name, photos.c.number]
    if sort.key is SortKey.MATCH:
        columns.append(photos.c.added_at)
    condition = and_(*conditions) if conditions else None
    query = filter_photos(select(*columns), condition, trashed=False, sort=sort)
    with library.database.reader.begin() as connection:
        rows = connection.execute(query.order_by(*order).limit(size + 1)).all()
    ids = tuple(row[0] for row in rows[:size])
    if len(rows) <= size:
        return Page(ids, None)
    return Page(ids, write_cursor(Cursor(*rows[size - 1][1:]), sort))


def _page_of_scores(
    library: Library,
    where: ColumnElement[bool] | None,
    sort: Sort,
    cursor: str | None,
    size: int,
) -> Page:
    """Page through the order by sentences, which no SQL knows; the cursor holds the last photo.

    Photos added meanwhile before it do not count; where it is gone, the page goes on at its place.
    """
    ordered, scores = library.numbers_in_order(where, sort)
    start = 0
    if cursor is not None:
        last = read_cursor(cursor, sort)
        places = np.flatnonzero(ordered == last.number)
        if len(places):
            start = int(places[0]) + 1
        else:
            start = int(np.searchsorted(-scores, -float(last.value or 0.0), side="right"))
    end = start + size
    ids = tuple(IdsInOrder(library.database, ordered[start:end]))
    if end >= len(ordered):
        return Page(ids, None)
    last_photo = Cursor(float(scores[end - 1]), "", int(ordered[end - 1]), "")
    return Page(ids, write_cursor(last_photo, sort))


def write_cursor(cursor: Cursor, sort: Sort) -> str:
    """Encode a cursor as URL-safe text; it is valid for this order only."""
    parts = [str(sort), cursor.value, cursor.folded_name, cursor.number]
    if cursor.added_at is not None:
        parts.append(cursor.added_at)
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(text: str, sort: Sort) -> Cursor:
    """Decode the text of `write_cursor`; raises InvalidCursor."""
    try:
        padded = text + "=" * (-len(text) % 4)
        decoded = base64.urlsafe_b64decode(padded)
        order, value, name, number, *more = json.loads(decoded)
        f"{value}{name}{more}".encode()  # a lone surrogate raises here; SQLite cannot bind it
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCursor("The cursor is not valid. Start again without a cursor.") from error
    kinds: dict[SortKey, tuple[type, ...]] = {
        SortKey.SCORE: (float, int),
        SortKey.SIZE: (int,),
        SortKey.TAKEN: (str, type(None)),
        SortKey.MATCH: (float, int),
        SortKey.ALBUM: (int,),
    }
    added_at = more[0] if sort.key is SortKey.MATCH and len(more) == 1 else None
    fits = (
        isinstance(value, kinds.get(sort.key, (str,)))
        and isinstance(name, str)
        and isinstance(number, int)
        and abs(number) < 2**63
        and not (isinstance(value, int) and abs(value) >= 2**63)
        and (isinstance(added_at, str) if sort.key is SortKey.MATCH else not more)
    )
    if order != str(sort) or not fits:
        raise InvalidCursor("The cursor was made for another order. Start again without a cursor.")
    return Cursor(value, name, number, added_at)


def _comes_after(sort: Sort, last: Cursor) -> ColumnElement[bool]:
    """Return the condition that `order_by` sorts a photo after the cursor."""
    if sort.key is SortKey.MATCH:
        newest = Cursor(last.added_at, last.folded_name, last.number)
        score = sort_column(sort)
        tie = and_(score == last.value, _comes_after(NEWEST_ADDED, newest))
        return or_(score < last.value, tie)
    column, name, number = sort_column(sort), photos.c.folded_name, photos.c.number
    if sort.key is SortKey.ALBUM:
        return or_(column > last.value, and_(column == last.value, number > last.number))
    # Ties of an order by name have its direction, all others the opposite one: see `order_by`.
    is_rising = not sort.descending if sort.key is SortKey.NAME else sort.descending
    tie = or_(
        _beyond(name, last.folded_name, is_rising),
        and_(name == last.folded_name, _beyond(number, last.number, is_rising)),
    )
    if sort.key is SortKey.NAME:
        return tie
    if last.value is None:
        return and_(column.is_(None), tie)
    after = _beyond(column, last.value, not sort.descending)
    conditions = [after, and_(column == last.value, tie)]
    if sort.key is SortKey.TAKEN:
        conditions.append(column.is_(None))  # photos without a date come last
    return or_(*conditions)


def _beyond(column: ColumnElement[Any], value: Any, is_rising: bool) -> ColumnElement[bool]:
    beyond: ColumnElement[bool] = column > value if is_rising else column < value
    return beyond
