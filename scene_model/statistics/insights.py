"""Counts of the collection, each with the query that finds the photos it counts."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, cast, func, select
from sqlalchemy import Integer as SqlInteger

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import Vocabulary
from scene_model.library.database.schema import photos
from scene_model.library.groups import count_by_group
from scene_model.library.store import Library
from scene_model.search.query_tree import quoted
from scene_model.statistics.tag_counts import count_by_any_tag

_BINS = 10


@dataclass(frozen=True)
class Counted:
    """One bar of a chart: its label, number of photos, and the query that finds them."""

    label: str
    photos: int
    query: str


def by_class(library: Library) -> list[Counted]:
    """Count photos by class, most frequent first."""
    return [
        Counted(label, count, f"class:{quoted(label)}")
        for label, count in library.count_by_class().items()
    ]


def by_group(library: Library, vocabulary: Vocabulary) -> list[Counted]:
    """Count photos by the groups of a vocabulary, most frequent first, unsure photos last."""
    counts = count_by_group(library, vocabulary)
    group_ids = [group.id for group in vocabulary.groups]
    groups = [group for group in counts if group in group_ids]
    if group_ids and UNSURE_CLASS in counts:
        groups.append(UNSURE_CLASS)
    return [Counted(group, counts[group], f"group:{quoted(group)}") for group in groups]


def by_tag(library: Library, most: int = 30) -> list[Counted]:
    """Count photos by the tags of every head, most frequent first: what ``tag:LABEL`` finds."""
    return [
        Counted(label, count, f"tag:{quoted(label)}")
        for label, count in count_by_any_tag(library, most).items()
    ]


def by_score(library: Library) -> list[Counted]:
    """Count photos by class score in ten bins; a class that a person chose scores 1."""
    bin_number = case(
        (photos.c.class_score >= 1.0, _BINS - 1),
        else_=cast(photos.c.class_score * _BINS, SqlInteger),
    )
    counts = dict(_counts(library, bin_number))
    bins = []
    for number in range(_BINS):
        low, high = number / _BINS, (number + 1) / _BINS
        end = "" if number == _BINS - 1 else f" score<{high:g}"
        bins.append(Counted(f"{low:.0%}", counts.get(str(number), 0), f"score>={low:g}{end}"))
    return bins


def by_month(library: Library) -> list[Counted]:
    """Count photos by the month they were taken in, oldest first; photos without a date not."""
    month = func.substr(photos.c.taken_at, 1, 7)
    counts = _counts(library, month, photos.c.taken_at.is_not(None))
    return [Counted(label, count, f"taken:{label}") for label, count in sorted(counts)]


def by_camera(library: Library, most: int = 20) -> list[Counted]:
    """Count photos by camera, most frequent first."""
    counts = _counts(library, photos.c.camera, photos.c.camera.is_not(None))
    ranked = sorted(counts, key=lambda pair: (-pair[1], pair[0]))[:most]
    return [Counted(label, count, f"camera:{quoted(label)}") for label, count in ranked]


def _counts(
    library: Library, key: ColumnElement[Any], *where: ColumnElement[bool]
) -> list[tuple[str, int]]:
    query = select(key, func.count()).where(photos.c.trashed_at.is_(None), *where).group_by(key)
    return [(str(label), count) for label, count in library.pairs(query)]
