"""Photos in groups that look alike, so that what is split never parts two shots of one moment."""

from collections.abc import Iterable

from sqlalchemy import select

from scene_model.gallery.schema import near_hashes, photos
from scene_model.gallery.store import Library


def lookalike_groups(library: Library, photo_ids: Iterable[str]) -> list[list[str]]:
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
