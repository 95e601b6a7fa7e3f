"""Find near-duplicate and similar pairs; each new photo is compared with all others once.

Videos are left out: the picture of a Live Photo is no copy of its video.

*Near*: the same picture, re-encoded, resized, rotated, mirrored or slightly cropped. Hashes in all
eight orientations and embeddings select candidates; aligning the thumbnails decides. *Similar*:
the embeddings are nearly equal, as for two shots of one scene.
"""

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import cv2
import numpy as np
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from scene_model.classifier.bundle import FloatArray
from scene_model.duplicates.hash_rotations import hash_signs, rotated_signs
from scene_model.errors import LibraryError, PhotoError
from scene_model.library.database.schema import compared_photos, near_duplicates, photos
from scene_model.library.photo_query import is_picture
from scene_model.library.store import Library
from scene_model.photos.alignment import TURNS, GreyPicture, aligned_similarity, rotated
from scene_model.photos.decode import decode_photo

# Maximum hash distance of a candidate, in bits of 64: copies cropped by 5 % differ in up to 14.
_CANDIDATE_DISTANCE = 14
_CANDIDATE_COSINE, SIMILAR_COSINE = 0.80, 0.90
_BATCH = 128
_CHUNK_ROWS = 4096
_CACHED_PICTURES = 2000


class NearDuplicateKind(StrEnum):
    """How two photos are related."""

    NEAR = "near"
    SIMILAR = "similar"


@dataclass(frozen=True)
class _Row:
    number: int
    id: str
    hash: int | None
    file: str | None
    slot: int | None


Pictures = Callable[[int], GreyPicture | None]
Pairs = dict[tuple[int, int], tuple[NearDuplicateKind, float]]
"""Kind and similarity by the numbers of two photos, the lower number first."""


def _pictures(library: Library, ids: dict[int, str]) -> Pictures:
    """Return a cached reader of grey thumbnails by number; None where one cannot be read."""

    @lru_cache(maxsize=_CACHED_PICTURES)
    def read(number: int) -> GreyPicture | None:
        try:
            pixels = decode_photo(library.thumbnail(ids[number]), minimum=None).pixels
        except (LibraryError, PhotoError):
            return None
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)

    return read


def count_pending_comparisons(library: Library) -> int:
    """Count the photos outside the trash that `compare_new` still has to compare."""
    return len(_pending_numbers(library))


def compare_new(library: Library) -> Iterator[int]:
    """Compare new photos with all photos; yields the number of photos done so far.

    Each batch is one transaction, so an interrupted run continues where it stopped. Dismissed
    pairs stay dismissed.
    """
    pending = _pending_numbers(library)
    rows = _all_rows(library)
    pictures = _pictures(library, {row.number: row.id for row in rows})
    by_number = {row.number: row for row in rows}
    for start in range(0, len(pending), _BATCH):
        batch = [by_number[n] for n in pending[start : start + _BATCH] if n in by_number]
        _store_pairs(library, batch, _find_pairs(library, batch, rows, pictures))
        yield min(len(pending), start + _BATCH)


def _pending_numbers(library: Library) -> list[int]:
    """Return photos never compared, or with a new network's embedding since."""
    query = (
        select(photos.c.number)
        .outerjoin(compared_photos, compared_photos.c.number == photos.c.number)
        .where(
            photos.c.trashed_at.is_(None),
            is_picture(),
            or_(
                compared_photos.c.number.is_(None),
                compared_photos.c.embedding_file.is_distinct_from(photos.c.embedding_file),
            ),
        )
        .order_by(photos.c.number)
    )
    with library.database.reader.begin() as connection:
        return list(connection.execute(query).scalars())


def _all_rows(library: Library) -> list[_Row]:
    columns = (photos.c.perceptual_hash, photos.c.embedding_file, photos.c.embedding_slot)
    query = select(photos.c.number, photos.c.id, *columns)
    query = query.where(is_picture()).order_by(photos.c.number)
    with library.database.reader.begin() as connection:
        # Photos in the trash are included, so that restoring one needs no new comparison.
        return [_Row(*row) for row in connection.execute(query)]


def _find_pairs(
    library: Library, batch: Sequence[_Row], rows: Sequence[_Row], pictures: Pictures
) -> Pairs:
    """Compare a batch with all photos."""
    turns = _candidate_turns(batch, rows)
    cosines = _candidate_cosines(library, batch, rows)
    pairs: Pairs = {}
    for candidate in {**turns, **cosines}:
        if candidate[0] == candidate[1]:
            continue
        ordered = (min(candidate), max(candidate))
        if ordered in pairs:
            continue
        upright = [0] if candidate in cosines else []
        turns_to_try = list(dict.fromkeys([*turns.get(candidate, []), *upright]))
        similarity = _aligned_similarity(pictures, candidate, turns_to_try)
        if similarity is not None:
            pairs[ordered] = (NearDuplicateKind.NEAR, similarity)
        elif cosines.get(candidate, 0.0) >= SIMILAR_COSINE:
            pairs[ordered] = (NearDuplicateKind.SIMILAR, cosines[candidate])
    return pairs


def _aligned_similarity(
    pictures: Pictures, pair: tuple[int, int], turns: Sequence[int]
) -> float | None:
    """Return the correlation in the first orientation that matches; None when none does."""
    first, second = pictures(pair[0]), pictures(pair[1])
    if first is None or second is None:
        return None
    for turn in turns:
        similarity = aligned_similarity(rotated(first, turn), second)
        if similarity is not None:
            return similarity
    return None


def _candidate_turns(
    batch: Sequence[_Row], rows: Sequence[_Row]
) -> dict[tuple[int, int], list[int]]:
    """Return pairs with near hashes in any of the eight orientations: the turns, nearest first."""
    hashed_rows = [row for row in rows if row.hash is not None]
    new_rows = [row for row in batch if row.hash is not None]
    if not new_rows:
        return {}
    all_signs = hash_signs(np.array([row.hash for row in hashed_rows], np.int64)).reshape(-1, 64).T
    new_signs = hash_signs(np.array([row.hash for row in new_rows], np.int64))
    candidates: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for turn in range(len(TURNS)):
        # The product of two signs is 1 where bits agree and -1 where they differ.
        products = rotated_signs(new_signs, turn).reshape(-1, 64) @ all_signs
        distances = (64.0 - products) / 2
        for new, old in np.argwhere(distances <= _CANDIDATE_DISTANCE):
            pair = (new_rows[new].number, hashed_rows[old].number)
            candidates.setdefault(pair, []).append((float(distances[new, old]), turn))
    return {pair: [turn for _, turn in sorted(turns)] for pair, turns in candidates.items()}


def _candidate_cosines(
    library: Library, batch: Sequence[_Row], rows: Sequence[_Row]
) -> dict[tuple[int, int], float]:
    """Return pairs with similar embeddings of the same network, and their cosine."""
    candidates: dict[tuple[int, int], float] = {}
    for file in {row.file for row in batch if row.file is not None}:
        count = library.embeddings.slot_count(file)
        file_rows = [r for r in rows if r.file == file and r.slot is not None and r.slot < count]
        file_rows.sort(key=lambda row: row.slot or 0)
        batch_numbers = {row.number for row in batch}
        new_rows = [row for row in file_rows if row.number in batch_numbers]
        new_vectors = _unit(library.embeddings.rows(file, [row.slot or 0 for row in new_rows]))
        for start in range(0, len(file_rows), _CHUNK_ROWS):
            chunk = file_rows[start : start + _CHUNK_ROWS]
            vectors = _unit(library.embeddings.rows(file, [row.slot or 0 for row in chunk]))
            cosines = new_vectors @ vectors.T
            for new, old in np.argwhere(cosines >= _CANDIDATE_COSINE):
                pair = (new_rows[new].number, chunk[old].number)
                candidates[pair] = float(min(1.0, cosines[new, old]))
    return candidates


def _unit(embeddings: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    result: FloatArray = embeddings / np.maximum(lengths, 1e-6)
    return result


def _store_pairs(library: Library, batch: Sequence[_Row], pairs: Pairs) -> None:
    """Store a batch's pairs and mark its photos as compared, in one transaction."""
    numbers = [row.number for row in batch]
    with library.database.writer.begin() as connection:
        existing_numbers = set(
            connection.execute(
                select(photos.c.number).where(
                    photos.c.number.in_({n for pair in pairs for n in pair} | set(numbers))
                )
            ).scalars()
        )
        # Pairs from a comparison with an earlier network's embeddings.
        connection.execute(
            delete(near_duplicates).where(
                or_(near_duplicates.c.first.in_(numbers), near_duplicates.c.second.in_(numbers)),
                near_duplicates.c.dismissed_at.is_(None),
            )
        )
        rows = [
            {"first": first, "second": second, "kind": kind, "similarity": similarity}
            for (first, second), (kind, similarity) in pairs.items()
            if first in existing_numbers and second in existing_numbers
        ]
        if rows:
            connection.execute(insert(near_duplicates).prefix_with("OR IGNORE"), rows)
        done = [
            {"number": row.number, "embedding_file": row.file}
            for row in batch
            if row.number in existing_numbers
        ]
        if done:
            statement = upsert(compared_photos)
            connection.execute(
                statement.on_conflict_do_update(
                    ["number"], set_={"embedding_file": statement.excluded.embedding_file}
                ),
                done,
            )


def dismiss(library: Library, photo_ids: Sequence[str]) -> None:
    """Mark all pairs among these photos as not duplicates; they are not shown again."""
    _mark(library, photo_ids, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))


def undismiss(library: Library, photo_ids: Sequence[str]) -> None:
    """Undo `dismiss` for all pairs among these photos."""
    _mark(library, photo_ids, None)


def _mark(library: Library, photo_ids: Sequence[str], at: str | None) -> None:
    numbers = select(photos.c.number).where(photos.c.id.in_(list(photo_ids)))
    with library.database.writer.begin() as connection:
        connection.execute(
            near_duplicates.update()
            .where(near_duplicates.c.first.in_(numbers), near_duplicates.c.second.in_(numbers))
            .values(dismissed_at=at)
        )
