"""All columns that a library keeps in memory; each is read when it is needed for the first time."""

import threading
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import ColumnElement, Engine, func

from scene_model.library.database.schema import photos
from scene_model.library.in_memory.changes import Kept, Numbers
from scene_model.library.in_memory.codes import Codes, kept_codes
from scene_model.library.in_memory.conditions import Conditions
from scene_model.library.in_memory.moment_hashes import MomentHashes, kept_moment_hashes
from scene_model.library.in_memory.names import Names, kept_names
from scene_model.library.in_memory.orders import kept_order
from scene_model.library.in_memory.scores import Scores, kept_scores
from scene_model.library.in_memory.shown_labels import ShownLabels, kept_shown_labels
from scene_model.library.sort_order import SORTS, Sort

DateColumn = Literal["taken", "added"]
# A million photos take 8 MB in each.
_MOST_SCORES = 8
_DATES: tuple[tuple[DateColumn, ColumnElement[Any], str], ...] = (
    ("taken", photos.c.taken_at, "photos_by_taken"),
    ("added", photos.c.added_at, "photos_by_added"),
)


class PhotoColumns:
    """Columns of all photos that follow the library.

    orders: the numbers in each order by a property. classes: predicted group, class by a person,
    effective class. months: of each date, ``2024-07``; empty without a date. moments: a hash of
    when and where each was taken. These are of photos outside the trash.

    names: file names. shown_labels: the tags that photos show. These are also of photos in the
    trash. conditions: finds the photos that match a condition.
    """

    def __init__(self, reader: Engine, version: Callable[[], int]) -> None:
        """reader, version: as for `Kept`."""
        self.orders: dict[Sort, Kept[Numbers]] = {
            sort: kept_order(reader, version, sort) for sort in SORTS
        }
        self.classes: Kept[Codes] = kept_codes(
            reader,
            version,
            (photos.c.auto_group, photos.c.human_class, photos.c.photo_class),
            "photos_by_group",
        )
        self.months: dict[DateColumn, Kept[Codes]] = {
            date: kept_codes(
                reader, version, (func.coalesce(func.substr(column, 1, 7), ""),), index
            )
            for date, column, index in _DATES
        }
        self.names: Kept[Names] = kept_names(reader, version)
        self.moments: Kept[MomentHashes] = kept_moment_hashes(reader, version)
        self.conditions = Conditions(reader, version, self.names)
        self._reader, self._version = reader, version
        self._lock = threading.Lock()
        self._scores: dict[frozenset[str], Kept[Scores]] = {}
        self.shown_labels: Kept[ShownLabels] = kept_shown_labels(reader, version)

    def scores(self, sort: Sort) -> Scores:
        """Return how well photos match the labels of an order by match, by their numbers."""
        with self._lock:
            kept = self._scores.pop(sort.labels, None)
            kept = kept or kept_scores(self._reader, self._version, sort)
            self._scores[sort.labels] = kept  # the last is the latest
            while len(self._scores) > _MOST_SCORES:
                self._scores.pop(next(iter(self._scores)))
        return kept.get()
