"""The groups among whose photos the best one is looked for: bursts, and shots that look alike.

A RAW file and its JPEG, or an edited version and its original, are one shot. Brackets, panoramas
and what a person stacked are left out: each of their photos is needed. Photos with a heart or a
rating are never proposed for the trash.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import func, select

from scene_model.classifier.bundle import FloatArray
from scene_model.duplicates.best_of_group import (
    QUALITY_COLUMNS,
    Ranking,
    quality_of,
    rank,
    to_trash,
)
from scene_model.duplicates.groups import group_pairs, near_duplicate_pairs
from scene_model.duplicates.near_duplicates import NearDuplicateKind
from scene_model.duplicates.own_picks import OwnPicks, learn_picks, preferred
from scene_model.duplicates.stack_names import stack_name
from scene_model.library.photo_query import is_picture
from scene_model.library.schema import photos, stack_photos, stacks
from scene_model.library.stacks.stack_rows import PROGRAM, StackKind
from scene_model.library.store import Library
from scene_model.photos.raw.kinds import RAW_FORMATS

_PAIRS = (StackKind.RAW_JPEG, StackKind.LIVE, StackKind.EDIT)


@dataclass(frozen=True)
class ShotGroup:
    """Shots of one view, each under the photo that stands for it.

    ranking: of these photos. files: all photos of each shot. liked: shots with a heart, a rating or
    an edited version.
    """

    is_burst: bool
    ranking: Ranking
    files: Mapping[str, tuple[str, ...]]
    liked: frozenset[str]

    @property
    def key(self) -> str:
        """What differs for other photos."""
        return min(self.files)

    def proposed(self, strictness: int) -> tuple[str, ...]:
        """Return the shots that are clearly worse than the best, see `to_trash`."""
        return tuple(shot for shot in to_trash(self.ranking, strictness) if shot not in self.liked)

    def files_of(self, shots: Iterable[str]) -> list[str]:
        """Return all photos of shots."""
        return [photo_id for shot in shots for photo_id in self.files[shot]]


@dataclass(frozen=True)
class ShotGroups:
    """All groups, and what was learned from a person's picks among them."""

    groups: tuple[ShotGroup, ...]
    picks: OwnPicks


def count_unmeasured(library: Library) -> int:
    """Count the pictures outside the trash that an earlier version added without measuring them."""
    query = select(func.count()).where(
        photos.c.sharpness.is_(None), photos.c.trashed_at.is_(None), is_picture()
    )
    with library.database.reader.begin() as connection:
        return int(connection.execute(query).scalar_one())


def shot_groups(library: Library) -> ShotGroups:
    """Find the groups of at least two shots outside the trash: bursts, then similar shots."""
    similar = group_pairs(near_duplicate_pairs(library, NearDuplicateKind.SIMILAR))
    rows = _rows(library, [photo_id for group in similar for photo_id in group.photo_ids])
    bursts: dict[int, list[Any]] = {}
    shots: dict[int, list[Any]] = {}
    for row in rows:
        if row.kind == StackKind.BURST:
            bursts.setdefault(row.stack_id, []).append(row)
        else:
            # Ids of stacks are above 0.
            shots.setdefault(row.stack_id or -row.number, []).append(row)
    shots_by_id = {shot[0].id: shot for shot in shots.values()}
    groups = [_group(_shots(members), is_burst=True) for members in bursts.values()]
    for group in similar:
        members = [shots_by_id[each] for each in group.photo_ids if each in shots_by_id]
        groups.append(_group(members, is_burst=False))
    groups = [group for group in groups if len(group.files) > 1]
    embeddings = _embeddings(library, rows)
    picks = learn_picks(
        [
            (
                np.stack([embeddings[shot] for shot in group.liked]),
                np.stack([embeddings[shot] for shot in group.files if shot not in group.liked]),
            )
            for group in groups
            if 0 < len(group.liked) < len(group.files)
            and all(shot in embeddings for shot in group.files)
        ]
    )
    ranked = [
        replace(group, ranking=preferred(group.ranking, embeddings, picks)) for group in groups
    ]
    return ShotGroups(tuple(ranked), picks)


def _embeddings(library: Library, rows: Sequence[Any]) -> dict[str, FloatArray]:
    """Return the unit embeddings of photos by id, of the network that made most of them."""
    by_file: dict[str, list[Any]] = {}
    for row in rows:
        if row.embedding_file is not None:
            by_file.setdefault(row.embedding_file, []).append(row)
    if not by_file:
        return {}
    file, file_rows = max(by_file.items(), key=lambda item: len(item[1]))
    count = library.embeddings.slot_count(file)
    file_rows = [row for row in file_rows if row.embedding_slot < count]
    vectors = library.embeddings.rows(file, [row.embedding_slot for row in file_rows])
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return {row.id: vector for row, vector in zip(file_rows, vectors / lengths, strict=True)}


def _rows(library: Library, similar_ids: Sequence[str]) -> Sequence[Any]:
    """Return the photos outside the trash that may be ranked, by stack, the pick first.

    They are those of bursts, and of the similar ones those that are free or the pick of a pair,
    with their pairs.
    """
    ids = func.json_each(json.dumps(similar_ids)).table_valued("value")
    similar = photos.alias()
    similar_numbers = select(similar.c.number).where(similar.c.id.in_(select(ids.c.value)))
    is_free = stack_photos.c.stack_id.is_(None) & photos.c.number.in_(similar_numbers)
    is_pair = stacks.c.kind.in_(_PAIRS) & stack_photos.c.tile.in_(similar_numbers)
    is_stacked = (stacks.c.made_by == PROGRAM) & ((stacks.c.kind == StackKind.BURST) | is_pair)
    query = (
        select(
            *(photos.c[name] for name in QUALITY_COLUMNS),
            *(photos.c.id, photos.c.number, photos.c.name, photos.c.format),
            *(photos.c.favourite, photos.c.rating, stack_photos.c.stack_id, stacks.c.kind),
            *(photos.c.embedding_file, photos.c.embedding_slot),
        )
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .outerjoin(stacks, stacks.c.id == stack_photos.c.stack_id)
        .where(photos.c.trashed_at.is_(None), is_free | is_stacked)
        .order_by(stack_photos.c.stack_id, stack_photos.c.position, photos.c.number)
    )
    with library.database.reader.begin() as connection:
        return connection.execute(query).all()


def _shots(members: Sequence[Any]) -> list[list[Any]]:
    """Return the photos of a burst by shot, in the order of the stack."""
    shots: dict[str, list[Any]] = {}
    for row in members:
        shots.setdefault(stack_name(row.name).base, []).append(row)
    return list(shots.values())


def _group(shots: Sequence[Sequence[Any]], is_burst: bool) -> ShotGroup:
    firsts = [_first(shot) for shot in shots]
    ranking = rank({row.id: quality_of(row) for row in firsts})
    files = {
        row.id: tuple(each.id for each in shot) for row, shot in zip(firsts, shots, strict=True)
    }
    liked = frozenset(
        row.id
        for row, shot in zip(firsts, shots, strict=True)
        if any(each.favourite or each.rating or stack_name(each.name).is_edit for each in shot)
    )
    return ShotGroup(is_burst, ranking, files, liked)


def _first(shot: Sequence[Any]) -> Any:
    """Return the photo that is compared for its shot: no RAW file where there is another."""
    pictures: Iterator[Any] = (row for row in shot if row.format not in RAW_FORMATS)
    return next(pictures, shot[0])
