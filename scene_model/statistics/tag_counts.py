"""How many photos show each tag: of a query's photos, and of photos that were picked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from scene_model.library.edits import chosen_ids
from scene_model.library.photo_query import filter_photos
from scene_model.library.schema import effective_tags, photos
from scene_model.library.store import Library


@dataclass(frozen=True)
class TagOnSome:
    """A tag of picked photos: on how many of them it is."""

    label: str
    photo_count: int


def count_by_tag(
    library: Library,
    where: ColumnElement[bool] | None,
    heads: Collection[str],
    limit: int | None = None,
) -> dict[str, int]:
    """Count the photos a condition holds for by the tags they show, most first.

    heads: whose tags count, "human" for people's.
    """
    matching = filter_photos(select(photos.c.number), where, trashed=False)
    count = func.count(effective_tags.c.photo.distinct())
    query = (
        select(effective_tags.c.label, count)
        .where(effective_tags.c.photo.in_(matching), effective_tags.c.head.in_(sorted(heads)))
        .group_by(effective_tags.c.label)
        .order_by(count.desc(), effective_tags.c.label)
        .limit(limit)
    )
    return dict(library.pairs(query))


def tags_of(
    library: Library, photo_ids: Sequence[str], heads: Collection[str], limit: int
) -> list[TagOnSome]:
    """The tags that picked photos show, those on most of them first."""
    picked = photos.c.id.in_(chosen_ids(photo_ids))
    counted = count_by_tag(library, picked, heads, limit)
    return [TagOnSome(label, count) for label, count in counted.items()]
