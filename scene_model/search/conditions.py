"""Conditions on photos, in the form the database answers fastest.

Those on tags list the photos once instead of asking for each photo; most others look at columns
that the indexes of `schema.py` hold. None of them is ever NULL: NOT must turn it.
"""

import math
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, false, func, or_, select

from scene_model.classifier.albums import EARTH_RADIUS_KM
from scene_model.classifier.vocabulary import fold_case
from scene_model.library.schema import effective_tags, photos
from scene_model.search.query_values import Circle, DaySpan

# A hair more than what is asked for: the exact test comes after.
_BOX_MARGIN = 1.000001


def has_tag(labels: Collection[str]) -> ColumnElement[bool]:
    """One of the labels holds: a person added it, or a model said it and nobody rejected it."""
    if not labels:
        return false()
    return photos.c.number.in_(
        select(effective_tags.c.photo).where(effective_tags.c.label.in_(sorted(labels)))
    )


def has_class(labels: Collection[str]) -> ColumnElement[bool]:
    """Its class, a person's or else the model's, is one of the labels."""
    return photos.c.photo_class.in_(sorted(labels))


def has_chosen_class(labels: Collection[str]) -> ColumnElement[bool]:
    """A person chose one of the labels as its class."""
    # Most photos have none, and that is quicker to see than what it is not.
    return and_(photos.c.human_class.is_not(None), photos.c.human_class.in_(sorted(labels)))


def name_contains(text: str) -> ColumnElement[bool]:
    """The file name holds a text, in whatever case."""
    return func.instr(photos.c.folded_name, fold_case(text)) > 0


def was_edited() -> ColumnElement[bool]:
    """A person decided its class or a tag."""
    return or_(photos.c.human_class.is_not(None), photos.c.decided_tags > 0)


def exif_contains(column: Column[Any], words: Collection[str]) -> ColumnElement[bool]:
    """A column of few different texts (camera, lens) holds all the words, whatever the case."""
    texts = select(column.label("text")).where(column.is_not(None)).distinct().subquery()
    found = [func.instr(func.fold_case(texts.c.text), fold_case(word)) > 0 for word in words]
    wanted = select(texts.c.text).where(*found)
    if column is photos.c.camera:  # the indexes of the orders hold it
        return and_(column.is_not(None), column.in_(wanted))
    same = photos.alias()
    return photos.c.number.in_(select(same.c.number).where(same.c[column.name].in_(wanted)))


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
