"""Pairs put together into groups, and which photo of a group is the one to keep."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
from sqlalchemy import select

from scene_model.duplicates.near_duplicates import NearDuplicateKind
from scene_model.errors import LibraryError, PhotoError
from scene_model.library.records import PhotoRecord
from scene_model.library.schema import near_duplicates, photos
from scene_model.library.store import Library
from scene_model.photos.decode import decode_photo


@dataclass(frozen=True)
class NearDuplicatePair:
    """Two photo ids, and how alike they are, 0 to 1."""

    one: str
    other: str
    likeness: float


@dataclass(frozen=True)
class NearDuplicateGroup:
    """Photos that belong together by pairs, the first of them to keep.

    likeness: of the pair least alike.
    """

    photo_ids: tuple[str, ...]
    likeness: float


class KeepBy(StrEnum):
    """What makes a photo the one to keep."""

    LARGEST = "largest"
    SHARPEST = "sharpest"
    OLDEST = "oldest"


def near_duplicate_pairs(
    library: Library, kind: NearDuplicateKind, dismissed: bool = False
) -> list[NearDuplicatePair]:
    """Pairs of a kind with both photos outside the trash; the dismissed, or the others."""
    one, other = photos.alias(), photos.alias()
    query = (
        select(one.c.id, other.c.id, near_duplicates.c.likeness)
        .join_from(near_duplicates, one, one.c.number == near_duplicates.c.one)
        .join(other, other.c.number == near_duplicates.c.other)
        .where(
            near_duplicates.c.kind == kind,
            near_duplicates.c.dismissed_at.is_not(None)
            if dismissed
            else near_duplicates.c.dismissed_at.is_(None),
            one.c.trashed_at.is_(None),
            other.c.trashed_at.is_(None),
        )
        .order_by(near_duplicates.c.likeness.desc(), near_duplicates.c.one, near_duplicates.c.other)
    )
    with library.database.reader.begin() as connection:
        return [NearDuplicatePair(*row) for row in connection.execute(query)]


def group_pairs(pairs: Iterable[NearDuplicatePair], most: int = 60) -> list[NearDuplicateGroup]:
    """Join pairs that share a photo, the most alike first, into groups of at most so many."""
    group_of: dict[str, list[str]] = {}
    least: dict[int, float] = {}
    for pair in sorted(pairs, key=lambda pair: -pair.likeness):
        one = group_of.setdefault(pair.one, [pair.one])
        other = group_of.setdefault(pair.other, [pair.other])
        if one is not other:
            if len(one) + len(other) > most:
                continue
            one.extend(other)
            for photo_id in other:
                group_of[photo_id] = one
        least[id(one)] = pair.likeness
    groups = {id(group): group for group in group_of.values() if len(group) > 1}
    return [NearDuplicateGroup(tuple(group), least[key]) for key, group in groups.items()]


def best_first(library: Library, photo_ids: Sequence[str], by: KeepBy) -> list[PhotoRecord]:
    """Photos of a group, the one to keep first; what ties is told by the other two measures."""
    records = list(library.records(photo_ids))
    sharp = {photo.id: sharpness(library, photo.id) for photo in records}

    def key(photo: PhotoRecord) -> tuple[float | str, ...]:
        measures: dict[KeepBy, float | str] = {
            KeepBy.LARGEST: -float(photo.width * photo.height),
            KeepBy.SHARPEST: -round(sharp[photo.id], 1),
            KeepBy.OLDEST: photo.taken_at or f"9999 {photo.added_at}",
        }
        rest = [measures[measure] for measure in KeepBy if measure is not by]
        # Of two as large, the one of more bytes: the other was saved again.
        return (measures[by], -float(photo.file_bytes), *rest, photo.id)

    return sorted(records, key=key)


def sharpness(library: Library, photo_id: str) -> float:
    """How much fine detail the thumbnail has: spread of its Laplacian; 0.0 without a picture.

    Only photos of one picture compare by it. (Pech-Pacheco et al. 2000.)
    """
    try:
        pixels = decode_photo(library.thumbnail(photo_id), minimum=None).pixels
    except (LibraryError, PhotoError):
        return 0.0
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())
