"""Which items are done: their rows' names and versions, as hashes of 28 bytes a row."""

import hashlib
from collections.abc import Iterable
from enum import Enum

import numpy as np
import pyarrow as pa

from scene_model.scale.items import SourceItem
from scene_model.scale.parts import utf8
from scene_model.scale.reading.body import RETRIED_CODES

# Columns of a part that tell what is done.
DONE_COLUMNS = ("file", "version", "error")
_RECORD = np.dtype(
    [("first", "<u8"), ("second", "<u8"), ("version", "<u8"), ("part", "<u4"), ("retry", "?")]
)
# Versions of rows: of what a server gave without one, and of what was not read at all.
_NO_VERSION, _UNREAD = 0, 1


class ItemState(Enum):
    """What is known of an item before it is read."""

    NEW = "new"
    DONE = "done"
    CHANGED = "changed"  # or it could not be fetched: its row is taken out, and it is read again


class DoneItems:
    """The rows of finished parts by name; parts are numbered as they are added."""

    def __init__(self) -> None:
        """Begin without a part."""
        self._pieces: list[np.ndarray[tuple[int], np.dtype[np.void]]] = []
        self._sorted = np.empty(0, _RECORD)

    def add(self, part: int, rows: pa.Table) -> None:
        """Add a part's rows; rows: its `DONE_COLUMNS`."""
        records = np.empty(rows.num_rows, _RECORD)
        codes = (error and error["code"] for error in rows.column("error").to_pylist())
        files, versions = (rows.column(name).to_pylist() for name in ("file", "version"))
        for index, (file, version, code) in enumerate(zip(files, versions, codes, strict=True)):
            version_hash = _version_hash(version) or (_UNREAD if code else _NO_VERSION)
            records[index] = (*_name_hash(file), version_hash, part, code in RETRIED_CODES)
        self._pieces.append(records)

    def overlap(self, files: Iterable[str]) -> int:
        """Return how many of a part's files are done."""
        return sum(self._record(file) is not None for file in files)

    def state(self, item: SourceItem) -> ItemState:
        """Return what is known of an item. One without a version is done by its name."""
        record = self._record(utf8(item.location))
        if record is None:
            return ItemState.NEW
        version = _version_hash(item.version)
        is_other = _NO_VERSION not in (version, record["version"]) and version != record["version"]
        return ItemState.CHANGED if is_other or record["retry"] else ItemState.DONE

    def part(self, location: str) -> int:
        """Return the number of the part that has an item's row; raises KeyError."""
        record = self._record(utf8(location))
        if record is None:
            raise KeyError(location)
        return int(record["part"])

    def _record(self, file: str) -> np.void | None:
        if self._pieces:
            self._sorted = np.concatenate([self._sorted, *self._pieces])
            self._sorted.sort(order=("first", "second"))
            self._pieces = []
        first, second = _name_hash(file)
        names = self._sorted["first"]
        index = int(np.searchsorted(names, np.uint64(first)))
        while index < len(names) and names[index] == first:
            if self._sorted["second"][index] == second:
                record: np.void = self._sorted[index]
                return record
            index += 1
        return None


def _name_hash(file: str) -> tuple[int, int]:
    digest = hashlib.blake2b(file.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _version_hash(version: str) -> int:
    if not version:
        return _NO_VERSION
    digest = hashlib.blake2b(version.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") | 2
