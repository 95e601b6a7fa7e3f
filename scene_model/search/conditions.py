"""SQL conditions on photos, each in the form that is fastest in SQLite.

Conditions on tags select the list of photos once instead of testing each photo; most others use
columns that the indexes of `schema.py` cover. No condition is ever NULL, so NOT can negate it.
"""

import math
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, false, func, or_, select

from scene_model.classifier.vocabulary import fold_case
from scene_model.library.database.schema import effective_tags, photos, places
from scene_model.library.in_memory.conditions import OF_OWN_VALUE
from scene_model.library.label_lists import distinct_texts, is_one_of
from scene_model.library.photo_places import fold_place
from scene_model.photos.dates import SURE
from scene_model.photos.geo import EARTH_RADIUS_KM
from scene_model.search.query_values import Box, Circle, DaySpan

# The box is slightly larger than the circle; the exact test follows.
_BOX_MARGIN = 1.000001

# Made once: that takes longer than all else that a condition needs.
_MATCHING = photos.alias()


def has_tag(labels: Collection[str]) -> ColumnElement[bool]:
    """One of the labels is an effective tag: added by a person, or automatic and not rejected."""
    if not labels:
        return false()
    return photos.c.number.in_(
        select(effective_tags.c.photo).where(is_one_of(effective_tags.c.label, labels))
    )


def has_id(photo_id: str) -> ColumnElement[bool]:
    """The photo is this one."""
    return photos.c.id == photo_id


def has_class(labels: Collection[str]) -> ColumnElement[bool]:
    """The class, chosen by a person or else automatic, is one of the labels."""
    return is_one_of(photos.c.photo_class, labels)


def has_chosen_class(labels: Collection[str]) -> ColumnElement[bool]:
    """A person chose one of the labels as the class."""
    # Most photos have no chosen class, and IS NOT NULL is faster than the list.
    return and_(photos.c.human_class.is_not(None), is_one_of(photos.c.human_class, labels))


def name_contains(text: str) -> ColumnElement[bool]:
    """The file name contains a text; case is ignored."""
    return func.instr(photos.c.folded_name, fold_case(text)) > 0


def description_contains(text: str) -> ColumnElement[bool]:
    """The description contains a text; case is ignored. The index of descriptions is short."""
    is_match = func.instr(func.fold_case(_MATCHING.c.description), fold_case(text)) > 0
    return photos.c.number.in_(
        select(_MATCHING.c.number).where(_MATCHING.c.description.is_not(None), is_match)
    )


def was_edited() -> ColumnElement[bool]:
    """A person decided on the class or on a tag."""
    return or_(photos.c.human_class.is_not(None), photos.c.decided_tags > 0)


def exif_contains(column: Column[Any], words: Collection[str]) -> ColumnElement[bool]:
    """A column of few distinct texts (camera, lens) contains all words; case is ignored."""
    texts = distinct_texts(column).subquery()
    contains = [func.instr(func.fold_case(texts.c.text), fold_case(word)) > 0 for word in words]
    matching_texts = select(texts.c.text).where(*contains)
    matching_texts = matching_texts.execution_options(**{OF_OWN_VALUE: True})
    if column is photos.c.camera:  # covered by the indexes of the orders
        return and_(column.is_not(None), column.in_(matching_texts))
    return photos.c.number.in_(
        select(_MATCHING.c.number).where(_MATCHING.c[column.name].in_(matching_texts))
    )


def on_days(column: Any, days: DaySpan) -> ColumnElement[bool]:
    """The local day of an ISO 8601 column is in a span of days."""
    if days.is_yearly:
        day, first, last = func.substr(column, 6, 5), days.first, days.last
        join = and_ if str(first) <= str(last) else or_
        return and_(column.is_not(None), join(day >= first, day <= last))
    conditions = [column.is_not(None)]
    if days.first is not None:
        conditions.append(column >= days.first)
    if days.last is not None:
        # "~" sorts after every character that can follow a year, a month or a day.
        conditions.append(column < f"{days.last}~")
    return and_(*conditions)


def has_doubtful_date() -> ColumnElement[bool]:
    """The photo has a date that is probably wrong, such as the start of a camera's clock."""
    confidence = func.coalesce(photos.c.taken_confidence, 1.0)
    return and_(photos.c.taken_at.is_not(None), confidence < SURE)


def has_place() -> ColumnElement[bool]:
    """The photo has GPS coordinates."""
    return and_(photos.c.latitude.is_not(None), photos.c.longitude.is_not(None))


def was_taken_in(text: str) -> ColumnElement[bool]:
    """The place, its region or its country has a name, in any language, or the country the code."""
    return _has_place_where(or_(_is_name(text), is_country(text)))


def was_taken_in_country(text: str) -> ColumnElement[bool]:
    """The country of the place has a name, in any language, or a code of two letters."""
    return _has_place_where(is_country(text))


def was_taken_in_city(text: str) -> ColumnElement[bool]:
    """The place itself, not its region or country, has a name, in any language."""
    return _has_place_where(_has_line(places.c.words, text) if fold_place(text) else false())


def place_has_word(text: str, is_label: bool) -> ColumnElement[bool]:
    """The place, its region or its country is called so, or by that among other words.

    is_label: the text is also a label; then it must be the whole name: photos of Long Beach are no
    photos of a beach.
    """
    name = fold_place(text)
    if not name:
        return false()
    in_name = func.instr(" " + places.c.folded_name + " ", f" {name} ") > 0
    is_name = or_(_is_name(text), _has_line(places.c.country_words, text))
    return _has_place_where(is_name if is_label else or_(is_name, in_name))


def is_country(text: str) -> ColumnElement[bool]:
    """The place is in a country with this name or code."""
    code = func.coalesce(places.c.country, "") == text.strip().upper()
    return or_(code, _has_line(places.c.country_words, text)) if fold_place(text) else false()


def _is_name(text: str) -> ColumnElement[bool]:
    if not (name := fold_place(text)):
        return false()
    return or_(_has_line(places.c.words, text), places.c.folded_region == name)


def _has_line(column: Column[Any], text: str) -> ColumnElement[bool]:
    return func.instr(column, f"\n{fold_place(text)}\n") > 0


def _has_place_where(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The place of the photo meets a condition: a few hundred places, then the index of photos."""
    placed = photos.alias()
    matching = select(places.c.id).where(condition)
    return photos.c.number.in_(
        select(placed.c.number).where(
            placed.c.place_id.is_not(None), placed.c.place_id.in_(matching)
        )
    )


def is_within(circle: Circle) -> ColumnElement[bool]:
    """The photo was taken inside a circle: a band of latitudes first, then the exact distance."""
    if circle.radius_km >= math.pi * EARTH_RADIUS_KM:
        return has_place()
    margin = math.degrees(circle.radius_km / EARTH_RADIUS_KM) * _BOX_MARGIN
    return and_(
        has_place(),
        photos.c.latitude.between(circle.latitude - margin, circle.latitude + margin),
        _haversine(circle.latitude, circle.longitude) <= _haversine_of(circle.radius_km),
    )


def is_in_box(box: Box) -> ColumnElement[bool]:
    """The photo was taken in an area, as `Box.contains` decides."""
    longitude = photos.c.longitude
    join = and_ if box.west <= box.east else or_
    return and_(
        has_place(),
        photos.c.latitude.between(box.south, box.north),
        join(longitude >= box.west, longitude <= box.east),
    )


def is_away(latitude: float, longitude: float, at_least_km: float) -> ColumnElement[bool]:
    """The photo was taken at least a distance from a place. latitude, longitude: degrees."""
    if at_least_km > math.pi * EARTH_RADIUS_KM:
        return false()
    far = _haversine(latitude, longitude) >= _haversine_of(at_least_km)
    return and_(has_place(), far)


def _haversine(latitude: float, longitude: float) -> ColumnElement[float]:
    """Haversine of the angle between a photo's coordinates and a place in degrees, in [0, 1]."""
    north = func.sin(func.radians(photos.c.latitude - latitude) / 2)
    east = func.sin(func.radians(photos.c.longitude - longitude) / 2)
    cosines = func.cos(func.radians(photos.c.latitude)) * math.cos(math.radians(latitude))
    result: ColumnElement[float] = north * north + cosines * east * east
    return result


def _haversine_of(distance_km: float) -> float:
    """Haversine of the angle that a distance on the globe spans."""
    return math.sin(distance_km / EARTH_RADIUS_KM / 2) ** 2
