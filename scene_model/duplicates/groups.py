"""Group near-duplicate pairs, and rank a group's photos to choose the best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
from sqlalchemy import select

from scene_model.duplicates.near_duplicates import NearDuplicateKind
from scene_model.errors import LibraryError, PhotoError
from scene_model.library.database.schema import near_duplicates, photos, stack_photos
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library
from scene_model.photos.decode import decode_photo


@dataclass(frozen=True)
class NearDuplicatePair:
    """Two photo ids and their similarity in [0, 1]."""

    first: str
    second: str
    similarity: float


@dataclass(frozen=True)
class NearDuplicateGroup:
    """Photos connected by pairs. similarity: the lowest of a pair that joined the group."""

    photo_ids: tuple[str, ...]
    similarity: float


class KeepBy(StrEnum):
    """The measure by which the best photo of a group is chosen."""

    LARGEST = "largest"
    SHARPEST = "sharpest"
    OLDEST = "oldest"


def near_duplicate_pairs(
    library: Library, kind: NearDuplicateKind, dismissed: bool = False
) -> list[NearDuplicatePair]:
    """Return pairs of a kind with both photos outside the trash, most similar first.

    Photos of one stack are no pair: a RAW file and its JPEG are both to be kept.
    dismissed: return only the dismissed pairs instead of the others.
    """
    first, second = photos.alias(), photos.alias()
    first_stack, second_stack = stack_photos.alias(), stack_photos.alias()
    query = (
        select(first.c.id, second.c.id, near_duplicates.c.similarity)
        .join_from(near_duplicates, first, first.c.number == near_duplicates.c.first)
        .join(second, second.c.number == near_duplicates.c.second)
        .outerjoin(first_stack, first_stack.c.photo == first.c.number)
        .outerjoin(second_stack, second_stack.c.photo == second.c.number)
        .where(
            near_duplicates.c.kind == kind,
            near_duplicates.c.dismissed_at.is_not(None)
            if dismissed
            else near_duplicates.c.dismissed_at.is_(None),
            first.c.trashed_at.is_(None),
            second.c.trashed_at.is_(None),
            first_stack.c.stack_id.is_(None)
            | first_stack.c.stack_id.is_distinct_from(second_stack.c.stack_id),
        )
        .order_by(
            near_duplicates.c.similarity.desc(), near_duplicates.c.first, near_duplicates.c.second
        )
    )
    with library.database.reader.begin() as connection:
        return [NearDuplicatePair(*row) for row in connection.execute(query)]


def group_pairs(pairs: Iterable[NearDuplicatePair], max_size: int = 60) -> list[NearDuplicateGroup]:
    """Join pairs that share a photo, most similar first, into groups of at most ``max_size``."""
    group_of: dict[str, list[str]] = {}
    lowest_similarity: dict[int, float] = {}
    for pair in sorted(pairs, key=lambda pair: -pair.similarity):
        group = group_of.setdefault(pair.first, [pair.first])
        merged = group_of.setdefault(pair.second, [pair.second])
        if group is not merged:
            if len(group) + len(merged) > max_size:
                continue
            group.extend(merged)
            for photo_id in merged:
                group_of[photo_id] = group
        lowest_similarity[id(group)] = pair.similarity
    groups = {id(group): group for group in group_of.values() if len(group) > 1}
    return [
        NearDuplicateGroup(tuple(group), lowest_similarity[key]) for key, group in groups.items()
    ]


def best_first(library: Library, photo_ids: Sequence[str], by: KeepBy) -> list[PhotoRecord]:
    """Return the photos of a group, best first; ties are broken by the other two measures."""
    records = list(library.records(photo_ids))
    sharpness_by_id = {photo.id: sharpness(library, photo.id) for photo in records}

    def key(photo: PhotoRecord) -> tuple[float | str, ...]:
        measures: dict[KeepBy, float | str] = {
            KeepBy.LARGEST: -float(photo.width * photo.height),
            KeepBy.SHARPEST: -round(sharpness_by_id[photo.id], 1),
            KeepBy.OLDEST: photo.taken_at or f"9999 {photo.added_at}",
        }
        remaining = [measures[measure] for measure in KeepBy if measure is not by]
        # At equal dimensions the larger file is first: the smaller one was probably re-encoded.
        return (measures[by], -float(photo.file_bytes), *remaining, photo.id)

    return sorted(records, key=key)


def sharpness(library: Library, photo_id: str) -> float:
    """Return the standard deviation of the thumbnail's Laplacian; 0.0 without a thumbnail.

    Comparable only between photos of the same picture. (Pech-Pacheco et al. 2000.)
    """
    try:
        pixels = decode_photo(library.thumbnail(photo_id), minimum=None).pixels
    except (LibraryError, PhotoError):
        return 0.0
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())
