"""Number of photos with each tag."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from scene_model.library.database.schema import effective_tags, photos
from scene_model.library.edits import chosen_ids
from scene_model.library.in_memory.changes import run_numbers
from scene_model.library.photo_query import filter_photos
from scene_model.library.store import Library


@dataclass(frozen=True)
class SelectedTag:
    """A tag of selected photos, and how many of them show it."""

    label: str
    photo_count: int


def count_by_tag(
    library: Library, where: ColumnElement[bool] | None, limit: int | None = None
) -> dict[str, int]:
    """Count the photos that match a condition by the tags they show, most frequent first."""
    counts = library.columns.shown_labels.get().counts(library.numbers(where))
    return dict(list(counts.items())[:limit])


def count_by_any_tag(library: Library, limit: int | None = None) -> dict[str, int]:
    """Count the photos that ``tag:LABEL`` finds by label, most frequent first.

    These are the tags of every head, also of those that photos do not show (objects).
    """
    matching = filter_photos(select(photos.c.number), None, trashed=False)
    photo_count = func.count(effective_tags.c.photo.distinct())
    query = (
        select(effective_tags.c.label, photo_count)
        # "+ 0" makes SQLite scan the tags once. Else it may look up every photo under every label
        # (a skip-scan of the primary key), which takes minutes for 100,000 photos.
        .where((effective_tags.c.photo + 0).in_(matching))
        .group_by(effective_tags.c.label)
        .order_by(photo_count.desc(), effective_tags.c.label)
        .limit(limit)
    )
    return dict(library.pairs(query))


def count_selected_tags(
    library: Library, photo_ids: Sequence[str], limit: int
) -> list[SelectedTag]:
    """Count selected photos by the tags they show, most frequent first."""
    selected = select(photos.c.number).where(
        photos.c.id.in_(chosen_ids(photo_ids)), photos.c.trashed_at.is_(None)
    )
    with library.database.reader.begin() as connection:
        numbers = run_numbers(connection, selected)
    counts = library.columns.shown_labels.get().counts(numbers)
    return [SelectedTag(label, photo_count) for label, photo_count in counts.items()][:limit]
