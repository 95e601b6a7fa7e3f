"""Read the embeddings of many photos in chunks, with their ids."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, func, select, union_all

from scene_model.classifier.bundle import FloatArray
from scene_model.library.database.schema import backbone_embeddings, photos
from scene_model.library.edits import chosen_ids
from scene_model.library.embeddings.embedding_files import file_name
from scene_model.library.in_memory.changes import Numbers, listed
from scene_model.library.store import Library

_CHUNK_ROWS = 2048


@dataclass(frozen=True)
class EmbeddingChunk:
    """Embeddings of N photos: shape (N, size), float32, in the order of ids and numbers."""

    ids: list[str]
    numbers: npt.NDArray[np.int64]
    embeddings: FloatArray


def scan_embeddings(
    library: Library,
    backbone: str | None,
    size: int,
    only: Sequence[str] | None = None,
    trashed: bool = False,
) -> Iterator[EmbeddingChunk]:
    """Yield the embeddings that a network made, photos' own and those beside them, in slot order.

    size: values of one embedding. only: ids to restrict the scan to. trashed: include photos in
    the trash. A photo whose slot is beyond the end of the file is skipped.
    """
    file = file_name(backbone, size)
    queries = _in_file(file)
    if not trashed:
        queries = [query.where(photos.c.trashed_at.is_(None)) for query in queries]
    if only is not None:
        queries = [query.where(photos.c.id.in_(chosen_ids(only))) for query in queries]
    yield from _chunks(library, file, queries)


def embeddings_at(
    library: Library, file: str, slots: Sequence[int], also: Numbers
) -> Iterator[EmbeddingChunk]:
    """Yield the embeddings of the photos outside the trash in some slots of a file.

    also: numbers of other photos whose embeddings in the file are yielded, too.
    """
    in_slots = select(
        func.json_each(json.dumps(sorted(slots))).table_valued("value", name="slots").c.value
    )
    of_photos = select(photos.c.number).where(
        photos.c.embedding_file == file, photos.c.embedding_slot.in_(in_slots)
    )
    beside = select(backbone_embeddings.c.photo).where(
        backbone_embeddings.c.file == file, backbone_embeddings.c.slot.in_(in_slots)
    )
    chosen = photos.c.number.in_(union_all(of_photos, beside, listed(also)))
    queries = [query.where(chosen, photos.c.trashed_at.is_(None)) for query in _in_file(file)]
    yield from _chunks(library, file, queries)


def _in_file(file: str) -> list[Select[Any]]:
    """Select the photos with an embedding in a file: their own, and one beside it."""
    own = select(photos.c.id, photos.c.number, photos.c.embedding_slot.label("slot")).where(
        photos.c.embedding_file == file
    )
    beside = (
        select(photos.c.id, photos.c.number, backbone_embeddings.c.slot)
        .join(photos, photos.c.number == backbone_embeddings.c.photo)
        .where(backbone_embeddings.c.file == file)
    )
    return [own.order_by("slot"), beside.order_by("slot")]


def _chunks(
    library: Library, file: str, queries: Sequence[Select[Any]]
) -> Iterator[EmbeddingChunk]:
    with library.database.reader.begin() as connection:
        rows = [row for query in queries for row in connection.execute(query).all()]
    rows.sort(key=lambda row: int(row.slot))
    slot_count = library.embeddings.slot_count(file)
    readable_rows = [row for row in rows if row.slot < slot_count]
    for start in range(0, len(readable_rows), _CHUNK_ROWS):
        chunk_rows = readable_rows[start : start + _CHUNK_ROWS]
        slots = [row.slot for row in chunk_rows]
        # Reading contiguous slots as a slice is many times faster than by index.
        is_contiguous = slots[-1] - slots[0] + 1 == len(slots)
        selection = slice(slots[0], slots[-1] + 1) if is_contiguous else slots
        yield EmbeddingChunk(
            [row.id for row in chunk_rows],
            np.array([row.number for row in chunk_rows], np.int64),
            library.embeddings.rows(file, selection),
        )


def embeddings_of(
    library: Library, backbone: str | None, size: int, photo_ids: Collection[str]
) -> tuple[list[str], FloatArray]:
    """Return the embeddings of photos in the order given, without those that have none.

    Returns the ids with an embedding by this network, and shape (N, size), float32.
    """
    by_id: dict[str, FloatArray] = {}
    for chunk in scan_embeddings(library, backbone, size, list(photo_ids)):
        by_id.update(zip(chunk.ids, chunk.embeddings, strict=True))
    ids = [photo_id for photo_id in photo_ids if photo_id in by_id]
    rows = [by_id[photo_id] for photo_id in ids]
    return ids, np.stack(rows) if rows else np.empty((0, size), np.float32)


def sample_embeddings(
    library: Library, backbone: str | None, size: int, without: Collection[str], count: int
) -> FloatArray:
    """Return embeddings of a random sample of the library that excludes the ids in ``without``.

    The seed is fixed. Returns shape (at most ``count``, size), float32.
    """
    random = np.random.default_rng(0)
    sample, keys = np.empty((0, size), np.float32), np.empty(0)
    for chunk in scan_embeddings(library, backbone, size):
        is_candidate = np.array([photo_id not in without for photo_id in chunk.ids], np.bool_)
        keys = np.concatenate([keys, random.random(int(is_candidate.sum()))])
        sample = np.concatenate([sample, chunk.embeddings[is_candidate]])
        smallest = np.argsort(keys, kind="stable")[:count]
        keys, sample = keys[smallest], sample[smallest]
    return sample
