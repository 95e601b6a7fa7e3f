"""Number and size of the files in each export folder, counted in SQL.

The counts equal those of `FolderRule.folders` over all photos, which takes about a hundred times as
long; a test compares them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, select

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.database.schema import (
    effective_tags,
    photos,
    stack_photos,
    trip_photos,
    trips,
)
from scene_model.library.groups import group_key, group_of_key
from scene_model.library.photo_query import filter_photos
from scene_model.library.shown_tags import select_shown_tags
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import NO_TRIP, SHOWN_STATES


@dataclass(frozen=True)
class FolderSize:
    """Number of photos in one folder, and the sum of their sizes."""

    name: str
    photo_count: int
    file_bytes: int


def sizes_by_class(library: Library, where: ColumnElement[bool] | None) -> list[FolderSize]:
    """Return one folder for each class; a stack is in that of its pick."""
    files = _files_of(library, lambda columns: columns.photo_class, where)
    return _sizes(library, files.subquery())


def sizes_by_group(
    library: Library, where: ColumnElement[bool] | None, vocabulary: Vocabulary
) -> list[FolderSize]:
    """Return one folder for each effective group; a stack is in that of its pick."""
    files = _files_of(library, group_key, where)
    by_group: dict[str, list[FolderSize]] = {}
    for size in _sizes(library, files.subquery()):
        by_group.setdefault(group_of_key(size.name, vocabulary), []).append(size)
    sizes = (
        FolderSize(group, sum(s.photo_count for s in parts), sum(s.file_bytes for s in parts))
        for group, parts in by_group.items()
    )
    return sorted(sizes, key=lambda size: (-size.photo_count, size.name))


def sizes_by_tag(library: Library, where: ColumnElement[bool] | None) -> list[FolderSize]:
    """Return one folder for each shown tag; a photo with several tags is in several folders."""
    return _sizes(library, _files(select_shown_tags().subquery(), where).subquery())


def sizes_by_trip(library: Library, where: ColumnElement[bool] | None) -> list[FolderSize]:
    """Return one folder for each trip that nobody hid, and one for the photos of no trip.

    A stack is in that of its pick.
    """
    titles = (
        select(trip_photos.c.photo, trips.c.title.label("label"))
        .join(trips, trips.c.id == trip_photos.c.trip_id)
        .where(trips.c.state.in_(SHOWN_STATES))
        .subquery()
    )
    files = _files(titles, where, with_picks=True, without_label=NO_TRIP)
    return _sizes(library, files.subquery())


def sizes_by_head(
    library: Library, where: ColumnElement[bool] | None, head: str
) -> list[FolderSize]:
    """Return one folder for each label of a head; a photo is in that of its best-scored label.

    A stack is in that of its pick.
    """
    order = (effective_tags.c.score.desc(), effective_tags.c.label)
    ranked = (
        select(
            effective_tags.c.photo,
            effective_tags.c.label,
            func.row_number()
            .over(partition_by=effective_tags.c.photo, order_by=order)
            .label("rank"),
        )
        .where(effective_tags.c.head == head)
        .subquery()
    )
    best = select(ranked.c.photo, ranked.c.label).where(ranked.c.rank == 1).subquery()
    return _sizes(library, _files(best, where, with_picks=True).subquery())


def _files_of(
    library: Library,
    folder_of: Callable[[Any], ColumnElement[str]],
    where: ColumnElement[bool] | None,
) -> Select[tuple[str, int]]:
    """Select a folder and a size for each photo.

    folder_of: the folder by the columns of ``photos``, here those of the pick of a stack.
    """
    if not library.has_hidden():  # read from an index
        files = select(folder_of(photos.c).label("folder"), photos.c.file_bytes)
        without_stacks: Select[tuple[str, int]] = filter_photos(files, where, trashed=False)
        return without_stacks
    pick: Any = photos.alias()
    folder = case((pick.c.number.is_not(None), folder_of(pick.c)), else_=folder_of(photos.c))
    matching = filter_photos(select(photos.c.number), where, trashed=False)
    return (
        select(folder.label("folder"), photos.c.file_bytes)
        .select_from(photos)
        .outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        .outerjoin(pick, pick.c.number == stack_photos.c.tile)
        .where(photos.c.number.in_(matching))
    )


def _files(
    labels: Subquery,
    where: ColumnElement[bool] | None,
    with_picks: bool = False,
    without_label: str = UNSURE_CLASS,
) -> Select[tuple[str, int]]:
    """Select a folder and a size for each label of each photo, and one for photos without one.

    labels: columns `photo` and `label`. with_picks: whether a photo has the labels of the pick of
    its stack.
    """
    matching = filter_photos(select(photos.c.number), where, trashed=False)
    folder = func.coalesce(labels.c.label, without_label).label("folder")
    files = select(folder, photos.c.file_bytes).select_from(photos)
    owner: ColumnElement[Any] = photos.c.number
    if with_picks:
        files = files.outerjoin(stack_photos, stack_photos.c.photo == photos.c.number)
        owner = func.coalesce(stack_photos.c.tile, owner)
    files = files.outerjoin(labels, labels.c.photo == owner)
    return files.where(photos.c.number.in_(matching))


def _sizes(library: Library, files: Subquery) -> list[FolderSize]:
    query = (
        select(files.c.folder, func.count(), func.sum(files.c.file_bytes))
        .group_by(files.c.folder)
        .order_by(func.count().desc(), files.c.folder)
    )
    with library.database.reader.begin() as connection:
        return [FolderSize(row[0], row[1], row[2]) for row in connection.execute(query)]
