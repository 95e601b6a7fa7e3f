"""Hash neighbours: pairs of near perceptual hashes, updated whenever a photo is added.

Two hashes are neighbours when their 64 bits differ in at most `MAX_DISTANCE` positions. The bits
are split into MAX_DISTANCE + 1 bands, so neighbours have at least one band in common (pigeonhole
principle). A new hash is therefore compared only with hashes that share a band, a few hundred of
100,000. The table ``near_hashes`` stores pairs of hashes, not of photos: a thousand copies of a
picture are one entry, of the hash with itself, and the trash does not affect it. A search is a
join without comparisons.
"""

import functools
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.sqlite import insert

from scene_model.library.database.schema import (
    HASH_INDEX,
    hash_bands,
    near_hashes,
    photos,
    stack_photos,
)
from scene_model.library.in_memory.changes import BY_NUMBER, Numbers, listed, run_numbers
from scene_model.library.in_memory.conditions import LIST_UPDATE, ListUpdate
from scene_model.library.records import WrittenPhoto
from scene_model.library.store import Library

# Measured on 39 photographs: smaller, re-encoded, brighter and 2 % cropped copies differ in at
# most 6 bits (as do 5 of the 39 copies cropped by 5 %); two different photographs in 20 or more.
MAX_DISTANCE = 6
_BANDS = MAX_DISTANCE + 1
_BITS = 64
# The first bit of each band, and the end of the last band; bands have 9 or 10 bits.
_EDGES = [index * _BITS // _BANDS for index in range(_BANDS + 1)]

# Built once: to build a statement costs more time than SQLite needs for it.
_EXISTING = select(hash_bands.c.hash).where(
    hash_bands.c.band == bindparam("band"), hash_bands.c.hash == bindparam("hash")
)
# As one text: in a library of a million photos they are thousands for each hash.
_CANDIDATES = select(func.group_concat(hash_bands.c.hash)).where(
    hash_bands.c.band.in_(bindparam("bands", expanding=True))
)
_INSERT_BANDS = insert(hash_bands).on_conflict_do_nothing()
_INSERT_PAIRS = insert(near_hashes).on_conflict_do_nothing()


def distance(first: int, second: int) -> int:
    """Count the bits in which two hashes, signed or unsigned, differ."""
    return ((first ^ second) & ((1 << _BITS) - 1)).bit_count()


def bands_of(signed: int) -> list[int]:
    """Return the bands of a hash, each encoded as its index followed by its bits."""
    bits = signed & ((1 << _BITS) - 1)
    return [
        index << _BITS // _BANDS + 1 | bits >> begin & ((1 << end - begin) - 1)
        for index, (begin, end) in enumerate(pairwise(_EDGES))
    ]


def write_hash_neighbours(connection: Connection, photo: WrittenPhoto) -> None:
    """Record the hash neighbours of a photo that is being added, in the same transaction."""
    if photo.perceptual_hash is not None:
        add_hash(connection, photo.perceptual_hash)


def add_hash(connection: Connection, signed: int) -> None:
    """Store a signed 64-bit hash and its neighbours among the stored hashes."""
    bands = bands_of(signed)
    if connection.execute(_EXISTING, {"band": bands[0], "hash": signed}).first() is not None:
        connection.execute(_INSERT_PAIRS, {"hash": signed, "near": signed})
        return
    text = connection.execute(_CANDIDATES, {"bands": bands}).scalar_one()
    candidates = np.fromstring(text or "", np.int64, sep=",")
    bits = np.bitwise_count((candidates ^ np.int64(signed)).view(np.uint64))
    neighbours = np.unique(candidates[bits <= MAX_DISTANCE]).tolist()
    connection.execute(_INSERT_BANDS, [{"band": band, "hash": signed} for band in bands])
    if neighbours:
        pairs = [
            *((signed, neighbour) for neighbour in neighbours),
            *((neighbour, signed) for neighbour in neighbours),
        ]
        connection.execute(
            _INSERT_PAIRS,
            [{"hash": first, "near": second} for first, second in pairs],
        )


def has_hash_neighbour() -> ColumnElement[bool]:
    """SQL condition: another photo outside the trash has the same or a near hash.

    Photos of one stack do not count: a RAW file and its JPEG are no copies of each other.
    """
    second: Any = photos.alias()
    is_visible = second.c.trashed_at.is_(None)
    photo_count = (
        select(func.count())
        .select_from(second)
        .where(is_visible, second.c.perceptual_hash == near_hashes.c.hash)
        .scalar_subquery()
    )
    repeated_hashes = select(near_hashes.c.hash).where(
        near_hashes.c.hash == near_hashes.c.near, photo_count > 1
    )
    hashes_with_neighbour = select(near_hashes.c.hash).where(
        near_hashes.c.hash != near_hashes.c.near,
        exists().where(is_visible, second.c.perceptual_hash == near_hashes.c.near),
    )
    first: Any = photos.alias()
    return photos.c.number.in_(
        select(first.c.number)
        .where(
            first.c.perceptual_hash.in_(union_all(repeated_hashes, hashes_with_neighbour)),
            first.c.trashed_at.is_(None),
            or_(
                first.c.number.not_in(
                    select(stack_photos.c.photo).where(stack_photos.c.stack_id.is_not(None))
                ),
                first.c.number.in_(_stacked_with_neighbour()),
            ),
        )
        .execution_options(**{LIST_UPDATE: _list_update()})
    )


@functools.cache
def _list_update() -> ListUpdate:
    """Return how the list of photos with a hash neighbour is updated."""
    first, other = photos.alias(), photos.alias()
    of_first, of_other = stack_photos.alias(), stack_photos.alias()
    is_of_stack = exists().where(
        of_first.c.photo == first.c.number,
        of_other.c.photo == other.c.number,
        of_first.c.stack_id == of_other.c.stack_id,
    )
    has_neighbour = exists().where(
        near_hashes.c.hash == first.c.perceptual_hash,
        other.c.perceptual_hash == near_hashes.c.near,
        other.c.trashed_at.is_(None),
        other.c.number != first.c.number,
        ~is_of_stack,
    )
    few = select(first.c.number).where(first.c.trashed_at.is_(None), has_neighbour)
    few = few.with_hint(first, "NOT INDEXED", "sqlite")
    return ListUpdate(_with_neighbours, few, first.c.number)


def _with_neighbours(connection: Connection, numbers: Numbers) -> Numbers | None:
    """Return photos with their hash neighbours; None if some exist no more."""
    of_changed = photos.c.number.in_(listed(numbers))
    changed = select(photos.c.number).where(of_changed).with_hint(*BY_NUMBER)
    if len(run_numbers(connection, changed)) < len(numbers):
        return None
    second = photos.alias()
    hashes = select(photos.c.perceptual_hash).where(of_changed).with_hint(*BY_NUMBER)
    near = select(near_hashes.c.near).where(near_hashes.c.hash.in_(hashes))
    neighbours = select(second.c.number).where(
        second.c.trashed_at.is_(None), second.c.perceptual_hash.in_(near)
    )
    neighbours = neighbours.with_hint(second, f"INDEXED BY {HASH_INDEX.name}", "sqlite")
    both: Numbers = np.union1d(numbers, run_numbers(connection, neighbours))
    return both


def _stacked_with_neighbour() -> Select[tuple[int]]:
    """Select the photos of stacks with a hash neighbour that is in no stack, or another one."""
    member, stacked, other = stack_photos.alias(), photos.alias(), photos.alias()
    of_other = stack_photos.alias()
    is_outside = (
        other.c.trashed_at.is_(None),
        other.c.number.not_in(
            select(of_other.c.photo).where(of_other.c.stack_id == member.c.stack_id)
        ),
    )
    near = select(near_hashes.c.near).where(near_hashes.c.hash == stacked.c.perceptual_hash)
    return (
        select(member.c.photo)
        .join(stacked, stacked.c.number == member.c.photo)
        .where(
            member.c.stack_id.is_not(None),
            or_(
                exists().where(*is_outside, other.c.perceptual_hash == stacked.c.perceptual_hash),
                exists().where(*is_outside, other.c.perceptual_hash.in_(near)),
            ),
        )
    )


def hash_neighbour_groups(library: Library, photo_ids: Iterable[str]) -> list[list[str]]:
    """Group photos by connected components of hash neighbours, preserving the order.

    A photo without a perceptual hash is a group of its own.
    """
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(photos.c.id, photos.c.perceptual_hash))
        hash_by_id = {row.id: row.perceptual_hash for row in rows}
        pair_rows = connection.execute(select(near_hashes.c.hash, near_hashes.c.near))
        pairs = [(row.hash, row.near) for row in pair_rows]
    parents: dict[int, int] = {}

    def root(node: int) -> int:
        while (parent := parents.get(node, node)) != node:
            parents[node] = parents.get(parent, parent)
            node = parent
        return node

    for first, second in pairs:
        parents[root(first)] = root(second)
    groups: dict[int | str, list[str]] = {}
    for photo_id in photo_ids:
        photo_hash = hash_by_id.get(photo_id)
        key = photo_id if photo_hash is None else root(photo_hash)
        groups.setdefault(key, []).append(photo_id)
    return list(groups.values())
