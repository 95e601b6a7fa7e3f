"""Short vectors for all embeddings of a large library, to search them in milliseconds.

LIBRARY/embeddings/a3a1de3891611d38-2560.TOKEN.near

Each embedding, divided by its length, is projected on its `DIMENSIONS` main directions; the dot
product of two such vectors is nearly the cosine of the embeddings. The file is made when it is
needed for the first time: a header, the directions, and a vector per slot as float32. It can be
deleted at any time. Photos that changed since it was written are in `photo_changes`.

A file never changes: another one, with a new random token, takes its place, because Windows does
not replace a file that is mapped. The database stores the token of the current file, so that
another database in the folder never uses it.
"""

import contextlib
import json
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.errors import LibraryError
from scene_model.library.database.schema import backbone_embeddings, photos
from scene_model.library.database.triggers import KEPT_CHANGES
from scene_model.library.files.file_system import PRIVATE_MODE
from scene_model.library.in_memory.changes import Numbers, changed_since, listed
from scene_model.library.store import Library

DIMENSIONS = 96
_VERSION, _HEADER_BYTES = 2, 4096
_SAMPLE, _CHUNK_ROWS = 8_192, 4_096
# More changed photos are written into the file, instead of being compared at every search.
_MOST_COMPARED = 2_000
# The directions are found anew when the library has grown by this factor.
_GROWTH = 4
_TOKEN = re.compile(r"[0-9a-f]{32}")

logger = logging.getLogger(__name__)


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
    size: int
    slots: int
    sampled: int
    seq: int


@dataclass(frozen=True)
class _Mapped:
    header: _Header
    vectors: FloatArray
    directions: FloatArray


def open_projection(library: Library, file: str) -> Projection:
    """Return the projection of an embedding file, made or written anew where needed.

    Raises OSError or LibraryError where it cannot be made.
    """
    with library.projection_lock:
        # Again, because another process may have replaced the file just now.
        current = _current(library, file) or _current(library, file)
        seq, changed = _changes(library, 0 if current is None else current.header.seq)
        if current is None or changed is None:
            current, changed = _make(library, file, seq), np.empty(0, np.int32)
        elif len(changed) > _MOST_COMPARED:
            try:
                current = _rewrite(library, file, current, seq, changed)
                changed = np.empty(0, np.int32)
            except (OSError, LibraryError) as error:
                logger.warning("the short vectors of %s stay as they are: %s", file, error)
    return Projection(current.vectors, current.directions, changed)


def _choice(file: str) -> str:
    """Return the name of the choice that stores the token of the current file."""
    return f"projection {file}"


def _path(library: Library, file: str, token: str) -> Path:
    return library.embeddings.folder / f"{file}.{token}.near"


def _current(library: Library, file: str) -> _Mapped | None:
    """Return the current file; None where there is none, or the library has grown much."""
    token = library.choice(_choice(file))
    if token is None or not _TOKEN.fullmatch(token):
        return None
    try:
        mapped = _mapped(_path(library, file, token))
    except (OSError, ValueError, TypeError):
        return None
    has_grown = library.embeddings.slot_count(file) > _GROWTH * mapped.header.sampled
    return None if has_grown else mapped


def _mapped(path: Path) -> _Mapped:
    """Map a file; raises OSError, and ValueError or TypeError for one that is damaged."""
    content = np.memmap(path, np.uint8, "r")
    header = _Header(**json.loads(content[:_HEADER_BYTES].tobytes()))
    if header.version != _VERSION:
        raise ValueError(f"the file has version {header.version!r}")
    values: FloatArray = content[_HEADER_BYTES:].view(np.float32)
    values = values.reshape(header.size + header.slots, DIMENSIONS)
    return _Mapped(header, values[header.size :], np.array(values[: header.size]))


def _changes(library: Library, seq: int) -> tuple[int, Numbers | None]:
    with library.database.reader.begin() as connection:
        return changed_since(connection, seq, KEPT_CHANGES)


def _make(library: Library, file: str, seq: int) -> _Mapped:
    """Write a file with the vectors of all slots. seq: the last change before."""
    slots = library.embeddings.slot_count(file)
    step = max(1, slots // _SAMPLE)
    sample = _unit(library.embeddings.rows(file, range(0, slots, step)[:_SAMPLE]))
    _, vectors = np.linalg.eigh(sample.T @ sample)
    directions = np.ascontiguousarray(vectors[:, ::-1][:, :DIMENSIONS], np.float32)
    header = _Header(_VERSION, len(directions), slots, slots, seq)
    return _write(library, file, header, directions, np.empty((0, DIMENSIONS), np.float32))


def _rewrite(library: Library, file: str, old: _Mapped, seq: int, changed: Numbers) -> _Mapped:
    """Write a file with new vectors of changed photos and new slots, the others as before."""
    slots = library.embeddings.slot_count(file)
    own = select(photos.c.embedding_slot).where(
        photos.c.number.in_(listed(changed)), photos.c.embedding_file == file
    )
    beside = select(backbone_embeddings.c.slot).where(
        backbone_embeddings.c.photo.in_(listed(changed)), backbone_embeddings.c.file == file
    )
    with library.database.reader.begin() as connection:
        written = connection.execute(own.union_all(beside)).scalars()
        stale = sorted(slot for slot in written if slot < old.header.slots)
    updated = np.array(old.vectors)
    if stale:
        updated[stale] = _projected(library, file, old.directions, stale)
    header = _Header(_VERSION, old.header.size, slots, old.header.sampled, seq)
    return _write(library, file, header, old.directions, updated)


def _write(
    library: Library,
    file: str,
    header: _Header,
    directions: FloatArray,
    vectors: FloatArray,
) -> _Mapped:
    """Write a new file, make it the current one, and remove the others.

    vectors: those of the first slots; the others are computed.
    """
    library.require_space(_HEADER_BYTES + 4 * DIMENSIONS * (header.size + header.slots))
    token = secrets.token_hex(16)
    temporary, path = library.folder / "new" / token, _path(library, file, token)
    try:
        temporary.touch(PRIVATE_MODE, exist_ok=False)
        with temporary.open("r+b") as stream:
            stream.write(json.dumps(vars(header)).encode().ljust(_HEADER_BYTES))
            new = _computed(library, file, directions, range(len(vectors), header.slots))
            for rows in chain((directions, vectors), new):
                stream.write(rows.tobytes())
        temporary.rename(path)
        library.choose(_choice(file), token)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    for other in library.embeddings.projections(file):
        if other != path:
            with contextlib.suppress(OSError):  # Windows keeps a file that is mapped
                other.unlink()
    return _mapped(path)


def _computed(
    library: Library, file: str, directions: FloatArray, slots: range
) -> Iterator[FloatArray]:
    for start in slots[::_CHUNK_ROWS]:
        chunk = slice(start, min(slots.stop, start + _CHUNK_ROWS))
        yield _projected(library, file, directions, chunk)


def _projected(
    library: Library, file: str, directions: FloatArray, slots: slice | list[int]
) -> FloatArray:
    result: FloatArray = _unit(library.embeddings.rows(file, slots)) @ directions
    return result


def _unit(embeddings: FloatArray) -> FloatArray:
    lengths = np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-6)
    result: FloatArray = embeddings / lengths
    return result
