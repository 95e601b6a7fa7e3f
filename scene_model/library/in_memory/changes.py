"""Data of all photos that is read once, and afterwards only for the photos that changed.

Triggers list the changed photos in the table `photo_changes`, whichever process changed them.
"""

import json
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, func, select

from scene_model.library.database.schema import photo_changes, photos

Numbers = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Data = TypeVar("Data")

# To read all photos anew takes less time than to look up more than these.
MOST_CHANGES = 2_000
# As text: they are run for each part of a condition.
_LATEST = f"SELECT coalesce(max(seq), 0) FROM {photo_changes.name}"  # noqa: S608 - our own name
_AFTER = f"SELECT photo FROM {photo_changes.name} WHERE seq > ?"  # noqa: S608
# SQLite looks photos up by their numbers then. It may take an index of an order instead, and test
# for each photo of the library whether it is among them.
BY_NUMBER = (photos, "NOT INDEXED", "sqlite")


class Kept(Generic[Data]):
    """Data of all photos that follows the library; thread-safe.

    The data itself must not be changed in place: others may be reading it.
    """

    def __init__(
        self,
        reader: Engine,
        version: Callable[[], int],
        read: Callable[[Connection], Data],
        update: Callable[[Connection, Data, Numbers], Data],
        follows_all: bool = True,
    ) -> None:
        """version: a number that changes whenever any process writes to the library.

        read: reads the data of all photos. update: returns the data with that of changed photos
        read again; they are given by their numbers, and some may exist no more.
        """
        self._reader, self._library_version = reader, version
        self._read, self._update, self._follows_all = read, update, follows_all
        self._lock = threading.Lock()
        self._version: int | None = None
        self._seq = 0
        self._data: Data | None = None

    def get(self) -> Data:
        """Return the data as it is now."""
        with self._lock:
            # Read before the changes: one in between is read at the next call.
            version = self._library_version()
            if self._data is None or version != self._version:
                with self._reader.begin() as connection:
                    self._data = self._current(connection)
                self._version = version
            return self._data

    def _current(self, connection: Connection) -> Data:
        if self._data is None or not self._follows_all:
            self._seq = int(connection.exec_driver_sql(_LATEST).scalar_one())
            return self._read(connection)
        seq, changed = changed_since(connection, self._seq, MOST_CHANGES)
        if changed is None:
            data = self._read(connection)
        elif len(changed):
            data = self._update(connection, self._data, changed)
        else:
            data = self._data
        self._seq = seq
        return data


def changed_since(connection: Connection, seq: int, most: int) -> tuple[int, Numbers | None]:
    """Return the number of the latest change, and the photos that changed after ``seq``.

    None: there were more changes than ``most``, which is at most `KEPT_CHANGES`.
    """
    latest = int(connection.exec_driver_sql(_LATEST).scalar_one())
    if latest - seq > most or latest < seq:
        return latest, None
    if latest == seq:
        return latest, np.empty(0, np.int32)
    rows = connection.exec_driver_sql(_AFTER, (seq,)).scalars()
    return latest, np.unique(np.fromiter(rows, np.int32))


def run_numbers(connection: Connection, query: Any) -> Numbers:
    """Return the numbers that a query selects as its only column, in its order.

    They are fetched as one text: fetching a million rows would take longer than finding them.
    """
    column = query.subquery()
    text = connection.execute(select(func.group_concat(column.c[0]))).scalar_one()
    return parsed_numbers(text)


def parsed_numbers(text: str | None) -> Numbers:
    """Return the numbers in the result of SQL's ``group_concat``."""
    return np.fromstring(text or "", np.int32, sep=",")


def listed(numbers: Numbers) -> Any:
    """Return a query for numbers that are bound as one value."""
    return select(func.json_each(json.dumps(numbers.tolist())).table_valued("value").c.value)


def is_listed(numbers: Numbers, size: int) -> Mask:
    """Return an array of ``size`` that is true at the numbers."""
    mask = np.zeros(size, np.bool_)
    mask[numbers[numbers < size]] = True
    return mask


def resized(mask: Mask, size: int) -> Mask:
    """Return an array of ``size`` with the values of another, and False after its end."""
    if len(mask) >= size:
        return mask[:size]
    result = np.zeros(size, np.bool_)
    result[: len(mask)] = mask
    return result
