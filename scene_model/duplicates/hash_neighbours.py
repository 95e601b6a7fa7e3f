"""Photos that look alike: which perceptual hashes are near one another, kept up at each addition.

Two photos look alike when their 64-bit hashes differ in at most `MAX_DISTANCE` bits. Cut 64 bits
into one band more than that, and two such hashes agree in a whole band (pigeonhole): so a new hash
is compared with those that share one of its bands, a few hundred of 100,000, and what is near is
written down. ``near_hashes`` speaks of numbers and not of photos: a thousand copies of one picture
are one entry, and moving photos to the trash or back changes nothing in it. A search then only
joins; nothing is compared.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select, union_all
from sqlalchemy.dialects.sqlite import insert

from scene_model.library.records import WrittenPhoto
from scene_model.library.schema import BY_HASH, hash_bands, near_hashes, photos
from scene_model.library.store import Library

# Measured on 39 photographs: smaller, re-encoded, brighter and 2 % cropped copies differ in at
# most 6 bits (five of the 39 crops in 5 %, too); two different photographs in 20 or more.
MAX_DISTANCE = 6
_BANDS = MAX_DISTANCE + 1
_BITS = 64
# Where each band begins, and the last ends; nine or ten bits each.
_EDGES = [place * _BITS // _BANDS for place in range(_BANDS + 1)]


def distance(one: int, other: int) -> int:
    """Count the bits in which two hashes differ, signed or not."""
    return ((one ^ other) & ((1 << _BITS) - 1)).bit_count()


def bands_of(signed: int) -> list[int]:
    """Name each band of a hash: its place among the bands, and its bits."""
    bits = signed & ((1 << _BITS) - 1)
    return [
        place << _BITS // _BANDS + 1 | bits >> begin & ((1 << end - begin) - 1)
        for place, (begin, end) in enumerate(pairwise(_EDGES))
    ]


def write_hash_neighbours(connection: Connection, photo: WrittenPhoto) -> None:
    """Record the hash neighbours of a photo that is being added, in the same transaction."""
    if photo.perceptual_hash is not None:
        add_hash(connection, photo.perceptual_hash)


def add_hash(connection: Connection, signed: int) -> None:
    """Compare a photo's hash with those there are, and write down which are near."""
    bands = bands_of(signed)
    known = select(hash_bands.c.hash).where(
        hash_bands.c.band == bands[0], hash_bands.c.hash == signed
    )
    if connection.execute(known).first() is not None:
        return
    candidates = connection.execute(
        select(hash_bands.c.hash).where(hash_bands.c.band.in_(bands)).distinct()
    ).scalars()
    near = [other for other in candidates if distance(signed, other) <= MAX_DISTANCE]
    connection.execute(
        insert(hash_bands).on_conflict_do_nothing(),
        [{"band": band, "hash": signed} for band in bands],
    )
    if near:
        pairs = [*((signed, other) for other in near), *((other, signed) for other in near)]
        connection.execute(
            insert(near_hashes).on_conflict_do_nothing(),
            [{"hash": one, "near": other} for one, other in pairs],
        )


def has_hash_neighbour() -> ColumnElement[bool]:
    """Another photo outside the trash looks like this one."""
    other: Any = photos.alias()
    shown = other.c.trashed_at.is_(None)
    several = (
        select(other.c.perceptual_hash)
        .with_hint(other, f"INDEXED BY {BY_HASH.name}", "sqlite")
        .where(shown, other.c.perceptual_hash.is_not(None))
        .group_by(other.c.perceptual_hash)
        .having(func.count() > 1)
    )
    near_one = select(near_hashes.c.hash).where(
        exists().where(shown, other.c.perceptual_hash == near_hashes.c.near)
    )
    seen: Any = photos.alias()
    return photos.c.number.in_(
        select(seen.c.number).where(
            seen.c.perceptual_hash.in_(union_all(several, near_one)), seen.c.trashed_at.is_(None)
        )
    )


def hash_neighbour_groups(library: Library, photo_ids: Iterable[str]) -> list[list[str]]:
    """Put photos into groups: whoever looks like one of a group is in it; order is kept.

    A photo without a perceptual hash is a group of its own.
    """
    with library.database.reader.begin() as connection:
        rows = connection.execute(select(photos.c.id, photos.c.perceptual_hash))
        hashes = {row.id: row.perceptual_hash for row in rows}
        pairs = connection.execute(select(near_hashes.c.hash, near_hashes.c.near))
        near = [(row.hash, row.near) for row in pairs]
    parents: dict[int, int] = {}

    def root(one: int) -> int:
        while (above := parents.get(one, one)) != one:
            parents[one] = parents.get(above, above)
            one = above
        return one

    for one, other in near:
        parents[root(one)] = root(other)
    groups: dict[int | str, list[str]] = {}
    for photo_id in photo_ids:
        found = hashes.get(photo_id)
        groups.setdefault(photo_id if found is None else root(found), []).append(photo_id)
    return list(groups.values())
