"""Conditions on photos that queries are made of. None of them is ever NULL: NOT must turn it."""

import math
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select

from scene_model.classifier.vocabulary import fold_case
from scene_model.gallery.query_values import Circle, DaySpan
from scene_model.gallery.schema import automatic_tags, class_decisions, photos, tag_decisions

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
# A hair more than what is asked for: the exact test comes after.
_BOX_MARGIN = 1.000001


def has_tag(labels: Collection[str]) -> ColumnElement[bool]:
    """One of the labels is a tag that holds: a person's, or a model's that nobody rejected."""
    return or_(has_added_tag(labels), has_automatic_tag(automatic_tags.c.label.in_(labels)))


def has_added_tag(labels: Any) -> ColumnElement[bool]:
    """A person added one of the labels. labels: a collection, or a query for one column."""
    return photos.c.id.in_(
        select(tag_decisions.c.photo_id).where(
            tag_decisions.c.label.in_(labels), tag_decisions.c.verdict == "added"
        )
    )


def has_automatic_tag(where: ColumnElement[bool]) -> ColumnElement[bool]:
    """A row of ``automatic_tags`` is so, and no person decided about its label."""
    decided = exists().where(
        tag_decisions.c.photo_id == automatic_tags.c.photo_id,
        tag_decisions.c.label == automatic_tags.c.label,
    )
    return photos.c.id.in_(select(automatic_tags.c.photo_id).where(where, not_(decided)))


def was_edited() -> ColumnElement[bool]:
    """A person chose its class, or decided about one of its tags."""
    return or_(
        photos.c.id.in_(select(class_decisions.c.photo_id)),
        photos.c.id.in_(select(tag_decisions.c.photo_id)),
    )


def has_chosen_class(labels: Any) -> ColumnElement[bool]:
    """A person filed the photo under one of the labels: a collection, or a query for them."""
    return photos.c.id.in_(
        select(class_decisions.c.photo_id).where(class_decisions.c.label.in_(labels))
    )


def has_class(labels: Collection[str]) -> ColumnElement[bool]:
    """The photo is filed under one of the labels, by a person or else by the model."""
    decided = photos.c.id.in_(select(class_decisions.c.photo_id))
    return or_(
        has_chosen_class(labels),
        and_(photos.c.auto_class.in_(labels), not_(decided)),
    )


def name_contains(text: str) -> ColumnElement[bool]:
    """The file name holds the text, whatever the case."""
    return func.instr(func.coalesce(photos.c.folded_name, ""), fold_case(text)) > 0


def exif_contains(column: Any, words: Collection[str]) -> ColumnElement[bool]:
    """A column of few different texts (camera, lens) holds all the words, whatever the case."""
    texts = select(column.label("text")).where(column.is_not(None)).distinct().subquery()
    found = [func.instr(func.fold_case(texts.c.text), fold_case(word)) > 0 for word in words]
    return and_(column.is_not(None), column.in_(select(texts.c.text).where(*found)))


def on_days(column: Any, days: DaySpan) -> ColumnElement[bool]:
    """The local day of an ISO 8601 column lies in a span of days."""
    if days.is_yearly:
        day, first, last = func.substr(column, 6, 5), days.first, days.last
        join = and_ if str(first) <= str(last) else or_
        return and_(column.is_not(None), join(day >= first, day <= last))
    found = [column.is_not(None)]
    if days.first is not None:
        found.append(column >= days.first)
    if days.last is not None:
        # "~" comes after every character that can follow a year, a month or a day.
        found.append(column < f"{days.last}~")
    return and_(*found)


def has_place() -> ColumnElement[bool]:
    """The photo says where it was taken."""
    return and_(photos.c.latitude.is_not(None), photos.c.longitude.is_not(None))


def is_within(circle: Circle) -> ColumnElement[bool]:
    """The photo was taken inside a circle on the globe: a band of latitudes, then exactly."""
    if circle.radius_km >= math.pi * EARTH_RADIUS_KM:
        return has_place()
    margin = math.degrees(circle.radius_km / EARTH_RADIUS_KM) * _BOX_MARGIN
    return and_(
        has_place(),
        photos.c.latitude.between(circle.latitude - margin, circle.latitude + margin),
        _haversine(circle.latitude, circle.longitude) <= _haversine_of(circle.radius_km),
    )


def is_away(latitude: float, longitude: float, at_least_km: float) -> ColumnElement[bool]:
    """The photo was taken so far from a place, or farther."""
    if at_least_km > math.pi * EARTH_RADIUS_KM:
        return false()
    far = _haversine(latitude, longitude) >= _haversine_of(at_least_km)
    return and_(has_place(), far)


def _haversine(latitude: float, longitude: float) -> ColumnElement[float]:
    """Haversine of the angle between a photo's place and another, in [0, 1]."""
    north = func.sin(func.radians(photos.c.latitude - latitude) / 2)
    east = func.sin(func.radians(photos.c.longitude - longitude) / 2)
    cosines = func.cos(func.radians(photos.c.latitude)) * math.cos(math.radians(latitude))
    result: ColumnElement[float] = north * north + cosines * east * east
    return result


def _haversine_of(distance_km: float) -> float:
    return math.sin(distance_km / EARTH_RADIUS_KM / 2) ** 2
