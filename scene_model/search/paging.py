"""Page after page by a cursor: nothing comes twice or is left out while photos are added."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from scene_model.errors import InvalidCursor
from scene_model.library.photo_query import filter_photos
from scene_model.library.schema import photos
from scene_model.library.sort_order import Sort, SortKey, order_by, sort_column
from scene_model.library.store import Library


@dataclass(frozen=True)
class Cursor:
    """The last photo of a page: what it was put in order by, and its ties."""

    value: str | float | int | None
    folded_name: str
    number: int


@dataclass(frozen=True)
class Page:
    """Ids of some photos, and where the next page begins; None at the end."""

    ids: tuple[str, ...]
    next_cursor: str | None


def page_after(
    library: Library,
    where: ColumnElement[bool] | None,
    sort: Sort,
    cursor: str | None,
    size: int,
) -> Page:
    """The photos after a cursor, at most ``size``; raises InvalidCursor."""
    conditions = [] if where is None else [where]
    if cursor is not None:
        conditions.append(_comes_after(sort, read_cursor(cursor, sort)))
    order = order_by(sort)
    columns = (photos.c.id, sort_column(sort), photos.c.folded_name, photos.c.number)
    condition = and_(*conditions) if conditions else None
    query = filter_photos(select(*columns), condition, trashed=False, order=order)
    with library.database.reader.begin() as connection:
        rows = connection.execute(query.order_by(*order).limit(size + 1)).all()
    shown = rows[:size]
    if len(rows) <= size:
        return Page(tuple(row[0] for row in shown), None)
    return Page(tuple(row[0] for row in shown), write_cursor(Cursor(*shown[-1][1:]), sort))


def write_cursor(cursor: Cursor, sort: Sort) -> str:
    """Write a cursor as text for one order."""
    parts = [str(sort), cursor.value, cursor.folded_name, cursor.number]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(text: str, sort: Sort) -> Cursor:
    """Read what `write_cursor` wrote; raises InvalidCursor."""
    try:
        padded = text + "=" * (-len(text) % 4)
        decoded = base64.urlsafe_b64decode(padded)
        order, value, name, number = json.loads(decoded)
        f"{value}{name}".encode()  # no half of a surrogate pair, which no database takes
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidCursor("The cursor cannot be read. Begin again without one.") from error
    kinds: dict[SortKey, tuple[type, ...]] = {
        SortKey.SCORE: (float, int),
        SortKey.SIZE: (int,),
        SortKey.TAKEN: (str, type(None)),
    }
    fits = (
        isinstance(value, kinds.get(sort.key, (str,)))
        and isinstance(name, str)
        and isinstance(number, int)
        and abs(number) < 2**63
        and not (isinstance(value, int) and abs(value) >= 2**63)
    )
    if order != str(sort) or not fits:
        raise InvalidCursor("The cursor belongs to another order. Begin again without one.")
    return Cursor(value, name, number)


def _comes_after(sort: Sort, last: Cursor) -> ColumnElement[bool]:
    """What `order_by` puts behind a photo, in SQL."""
    column, name, number = sort_column(sort), photos.c.folded_name, photos.c.number
    # Names go with the order; other ties fall the other way: see `order_by`.
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
    behind = [after, and_(column == last.value, tie)]
    if sort.key is SortKey.TAKEN:
        behind.append(column.is_(None))
    return or_(*behind)


def _beyond(column: ColumnElement[Any], value: Any, is_rising: bool) -> ColumnElement[bool]:
    beyond: ColumnElement[bool] = column > value if is_rising else column < value
    return beyond
