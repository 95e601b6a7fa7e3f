"""The numbers of all photos outside the trash, in one order."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, select

from scene_model.library.database.schema import ORDER_INDEXES, photos
from scene_model.library.in_memory.changes import (
    BY_NUMBER,
    Kept,
    Numbers,
    is_listed,
    listed,
    run_numbers,
)
from scene_model.library.sort_order import Sort, SortKey, order_by, sort_column

_Key = tuple[Any, ...]


def kept_order(reader: Engine, version: Callable[[], int], sort: Sort) -> Kept[Numbers]:
    """Return the numbers in an order by a property; reader, version: as for `Kept`."""
    in_order = (
        select(photos.c.number).where(photos.c.trashed_at.is_(None)).order_by(*order_by(sort))
    )
    index = ORDER_INDEXES[str(sort_column(sort).key)]

    def read(connection: Connection) -> Numbers:
        return run_numbers(
            connection, in_order.with_hint(photos, f"INDEXED BY {index.name}", "sqlite")
        )

    def update(connection: Connection, numbers: Numbers, changed: Numbers) -> Numbers:
        size = 1 + int(max(numbers.max(initial=0), changed.max()))
        others = numbers[~is_listed(changed, size)[numbers]]
        of_changed = in_order.where(photos.c.number.in_(listed(changed))).with_hint(*BY_NUMBER)
        moved = run_numbers(connection, of_changed)
        try:
            places = _places(connection, sort, others, moved)
        except LookupError:  # the list has a photo that the library has not
            return read(connection)
        return np.insert(others, places, moved)

    return Kept(reader, version, read, update)


def _places(connection: Connection, sort: Sort, numbers: Numbers, moved: Numbers) -> list[int]:
    """Return before which index of ``numbers`` each of ``moved`` comes; both are in the order."""
    keys = _Keys(connection, sort)
    places: list[int] = []
    low = 0
    for number in moved.tolist():
        key, high = keys.of(number), len(numbers)
        while low < high:
            middle = (low + high) // 2
            if keys.is_before(keys.of(int(numbers[middle])), key):
                low = middle + 1
            else:
                high = middle
        places.append(low)
    return places


class _Keys:
    """What photos are ordered by. Binary searches read few of them."""

    def __init__(self, connection: Connection, sort: Sort) -> None:
        self._connection = connection
        self._cursor: Any = connection.connection.driver_connection
        column = str(sort_column(sort).key)
        names = dict.fromkeys((column, "folded_name", "number"))
        self._query = f"SELECT {', '.join(names)} FROM photos WHERE number = ?"  # noqa: S608
        # The direction of ties is explained at `order_by`.
        ties = not sort.descending if sort.key is SortKey.NAME else sort.descending
        self._is_rising: Sequence[bool] = (not sort.descending, ties, ties)[-len(names) :]
        self._keys: dict[int, _Key] = {}

    def of(self, number: int) -> _Key:
        """Return the key of a photo; raises LookupError where there is no such photo."""
        if number not in self._keys:
            row = self._row(number)
            if row is None:
                raise LookupError(number)
            self._keys[number] = tuple(row)
        return self._keys[number]

    def _row(self, number: int) -> Any:
        # By the driver: SQLAlchemy takes many times as long, and there may be ten thousands.
        try:
            return self._cursor.execute(self._query, (number,)).fetchone()
        except sqlite3.Error:  # SQLAlchemy's errors are translated, see `database`
            return self._connection.exec_driver_sql(self._query, (number,)).first()

    def is_before(self, first: _Key, second: _Key) -> bool:
        """Whether the photo with the first key comes before that with the second."""
        for value, other, is_rising in zip(first, second, self._is_rising, strict=True):
            if value == other:
                continue
            if value is None or other is None:  # photos without a date come last
                return other is None
            is_smaller: bool = value < other
            return is_smaller is is_rising
        return False
