"""Where the photos of a life were taken again and again: homes, and places that are no trip.

Days count, not photos: people photograph most where they live least.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from scene_model.trips.moments import (
    DAY_S,
    HOUR_S,
    NIGHT_S,
    BoolArray,
    FloatArray,
    IntArray,
    Track,
    distances_km,
)

# A home is a town and what is around it; a regular place is a house or an office.
HOME_RADIUS_KM, REGULAR_RADIUS_KM = 25.0, 5.0
# Days without photos between two days at one place are spent there, up to so many.
_MAX_HELD_DAYS = 45
# Changing home twice costs sixty days: a stay abroad of more than two months is a home.
MOVE_DAYS = 30.0
# Photos of a home are spread over weeks; those of one trip alone show no home.
_MIN_HOME_WEEKS, _MIN_HOME_SPAN_DAYS, _MAX_HOMES = 3, 28, 40
# A second home or a place of work: so many visits within so many days, or, for long holidays
# with the parents, fewer visits with many days.
_VISITS = ((7, 183), (9, 365))
_LONG_VISITS, _LONG_VISIT_WINDOW, _LONG_VISIT_DAYS = 4, 365, 60
# Days without photos between two days of one visit.
_VISIT_GAP_DAYS = 3
_KM_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Homes:
    """Where a person lived on each day with positions.

    days: sorted. latitudes, longitudes: of the home on that day, in degrees.
    """

    days: IntArray
    latitudes: FloatArray
    longitudes: FloatArray

    def at(self, days: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the homes on some days: those of the nearest day with positions before."""
        index = np.clip(np.searchsorted(self.days, days, side="right") - 1, 0, None)
        return self.latitudes[index], self.longitudes[index]


@dataclass(frozen=True, slots=True)
class RegularPlace:
    """A place other than home where a person was regularly from one day to another, inclusive."""

    latitude: float
    longitude: float
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class _DayPlaces:
    """Which places the photos of each day show: one row for each day and place.

    shares: of the hours of that day. place -1: one with too few days to matter.
    """

    days: IntArray
    places: IntArray
    shares: FloatArray
    latitudes: FloatArray
    longitudes: FloatArray


def find_homes(track: Track) -> Homes | None:
    """Return where a person lived; None where too few weeks show any place.

    track: photos with positions on the ground.
    """
    table = _day_places(track, HOME_RADIUS_KM)
    candidates = _home_candidates(table)
    if not candidates:
        return None
    days = np.unique(table.days)
    held = _held_days(table, days, candidates)
    path = _cheapest_path(held)
    places = np.array(candidates)[path]
    return Homes(days, table.latitudes[places], table.longitudes[places])


def find_regular_places(track: Track, homes: Homes) -> list[RegularPlace]:
    """Return places beside home that were visited too often to be trips."""
    table = _day_places(track, REGULAR_RADIUS_KM)
    regular = []
    for place in range(len(table.latitudes)):
        latitude, longitude = float(table.latitudes[place]), float(table.longitudes[place])
        days = table.days[table.places == place]
        is_home = distances_km(*homes.at(days), latitude, longitude) <= HOME_RADIUS_KM
        for first, last in _joined_spans(_regular_spans(days[~is_home])):
            regular.append(RegularPlace(latitude, longitude, first, last))
    return regular


def _joined_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans of days, of which those that overlap are one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _regular_spans(days: IntArray) -> Iterator[tuple[int, int]]:
    """Yield the spans of days in which visits are regular. days: sorted."""
    if not len(days):
        return
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 100) > _VISIT_GAP_DAYS)
    ends = np.append(starts[1:], len(days)) - 1
    first, last = days[starts], days[ends]
    for count, window in _VISITS:
        for index in range(len(starts) - count + 1):
            if last[index + count - 1] - first[index] <= window:
                yield int(first[index]), int(last[index + count - 1])
    long_visits = np.cumsum(np.append(0, last - first + 1))
    for index in range(len(starts) - _LONG_VISITS + 1):
        end = np.searchsorted(first, first[index] + _LONG_VISIT_WINDOW, side="right") - 1
        is_long = long_visits[end + 1] - long_visits[index] >= _LONG_VISIT_DAYS
        if is_long and end - index + 1 >= _LONG_VISITS:
            yield int(first[index]), int(last[end])


def _home_candidates(table: _DayPlaces) -> list[int]:
    """Return the places with photos in several weeks, those with most days first."""
    candidates = []
    for place in range(len(table.latitudes)):
        days = table.days[table.places == place]
        weeks = np.unique(days // 7)
        if len(weeks) >= _MIN_HOME_WEEKS and days[-1] - days[0] >= _MIN_HOME_SPAN_DAYS:
            candidates.append(place)
        if len(candidates) == _MAX_HOMES:
            break
    return candidates


def _held_days(table: _DayPlaces, days: IntArray, places: list[int]) -> FloatArray:
    """Return how many days each day with photos stands for, by place.

    The empty days until the next day with photos count where both show the same place. Shape
    (len(days), len(places)).
    """
    shares = np.zeros((len(days), len(places)))
    rows = np.searchsorted(days, table.days)
    for column, place in enumerate(places):
        at_place = table.places == place
        shares[rows[at_place], column] = table.shares[at_place]
    empty_days = np.minimum(np.diff(days) - 1, _MAX_HELD_DAYS)
    shares[:-1] += empty_days[:, None] * np.minimum(shares[:-1] > 0, shares[1:] > 0)
    return shares


def _cheapest_path(held: FloatArray) -> IntArray:
    """Return the column of each row such that most days are held and moves are rare (Viterbi)."""
    count, places = held.shape
    total = held[0].copy()
    origins = np.zeros((count, places), dtype=np.int64)
    stay = np.arange(places)
    for row in range(1, count):
        best = int(np.argmax(total))
        is_move = total[best] - MOVE_DAYS > total
        origins[row] = np.where(is_move, best, stay)
        total = np.where(is_move, total[best] - MOVE_DAYS, total) + held[row]
    path = np.zeros(count, dtype=np.int64)
    path[-1] = int(np.argmax(total))
    for row in range(count - 1, 0, -1):
        path[row - 1] = origins[row, path[row]]
    return path


def _day_places(track: Track, radius_km: float) -> _DayPlaces:
    """Return the places of each day; the most visited place is number 0."""
    step = radius_km / 3 / _KM_PER_DEGREE
    rows = np.round(track.latitudes / step).astype(np.int64)
    # Cells are about as wide as high.
    widths = np.maximum(np.cos(np.radians(rows * step)), 0.01)
    columns = np.round(track.longitudes * widths / step).astype(np.int64)
    hours = (track.seconds - NIGHT_S) // HOUR_S
    visits = np.unique(np.stack([rows, columns, hours]), axis=1)
    cells, cell_of = np.unique(visits[:2], axis=1, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    visit_days = visits[2] // (DAY_S // HOUR_S)
    cell_days = np.unique(np.stack([cell_of, visit_days]), axis=1)[0]
    days_of_cell = np.bincount(cell_days, minlength=cells.shape[1])
    latitudes = cells[0] * step
    longitudes = cells[1] * step / np.maximum(np.cos(np.radians(latitudes)), 0.01)
    leaders, place_of_cell = _group_cells(latitudes, longitudes, days_of_cell, radius_km)
    pairs, pair_of, hours_of = np.unique(
        np.stack([visit_days, place_of_cell[cell_of]]),
        axis=1,
        return_inverse=True,
        return_counts=True,
    )
    _, day_of = np.unique(pairs[0], return_inverse=True)
    hours_of_day = np.bincount(day_of, weights=hours_of)
    return _DayPlaces(
        pairs[0],
        pairs[1],
        hours_of / hours_of_day[day_of],
        latitudes[leaders],
        longitudes[leaders],
    )


def _group_cells(
    latitudes: FloatArray, longitudes: FloatArray, days: IntArray, radius_km: float
) -> tuple[IntArray, IntArray]:
    """Group cells around those with most days.

    Returns the cells in the middle of places, and the place of each cell: -1 without a place,
    because too few days show it.
    """
    order = np.lexsort((longitudes, latitudes, -days))
    place_of = np.full(len(days), -1, dtype=np.int64)
    is_free: BoolArray = np.ones(len(days), dtype=np.bool_)
    leaders: list[int] = []
    for cell in order:
        if days[cell] < _MIN_HOME_WEEKS:
            break
        if not is_free[cell]:
            continue
        near = is_free & (
            distances_km(latitudes, longitudes, latitudes[cell], longitudes[cell]) <= radius_km
        )
        place_of[near] = len(leaders)
        is_free &= ~near
        leaders.append(int(cell))
    return np.array(leaders, dtype=np.int64), place_of
