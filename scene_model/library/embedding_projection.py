"""Short vectors for all embeddings of a large library, to search them in milliseconds.

LIBRARY/embeddings/a3a1de3891611d38-2560.near

Each embedding, divided by its length, is projected on its `DIMENSIONS` main directions; the dot
product of two such vectors is nearly the cosine of the embeddings. The file is made when it is
needed for the first time: a header, the directions, and a vector per slot as float32. It can be
deleted at any time. Photos that changed since it was written are in `photo_changes`.
"""

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.library.file_system import PRIVATE_MODE
from scene_model.library.in_memory.changes import Numbers, changed_since, listed
from scene_model.library.schema import backbone_embeddings, photos
from scene_model.library.store import Library
from scene_model.library.triggers import KEPT_CHANGES

DIMENSIONS = 96
_VERSION, _HEADER_BYTES = 1, 4096
_SAMPLE, _CHUNK_ROWS = 8_192, 4_096
# More changed photos are written into the file, instead of being compared at every search.
_MOST_COMPARED = 2_000
# The directions are found anew when the library has grown by this factor.
_GROWTH = 4
_writing = threading.Lock()


@dataclass(frozen=True)
class Projection:
    """vectors: (slots, DIMENSIONS) float32, memory-mapped. directions: (size, DIMENSIONS).

    changed: photos, by number, whose vectors may be out of date or missing.
    """

    vectors: FloatArray
    directions: FloatArray
    changed: Numbers

    def nearest(self, unit_vector: FloatArray, count: int) -> list[int]:
        """Return the slots whose vectors are nearest to an embedding of length 1, in no order."""
        if count >= len(self.vectors):
            return list(range(len(self.vectors)))
        similarities = self.vectors @ (unit_vector @ self.directions)
        slots: list[int] = np.argpartition(-similarities, count)[:count].tolist()
        return slots


@dataclass(frozen=True)
class _Header:
    """sampled: slots when the directions were found. seq: the last change that is in the file."""

    version: int
    database: int
    size: int
    slots: int
    sampled: int
    seq: int


def open_projection(library: Library, file: str) -> Projection:
    """Return the projection of an embedding file, made or written anew where needed.

    Raises OSError where it cannot be written.
    """
    with _writing:
        header = _read_header(library, file)
        seq, changed = _changes(library, 0 if header is None else header.seq)
        if header is None or changed is None:
            header, changed = _make(library, file, seq), None
        elif len(changed) > _MOST_COMPARED:
            header, changed = _rewrite(library, file, header, seq, changed), None
        vectors, directions = _mapped(library, file, header)
    return Projection(vectors, directions, np.empty(0, np.int32) if changed is None else changed)


def _path(library: Library, file: str) -> Path:
    return library.embeddings.folder / f"{file}.near"


def _read_header(library: Library, file: str) -> _Header | None:
    """Return the header of a file of this version and database; None where there is none."""
    path = _path(library, file)
    try:
        with path.open("rb") as stream:
            header = _Header(**json.loads(stream.read(_HEADER_BYTES)))
        is_whole = path.stat().st_size == _HEADER_BYTES + 4 * DIMENSIONS * (
            header.size + header.slots
        )
    except (OSError, ValueError, TypeError):
        return None
    is_ours = (header.version, header.database) == (_VERSION, _database(library))
    has_grown = library.embeddings.slot_count(file) > _GROWTH * header.sampled
    return header if is_whole and is_ours and not has_grown else None


def _database(library: Library) -> int:
    """Return what differs after the database was replaced by another, such as a copy."""
    return library.database_file.stat().st_ino


def _changes(library: Library, seq: int) -> tuple[int, Numbers | None]:
    with library.database.reader.begin() as connection:
        return changed_since(connection, seq, KEPT_CHANGES)


def _mapped(library: Library, file: str, header: _Header) -> tuple[FloatArray, FloatArray]:
    mapped = np.memmap(_path(library, file), np.float32, "r", _HEADER_BYTES)
    values: FloatArray = mapped.reshape(header.size + header.slots, DIMENSIONS)
    return values[header.size :], np.array(values[: header.size])


def _make(library: Library, file: str, seq: int) -> _Header:
    """Write the file with the vectors of all slots. seq: the last change before."""
    slots = library.embeddings.slot_count(file)
    step = max(1, slots // _SAMPLE)
    sample = _unit(library.embeddings.rows(file, range(0, slots, step)[:_SAMPLE]))
    _, vectors = np.linalg.eigh(sample.T @ sample)
    directions = np.ascontiguousarray(vectors[:, ::-1][:, :DIMENSIONS], np.float32)
    header = _Header(_VERSION, _database(library), len(directions), slots, slots, seq)
    with _new_file(library, file, header, directions) as stream:
        for start in range(0, slots, _CHUNK_ROWS):
            chunk = slice(start, min(slots, start + _CHUNK_ROWS))
            stream.write(_projected(library, file, directions, chunk).tobytes())
    return header


def _rewrite(library: Library, file: str, old: _Header, seq: int, changed: Numbers) -> _Header:
    """Write the file anew: vectors of changed photos and new slots, the others as before."""
    vectors, directions = _mapped(library, file, old)
    slots = library.embeddings.slot_count(file)
    own = select(photos.c.embedding_slot).where(
        photos.c.number.in_(listed(changed)), photos.c.embedding_file == file
    )
    beside = select(backbone_embeddings.c.slot).where(
        backbone_embeddings.c.photo.in_(listed(changed)), backbone_embeddings.c.file == file
    )
    with library.database.reader.begin() as connection:
        written = connection.execute(own.union_all(beside)).scalars()
        stale = sorted(slot for slot in written if slot < old.slots)
    updated = np.array(vectors)
    if stale:
        updated[stale] = _projected(library, file, directions, stale)
    header = _Header(_VERSION, old.database, old.size, slots, old.sampled, seq)
    with _new_file(library, file, header, directions) as stream:
        stream.write(updated.tobytes())
        for start in range(old.slots, slots, _CHUNK_ROWS):
            chunk = slice(start, min(slots, start + _CHUNK_ROWS))
            stream.write(_projected(library, file, directions, chunk).tobytes())
    return header


@contextlib.contextmanager
def _new_file(
    library: Library, file: str, header: _Header, directions: FloatArray
) -> Iterator[IO[bytes]]:
    """Open a file that replaces the current one once it is whole."""
    temporary = library.folder / "new" / secrets.token_hex(16)
    try:
        temporary.touch(PRIVATE_MODE, exist_ok=False)
        with temporary.open("r+b") as stream:
            stream.write(json.dumps(vars(header)).encode().ljust(_HEADER_BYTES))
            stream.write(directions.tobytes())
            yield stream
        temporary.replace(_path(library, file))
    finally:
        temporary.unlink(missing_ok=True)


def _projected(
    library: Library, file: str, directions: FloatArray, slots: slice | list[int]
) -> FloatArray:
    result: FloatArray = _unit(library.embeddings.rows(file, slots)) @ directions
    return result


def _unit(embeddings: FloatArray) -> FloatArray:
    lengths = np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-6)
    result: FloatArray = embeddings / lengths
    return result
