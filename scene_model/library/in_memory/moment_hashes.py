"""A hash of when and where each photo was taken, to see at once whether any of that changed."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, select

from scene_model.library.database.schema import photos
from scene_model.library.in_memory.changes import BY_NUMBER, Kept, Numbers, listed

_QUERY = select(
    *(photos.c.number, photos.c.taken_at, photos.c.latitude, photos.c.longitude),
    *(photos.c.camera, photos.c.place_id, photos.c.place_source),
).where(photos.c.trashed_at.is_(None), photos.c.taken_at.is_not(None))
_BATCH = 10_000


@dataclass(frozen=True)
class MomentHashes:
    """hashes: by photo number; 0 for photos in the trash and those without a date."""

    hashes: npt.NDArray[np.uint64]

    def digest(self) -> str:
        """Return a text that changes with the date, position, camera or place of any photo."""
        return f"{int(self.hashes.sum(dtype=np.uint64)):016x} {np.count_nonzero(self.hashes)}"


def kept_moment_hashes(reader: Engine, version: Callable[[], int]) -> Kept[MomentHashes]:
    """Return the hashes of all photos; reader, version: as for `Kept`."""

    def read(connection: Connection) -> MomentHashes:
        hashes = np.empty(0, np.uint64)
        for rows in connection.execution_options(yield_per=_BATCH).execute(_QUERY).partitions():
            hashes = _with_hashes(hashes, rows)
        return MomentHashes(hashes)

    def update(connection: Connection, data: MomentHashes, changed: Numbers) -> MomentHashes:
        hashes = data.hashes.copy()
        hashes[changed[changed < len(hashes)]] = 0
        of_changed = _QUERY.where(photos.c.number.in_(listed(changed))).with_hint(*BY_NUMBER)
        return MomentHashes(_with_hashes(hashes, connection.execute(of_changed)))

    return Kept(reader, version, read, update)


def _with_hashes(hashes: npt.NDArray[np.uint64], rows: Iterable[Any]) -> npt.NDArray[np.uint64]:
    """Return the hashes with those of rows, in a larger array where they do not fit."""
    pairs = [(row[0], _hash(repr(tuple(row)))) for row in rows]
    if not pairs:
        return hashes
    numbers, values = zip(*pairs, strict=True)
    if max(numbers) >= len(hashes):
        hashes = np.append(hashes, np.zeros(2 * max(numbers) - len(hashes) + 1, np.uint64))
    hashes[list(numbers)] = values
    return hashes


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
