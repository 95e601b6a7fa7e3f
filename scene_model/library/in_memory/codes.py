"""The values of a few columns for all photos outside the trash, to count any photos by them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, func, select

from scene_model.library.database.schema import photos
from scene_model.library.in_memory.changes import BY_NUMBER, Kept, Numbers, listed, parsed_numbers

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Codes:
    """values: each combination that photos have. codes: its index by photo number, -1 for none."""

    values: list[Values]
    codes: Numbers

    def counts(self, numbers: Numbers) -> list[tuple[Values, int]]:
        """Count photos, given by their numbers, by their values."""
        codes = self.codes[numbers[numbers < len(self.codes)]]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.values)).tolist()
        return [(value, count) for value, count in zip(self.values, counts, strict=True) if count]


def kept_codes(
    reader: Engine,
    version: Callable[[], int],
    columns: Sequence[ColumnElement[Any]],
    index: str,
) -> Kept[Codes]:
    """Return the codes of columns or expressions of `photos`; reader, version: as for `Kept`.

    index: of `photos`; it has all of them, and lists the photos by their values.
    """
    of_photo = select(*columns, photos.c.number).where(photos.c.trashed_at.is_(None))

    def read(connection: Connection) -> Codes:
        grouped = (
            select(*columns, func.group_concat(photos.c.number))
            .with_hint(photos, f"INDEXED BY {index}", "sqlite")
            .where(photos.c.trashed_at.is_(None))
            .group_by(*columns)
        )
        values: list[Values] = []
        numbers: list[Numbers] = []
        for *value, text in connection.execute(grouped):
            values.append(tuple(value))
            numbers.append(parsed_numbers(text))
        return _assigned(Codes(values, np.empty(0, np.int32)), numbers)

    def update(connection: Connection, data: Codes, changed: Numbers) -> Codes:
        codes = data.codes.copy()
        codes[changed[changed < len(codes)]] = -1
        of_changed = of_photo.where(photos.c.number.in_(listed(changed))).with_hint(*BY_NUMBER)
        rows = connection.execute(of_changed).all()
        by_value: dict[Values, list[int]] = {value: [] for value in data.values}
        for *value, number in rows:
            by_value.setdefault(tuple(value), []).append(number)
        numbers = [np.array(each, np.int32) for each in by_value.values()]
        return _assigned(Codes(list(by_value), codes), numbers)

    return Kept(reader, version, read, update)


def _assigned(data: Codes, numbers: Sequence[Numbers]) -> Codes:
    """Return the codes after the n-th value was given to the photos of the n-th numbers."""
    highest = max((int(each.max()) for each in numbers if len(each)), default=-1)
    codes = np.full(max(len(data.codes), highest + 1), -1, np.int32)
    codes[: len(data.codes)] = data.codes
    for code, each in enumerate(numbers):
        codes[each] = code
    return Codes(data.values, codes)
