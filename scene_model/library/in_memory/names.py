"""The file names of all photos as one text, to find those that contain another text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, func, select

from scene_model.library.database.schema import photos
from scene_model.library.in_memory.changes import (
    BY_NUMBER,
    Kept,
    Mask,
    Numbers,
    is_listed,
    listed,
    parsed_numbers,
)

_END = "\n"
# More occurrences than these are found sooner by comparing arrays.
_FEW = 20_000
# All names are read anew after more names were appended than this, and than this share of them.
MANY_APPENDED, _MOST_APPENDED = 1_000, 0.1


@dataclass(frozen=True)
class Names:
    """text: the folded names in UTF-8, each after a line break, which no name contains itself.

    starts: where the line of each name begins. numbers: its photo; -1 if it is out of date.
    appended: how many names were appended since all were read.
    """

    text: bytes
    starts: npt.NDArray[np.int64]
    numbers: Numbers
    appended: int = 0

    def containing(self, folded: str) -> Numbers:
        """Return the photos whose folded name contains a text, which has no line break."""
        part = folded.encode()
        if not part:
            return self.numbers[self.numbers >= 0]
        places = np.fromiter(islice(_places(self.text, part), _FEW), np.int64)
        if len(places) < _FEW:
            numbers = self.numbers[np.searchsorted(self.starts, places, "right") - 1]
        else:
            numbers = self.numbers[_lines_with(self.text, self.starts, part)]
        return numbers[numbers >= 0]


def kept_names(reader: Engine, version: Callable[[], int]) -> Kept[Names]:
    """Return the names of all photos, the trash included; reader, version: as for `Kept`."""
    # A line break in a name is a space here.
    name = func.replace(photos.c.folded_name, _END, " ")
    query = select(func.group_concat(photos.c.number), func.group_concat(name, _END))

    def read(connection: Connection) -> Names:
        return _names(*connection.execute(query).one())

    def update(connection: Connection, data: Names, changed: Numbers) -> Names:
        if data.appended > max(MANY_APPENDED, _MOST_APPENDED * len(data.numbers)):
            return read(connection)
        of_changed = query.where(photos.c.number.in_(listed(changed))).with_hint(*BY_NUMBER)
        new = _names(*connection.execute(of_changed).one())
        size = 1 + int(max(data.numbers.max(initial=0), changed.max()))
        is_current = ~is_listed(changed, size)[data.numbers]
        return Names(
            data.text + new.text,
            np.append(data.starts, new.starts + len(data.text)),
            np.append(np.where(is_current, data.numbers, np.int32(-1)), new.numbers),
            data.appended + len(new.numbers),
        )

    return Kept(reader, version, read, update)


def _names(numbers: str | None, names: str | None) -> Names:
    text = b"" if names is None else (_END + names).encode()
    starts = np.flatnonzero(np.frombuffer(text, np.uint8) == ord(_END))
    return Names(text, starts, parsed_numbers(numbers))


def _places(text: bytes, part: bytes) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + 1)


def _lines_with(text: bytes, starts: npt.NDArray[np.int64], part: bytes) -> Mask:
    octets = np.frombuffer(text, np.uint8)
    is_match = np.zeros(len(octets), np.bool_)
    count = len(octets) - len(part) + 1
    is_match[:count] = octets[:count] == part[0]
    for offset, octet in enumerate(part[1:], start=1):
        is_match[:count] &= octets[offset : offset + count] == octet
    lines: Mask = np.logical_or.reduceat(is_match, starts)
    return lines
