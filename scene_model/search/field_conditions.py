"""The fields of the query language that a photo's own row answers, and comparisons."""

import datetime
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, ColumnElement, Integer, and_, cast, func

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.classifier.vocabulary import fold
from scene_model.duplicates.hash_neighbours import has_hash_neighbour
from scene_model.errors import QueryError
from scene_model.library.clutter.conditions import ClutterKind, is_apart, is_clutter
from scene_model.library.database.schema import photos
from scene_model.library.new_photos import is_new
from scene_model.library.stacks.stack_rows import is_live, is_stacked
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.video.kinds import VIDEO_FORMATS
from scene_model.search.conditions import (
    exif_contains,
    has_class,
    has_doubtful_date,
    has_place,
    is_in_box,
    is_within,
    name_contains,
    on_days,
    was_edited,
    was_taken_in,
    was_taken_in_city,
    was_taken_in_country,
)
from scene_model.search.query_tree import FieldTerm
from scene_model.search.query_values import read_box, read_circle, read_days, read_stars

Condition = ColumnElement[bool]

STATES = (
    "unsure",
    "edited",
    "duplicate",
    "favourite",
    "raw",
    "video",
    "doubtful-date",
    "stacked",
    "live",
    "clutter",
    "apart",
    "new",
)
PROPERTIES = ("gps", "date")


def rating_condition(comparison: str, stars: float) -> Condition:
    """Compare the rating with a number of stars."""
    return _compared(photos.c.rating, comparison, stars)


def score_condition(comparison: str, number: float) -> Condition:
    """Compare the score of the photo's class with a number."""
    column = photos.c.class_score
    if comparison == "=":
        # Scores have about seven digits; people type two.
        return func.round(column, 2) == round(number, 2)
    return _compared(column, comparison, number)


def duration_condition(comparison: str, seconds: float) -> Condition:
    """Compare the duration of a video with seconds; no picture matches."""
    column = photos.c.duration
    # People read whole seconds on the photos.
    value = cast(column, Integer) if comparison == "=" else column
    return and_(column.is_not(None), _compared(value, comparison, seconds))


def _compared(
    column: Column[Any] | ColumnElement[Any], comparison: str, number: float
) -> Condition:
    return {
        ">=": column >= number,
        "<=": column <= number,
        ">": column > number,
        "<": column < number,
        "=": column == number,
    }[comparison]


def _no_state(term: FieldTerm) -> QueryError:
    states = ", ".join([*(f"is:{name}" for name in STATES), *(f"has:{p}" for p in PROPERTIES)])
    is_trash = fold(term.value) in ("trash", "trashed", "deleted")
    hint = " Photos in the trash are not searched." if is_trash else ""
    return QueryError(
        f"{term.name}:{term.value} does not exist.{hint} There are {states}.",
        term.position,
    )


def _name(term: FieldTerm, _: datetime.date) -> Condition:
    return name_contains(term.value)


def _camera(term: FieldTerm, _: datetime.date) -> Condition:
    return exif_contains(photos.c.camera, [term.value])


def _place(term: FieldTerm, _: datetime.date) -> Condition:
    return was_taken_in(term.value)


def _country(term: FieldTerm, _: datetime.date) -> Condition:
    return was_taken_in_country(term.value)


def _city(term: FieldTerm, _: datetime.date) -> Condition:
    return was_taken_in_city(term.value)


def _taken(term: FieldTerm, today: datetime.date) -> Condition:
    return on_days(photos.c.taken_at, read_days(term.value, today, term.value_position))


def _added(term: FieldTerm, today: datetime.date) -> Condition:
    return on_days(photos.c.added_at, read_days(term.value, today, term.value_position))


def _near(term: FieldTerm, _: datetime.date) -> Condition:
    return is_within(read_circle(term.value, term.value_position))


def _within(term: FieldTerm, _: datetime.date) -> Condition:
    return is_in_box(read_box(term.value, term.value_position))


def _is(term: FieldTerm, _: datetime.date) -> Condition:
    state = fold(term.value)
    if state == "unsure":
        # No person chose a class, and no head was sure of one.
        return has_class([UNSURE_CLASS])
    if state == "edited":
        return was_edited()
    if state == "duplicate":
        return has_hash_neighbour()
    if state == "stacked":
        return is_stacked()
    if state == "live":
        return is_live()
    if state == "clutter":
        return is_clutter()
    if state == "apart":
        return is_apart()
    if state == "favourite":
        return photos.c.favourite.is_(True)
    if state == "raw":
        return photos.c.format.in_(sorted(RAW_FORMATS))
    if state == "video":
        return photos.c.format.in_(sorted(VIDEO_FORMATS))
    if state == "new":
        return is_new()
    if state == fold("doubtful-date"):
        return has_doubtful_date()
    raise _no_state(term)


def _clutter(term: FieldTerm, _: datetime.date) -> Condition:
    name = fold(term.value)
    if name not in set(ClutterKind):
        raise QueryError(
            f"There is no clutter {term.value!r}. Kinds: {', '.join(ClutterKind)}.",
            term.value_position,
        )
    return is_clutter(ClutterKind(name))


def _rating(term: FieldTerm, _: datetime.date) -> Condition:
    return rating_condition("=", read_stars(term.value.strip(), term.value_position))


def _has(term: FieldTerm, _: datetime.date) -> Condition:
    name = fold(term.value)
    if name == "date":
        return photos.c.taken_at.is_not(None)
    if name != "gps":
        raise _no_state(term)
    return has_place()


PHOTO_FIELDS: dict[str, Callable[[FieldTerm, datetime.date], Condition]] = {
    "name": _name,
    "camera": _camera,
    "place": _place,
    "city": _city,
    "country": _country,
    "taken": _taken,
    "added": _added,
    "near": _near,
    "within": _within,
    "rating": _rating,
    "clutter": _clutter,
    "is": _is,
    "has": _has,
}
"""By field: the condition of a term, which raises QueryError. The date is today's."""
