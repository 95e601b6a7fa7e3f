"""Pairs of photos that are one picture, or only look similar; found once, as photos come in.

*Near*: one picture, re-encoded, resized, turned, mirrored or cropped a little. Hashes in all eight
positions and embeddings say which pairs may be; the pictures themselves decide. *Similar*: the
network sees nearly the same in both; two shots of one scene are.
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
from scene_model.library.schema import compared_photos, near_duplicates, photos
from scene_model.library.store import Library
from scene_model.photos.alignment import TURNS, GreyPicture, one_picture, rotated
from scene_model.photos.decode import decode_photo

# Bits of 64 in which hashes may differ to be worth a look: crops in 5 % reach 14.
_LOOK_WITHIN = 14
_LOOK_FROM_COSINE, SIMILAR_FROM_COSINE = 0.80, 0.90
_BATCH = 128
_PIECE = 4096
_PICTURES_KEPT = 2000


class NearDuplicateKind(StrEnum):
    """What two photos have to do with one another."""

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


def _pictures(library: Library, ids: dict[int, str]) -> Pictures:
    """Grey thumbnails by number, the latest kept; None where there is no picture."""

    @lru_cache(maxsize=_PICTURES_KEPT)
    def read(number: int) -> GreyPicture | None:
        try:
            pixels = decode_photo(library.thumbnail(ids[number]), minimum=None).pixels
        except (LibraryError, PhotoError):
            return None
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)

    return read


def count_pending_comparisons(library: Library) -> int:
    """Count the photos outside the trash that `compare_new` has still to look at."""
    return len(_new_numbers(library))


def compare_new(library: Library) -> Iterator[int]:
    """Compare what came in since with everything; yields how many photos are done.

    Each batch is one transaction: left off, it goes on where it was. What people dismissed stays
    dismissed.
    """
    new = _new_numbers(library)
    rows = _rows(library)
    pictures = _pictures(library, {row.number: row.id for row in rows})
    by_number = {row.number: row for row in rows}
    for start in range(0, len(new), _BATCH):
        batch = [by_number[n] for n in new[start : start + _BATCH] if n in by_number]
        found = _pairs(library, batch, rows, pictures)
        _keep(library, batch, found)
        yield min(len(new), start + _BATCH)


def _new_numbers(library: Library) -> list[int]:
    """Photos never compared, and those another network has looked at since."""
    query = (
        select(photos.c.number)
        .outerjoin(compared_photos, compared_photos.c.number == photos.c.number)
        .where(
            photos.c.trashed_at.is_(None),
            or_(
                compared_photos.c.number.is_(None),
                compared_photos.c.embedding_file.is_distinct_from(photos.c.embedding_file),
            ),
        )
        .order_by(photos.c.number)
    )
    with library.database.reader.begin() as connection:
        return list(connection.execute(query).scalars())


def _rows(library: Library) -> list[_Row]:
    columns = (photos.c.perceptual_hash, photos.c.embedding_file, photos.c.embedding_slot)
    query = select(photos.c.number, photos.c.id, *columns).order_by(photos.c.number)
    with library.database.reader.begin() as connection:
        # Those in the trash too: what is restored has been compared.
        return [_Row(*row) for row in connection.execute(query)]


def _pairs(
    library: Library, batch: Sequence[_Row], rows: Sequence[_Row], pictures: Pictures
) -> dict[tuple[int, int], tuple[NearDuplicateKind, float]]:
    """Pairs of a batch with all photos, the lower number first."""
    turns = _turns_worth_a_look(batch, rows)
    cosines = _cosines(library, batch, rows)
    found: dict[tuple[int, int], tuple[NearDuplicateKind, float]] = {}
    for pair in {**turns, **cosines}:
        if pair[0] == pair[1]:
            continue
        ordered = (min(pair), max(pair))
        if ordered in found:
            continue
        wanted = dict.fromkeys([*turns.get(pair, []), *([0] if pair in cosines else [])])
        likeness = _best_likeness(pictures, pair, list(wanted))
        if likeness is not None:
            found[ordered] = (NearDuplicateKind.NEAR, likeness)
        elif cosines.get(pair, 0.0) >= SIMILAR_FROM_COSINE:
            found[ordered] = (NearDuplicateKind.SIMILAR, cosines[pair])
    return found


def _best_likeness(pictures: Pictures, pair: tuple[int, int], turns: Sequence[int]) -> float | None:
    one, other = pictures(pair[0]), pictures(pair[1])
    if one is None or other is None:
        return None
    for turn in turns:
        likeness = one_picture(rotated(one, turn), other)
        if likeness is not None:
            return likeness
    return None


def _turns_worth_a_look(
    batch: Sequence[_Row], rows: Sequence[_Row]
) -> dict[tuple[int, int], list[int]]:
    """Pairs whose hashes are near in one of the eight positions, and in which, nearest first."""
    hashed = [row for row in rows if row.hash is not None]
    fresh = [row for row in batch if row.hash is not None]
    if not fresh:
        return {}
    there = hash_signs(np.array([row.hash for row in hashed], np.int64)).reshape(-1, 64).T
    own = hash_signs(np.array([row.hash for row in fresh], np.int64))
    near: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for turn in range(len(TURNS)):
        agreed = rotated_signs(own, turn).reshape(-1, 64) @ there
        apart = (64.0 - agreed) / 2
        for mine, theirs in np.argwhere(apart <= _LOOK_WITHIN):
            pair = (fresh[mine].number, hashed[theirs].number)
            near.setdefault(pair, []).append((float(apart[mine, theirs]), turn))
    return {pair: [turn for _, turn in sorted(ways)] for pair, ways in near.items()}


def _cosines(
    library: Library, batch: Sequence[_Row], rows: Sequence[_Row]
) -> dict[tuple[int, int], float]:
    """Pairs that the network sees as much alike: numbers and cosine."""
    found: dict[tuple[int, int], float] = {}
    for file in {row.file for row in batch if row.file is not None}:
        count = library.embeddings.slot_count(file)
        of_file = [r for r in rows if r.file == file and r.slot is not None and r.slot < count]
        of_file.sort(key=lambda row: row.slot or 0)
        chosen = {row.number for row in batch}
        fresh = [row for row in of_file if row.number in chosen]
        probes = _unit(library.embeddings.rows(file, [row.slot or 0 for row in fresh]))
        for start in range(0, len(of_file), _PIECE):
            piece = of_file[start : start + _PIECE]
            seen = _unit(library.embeddings.rows(file, [row.slot or 0 for row in piece]))
            alike = probes @ seen.T
            for mine, theirs in np.argwhere(alike >= _LOOK_FROM_COSINE):
                pair = (fresh[mine].number, piece[theirs].number)
                found[pair] = float(min(1.0, alike[mine, theirs]))
    return found


def _unit(embeddings: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    result: FloatArray = embeddings / np.maximum(lengths, 1e-6)
    return result


def _keep(
    library: Library,
    batch: Sequence[_Row],
    found: dict[tuple[int, int], tuple[NearDuplicateKind, float]],
) -> None:
    numbers = [row.number for row in batch]
    with library.database.writer.begin() as connection:
        there = set(
            connection.execute(
                select(photos.c.number).where(
                    photos.c.number.in_({n for pair in found for n in pair} | set(numbers))
                )
            ).scalars()
        )
        # What another network had said of them.
        connection.execute(
            delete(near_duplicates).where(
                or_(near_duplicates.c.one.in_(numbers), near_duplicates.c.other.in_(numbers)),
                near_duplicates.c.dismissed_at.is_(None),
            )
        )
        rows = [
            {"one": one, "other": other, "kind": kind, "likeness": likeness}
            for (one, other), (kind, likeness) in found.items()
            if one in there and other in there
        ]
        if rows:
            connection.execute(insert(near_duplicates).prefix_with("OR IGNORE"), rows)
        done = [
            {"number": row.number, "embedding_file": row.file}
            for row in batch
            if row.number in there
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
    """Say of some photos that none is the duplicate of another: they never come up together."""
    _mark(library, photo_ids, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))


def undismiss(library: Library, photo_ids: Sequence[str]) -> None:
    """Take that back."""
    _mark(library, photo_ids, None)


def _mark(library: Library, photo_ids: Sequence[str], at: str | None) -> None:
    numbers = select(photos.c.number).where(photos.c.id.in_(list(photo_ids)))
    with library.database.writer.begin() as connection:
        connection.execute(
            near_duplicates.update()
            .where(near_duplicates.c.one.in_(numbers), near_duplicates.c.other.in_(numbers))
            .values(dismissed_at=at)
        )
