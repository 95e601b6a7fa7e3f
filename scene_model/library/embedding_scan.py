"""What a network saw of all photos, a piece at a time: ids beside embeddings."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from scene_model.classifier.bundle import FloatArray
from scene_model.library.edits import chosen_ids
from scene_model.library.embeddings import file_name
from scene_model.library.schema import photos
from scene_model.library.store import Library

_PIECE = 2048


@dataclass(frozen=True)
class EmbeddingChunk:
    """Some photos. embeddings: shape (N, size), float32, a row a photo."""

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
    """Yield the photos a network saw, in the order of the disk; only some, where ``only`` is given.

    size: numbers of one embedding. trashed: photos in the trash, too. A photo whose slot is not on
    the disk is passed over.
    """
    file = file_name(backbone, size)
    query = (
        select(photos.c.id, photos.c.number, photos.c.embedding_slot)
        .where(photos.c.embedding_file == file)
        .order_by(photos.c.embedding_slot)
    )
    if not trashed:
        query = query.where(photos.c.trashed_at.is_(None))
    if only is not None:
        query = query.where(photos.c.id.in_(chosen_ids(only)))
    with library.database.reader.begin() as connection:
        rows = connection.execute(query).all()
    count = library.embeddings.slot_count(file)
    there = [row for row in rows if row.embedding_slot < count]
    for start in range(0, len(there), _PIECE):
        piece = there[start : start + _PIECE]
        slots = [row.embedding_slot for row in piece]
        # Neighbours on the disk are read as a stretch: that is many times as fast.
        is_stretch = slots[-1] - slots[0] + 1 == len(slots)
        wanted = slice(slots[0], slots[-1] + 1) if is_stretch else slots
        yield EmbeddingChunk(
            [row.id for row in piece],
            np.array([row.number for row in piece], np.int64),
            library.embeddings.rows(file, wanted),
        )


def embeddings_of(
    library: Library, backbone: str | None, size: int, photo_ids: Collection[str]
) -> tuple[list[str], FloatArray]:
    """The embeddings of some photos, in the order given; those the network never saw are left out.

    Returns the ids that are there, and shape (N, size), float32.
    """
    found: dict[str, FloatArray] = {}
    for piece in scan_embeddings(library, backbone, size, list(photo_ids)):
        found.update(zip(piece.ids, piece.embeddings, strict=True))
    ids = [photo_id for photo_id in photo_ids if photo_id in found]
    rows = [found[photo_id] for photo_id in ids]
    return ids, np.stack(rows) if rows else np.empty((0, size), np.float32)


def sample_embeddings(
    library: Library, backbone: str | None, size: int, without: Collection[str], count: int
) -> FloatArray:
    """The embeddings of photos drawn from all of the library but some, the same each time.

    Returns shape (at most ``count``, size), float32.
    """
    random = np.random.default_rng(0)
    kept, keys = np.empty((0, size), np.float32), np.empty(0)
    for piece in scan_embeddings(library, backbone, size):
        is_free = np.array([photo_id not in without for photo_id in piece.ids], np.bool_)
        keys = np.concatenate([keys, random.random(int(is_free.sum()))])
        kept = np.concatenate([kept, piece.embeddings[is_free]])
        chosen = np.argsort(keys, kind="stable")[:count]
        keys, kept = keys[chosen], kept[chosen]
    return kept
