"""The photos of a query as they stood when it was asked, without a list of a million ids."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from scene_model.gallery.database import Database
from scene_model.gallery.schema import photos

BATCH = 500  # SQLite takes only so many bound values

Item = TypeVar("Item")


class IdsInOrder:
    """Ids of photos, which can be gone through again and again; eight bytes each are kept.

    A photo that is removed for good meanwhile is passed over.
    """

    def __init__(self, database: Database, numbers: npt.NDArray[np.int64]) -> None:
        """numbers: of the photos, in order."""
        self._database, self._numbers = database, numbers

    def __len__(self) -> int:
        """How many there were when the query was asked."""
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        """Yield the ids, asking for some hundreds at a time."""
        for start in range(0, len(self._numbers), BATCH):
            numbers = self._numbers[start : start + BATCH].tolist()
            wanted = select(photos.c.number, photos.c.id).where(photos.c.number.in_(numbers))
            with self._database.reader.begin() as connection:
                ids = {row.number: row.id for row in connection.execute(wanted)}
            yield from (ids[number] for number in numbers if number in ids)


def in_batches(items: Iterable[Item], size: int = BATCH) -> Iterator[list[Item]]:
    """Yield lists of at most ``size`` items."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
