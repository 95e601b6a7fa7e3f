"""Which photos were taken away from home, and which of them belong to one trip."""

from dataclasses import dataclass

import numpy as np

from scene_model.trips.moments import HOUR_S, BoolArray, FloatArray, IntArray, Track, distances_km
from scene_model.trips.neighbours import AWAY, HOME, UNCLEAR, with_neighbours
from scene_model.trips.places import RegularPlace, find_homes, find_regular_places

# Away is more than 50 km from home, as five builds around Immich agree.
AWAY_KM = 50.0
# So near is at home; between the two limits lie excursions, which do not end a trip.
_AT_HOME_KM = 30.0
# Around a second home or a place of work less: trips from there begin sooner.
_REGULAR_KM = 25.0
# A trip may have two days without photos; a stay far away more, since nobody flies home and
# back to the same place within days.
_EMPTY_DAYS, _FAR_EMPTY_DAYS, _FAR_KM, _STAY_KM = 2, 5, 1500.0, 300.0
# Faster than this a photo was taken from a plane, or its position is wrong.
_PLANE_KMH, _PLANE_KM, _PLANE_S = 250.0, 40.0, 6 * HOUR_S
# Not so where another photo shows the same place minutes or hours before or after.
_SAME_PLACE_KM, _STANDING_S, _WITNESS_S = 15.0, 5 * 60, 12 * HOUR_S
_MAX_WITNESSES = 500
# People who return home between two places leave a pause of a night, and the places lie in other
# directions, by so many degrees; with one or two empty days, smaller angles are enough.
_NIGHT_PAUSE_S, _ANGLES = 8 * HOUR_S, (105.0, 75.0, 50.0)
# Photos of the days before and after a pause show which cameras were on the trip.
_SAME_TRIP_S = 48 * HOUR_S
# How fast people come home at best: by car, and from farther by plane, with hours at airports.
_CAR_KMH, _CAR_KM, _PLANE_AVERAGE_KMH, _AIRPORTS_H = 130.0, 400.0, 800.0, 3.0


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where each photo of a track was taken. All arrays have the shape (photos,).

    states: UNCLEAR, HOME or AWAY. home_km: the distance from home, NaN without a position.
    is_grounded: whether it has a position that is right and not in the air. is_at_home: whether
    that position is home or a regular place; farther out and not yet away is neither.
    """

    states: IntArray
    home_km: FloatArray
    is_grounded: BoolArray
    is_at_home: BoolArray


def find_whereabouts(track: Track) -> Whereabouts:
    """Return where photos were taken; all are UNCLEAR where no home can be learned."""
    is_grounded = track.has_position & ~_in_the_air(track)
    grounded = track.part(is_grounded)
    homes = find_homes(grounded) if len(grounded) else None
    unknown = np.full(len(track), np.nan)
    if homes is None:
        states = np.full(len(track), UNCLEAR, dtype=np.int64)
        return Whereabouts(states, unknown, is_grounded, np.zeros_like(is_grounded))
    latitudes, longitudes = homes.at(track.days)
    home_km = distances_km(track.latitudes, track.longitudes, latitudes, longitudes)
    is_regular = np.zeros(len(track), dtype=np.bool_)
    for place in find_regular_places(grounded, homes):
        is_regular |= _is_near(track, place)
    is_away = (home_km > AWAY_KM) & ~is_regular
    is_at_home = is_grounded & ((home_km <= _AT_HOME_KM) | is_regular)
    states = np.where(is_grounded, np.where(is_away, AWAY, HOME), UNCLEAR)
    states = with_neighbours(track, states)
    return Whereabouts(states, home_km, is_grounded, is_at_home)


def away_runs(track: Track, whereabouts: Whereabouts) -> list[IntArray]:
    """Return the indices of the photos away from home, trip by trip, in order of time."""
    away = np.flatnonzero(whereabouts.states == AWAY)
    if not len(away):
        return []
    is_cut = _pauses_too_long(track, whereabouts, away)
    at_home = np.flatnonzero(whereabouts.is_at_home)
    placed = away[whereabouts.is_grounded[away]]
    first, last = np.searchsorted(at_home, away[:-1]), np.searchsorted(at_home, away[1:])
    for index in np.flatnonzero((last > first) & ~is_cut):
        between = at_home[first[index] : last[index]]
        is_cut[index] = _was_home(track, placed, away, int(index), between)
    is_around = (whereabouts.states == HOME) & whereabouts.is_grounded & ~whereabouts.is_at_home
    runs = np.split(away, np.flatnonzero(is_cut) + 1)
    return [_with_photos_between(track, run, np.flatnonzero(is_around)) for run in runs]


def _with_photos_between(track: Track, run: IntArray, around: IntArray) -> IntArray:
    """Return a trip with photos of its cameras that were taken meanwhile not quite as far away."""
    first, last = np.searchsorted(around, [run[0], run[-1]])
    between = around[first:last]
    if not len(between):
        return run
    between = between[np.isin(track.cameras[between], track.cameras[run])]
    return np.sort(np.concatenate((run, between)))


def _pauses_too_long(track: Track, whereabouts: Whereabouts, away: IntArray) -> BoolArray:
    """Return between which photos away from home a trip ended, by pauses alone."""
    earlier, later = away[:-1], away[1:]
    is_grounded = whereabouts.is_grounded[away]
    home_km = _last_finite(np.where(is_grounded, whereabouts.home_km[away], np.nan))
    days = track.days
    empty_days = days[later] - days[earlier] - 1
    latitudes = _last_finite(np.where(is_grounded, track.latitudes[away], np.nan))
    longitudes = _last_finite(np.where(is_grounded, track.longitudes[away], np.nan))
    apart = distances_km(latitudes[:-1], longitudes[:-1], latitudes[1:], longitudes[1:])
    by_home = home_km[:-1] + home_km[1:]
    is_far_stay = (by_home > 2 * _FAR_KM) & (apart <= _STAY_KM)
    has_paused = track.seconds[later] - track.seconds[earlier] >= _NIGHT_PAUSE_S
    # The places lie in different directions, so the way between them may lead home.
    angle = np.array(_ANGLES)[np.clip(empty_days, 0, len(_ANGLES) - 1)]
    cosine = (home_km[:-1] ** 2 + home_km[1:] ** 2 - apart**2) / np.maximum(
        2 * home_km[:-1] * home_km[1:], 1.0
    )
    is_by_home = (apart > AWAY_KM) & has_paused & (cosine < np.cos(np.radians(angle)))
    is_long = empty_days > np.where(is_far_stay, _FAR_EMPTY_DAYS, _EMPTY_DAYS)
    return np.asarray(is_long | is_by_home)


def _was_home(
    track: Track, placed: IntArray, away: IntArray, index: int, at_home: IntArray
) -> bool:
    """Return whether who took two photos away from home can have been at home between them.

    placed: the photos away from home with a position. at_home: those at home between the two.
    Another one of a family may have stayed there: with another camera, or at a time at which no
    way led home.
    """
    earlier, later = away[index], away[index + 1]
    times = track.seconds[placed]
    first, last = np.searchsorted(
        times, [track.seconds[earlier] - _SAME_TRIP_S, track.seconds[later] + _SAME_TRIP_S]
    )
    cameras = track.cameras[placed[first:last]]
    at_home = at_home[np.isin(track.cameras[at_home], cameras)]
    if not len(at_home):
        return False
    hours = _travel_hours(track, at_home, int(earlier)) * HOUR_S
    hours_back = _travel_hours(track, at_home, int(later)) * HOUR_S
    seconds = track.seconds[at_home]
    is_possible = (seconds - track.seconds[earlier] >= hours) & (
        track.seconds[later] - seconds >= hours_back
    )
    return bool(is_possible.any())


def _travel_hours(track: Track, photos: IntArray, other: int) -> FloatArray:
    """Return how many hours at least lie between photos and another one by car or plane."""
    km = distances_km(
        track.latitudes[photos],
        track.longitudes[photos],
        track.latitudes[other],
        track.longitudes[other],
    )
    km = np.nan_to_num(km)
    flight_h = _AIRPORTS_H + (km - _CAR_KM) / _PLANE_AVERAGE_KMH
    return np.asarray(np.where(km < _CAR_KM, km / _CAR_KMH, flight_h))


def _in_the_air(track: Track) -> BoolArray:
    """Return which photos were taken from planes or have a wrong position."""
    placed = np.flatnonzero(track.has_position)
    is_in_air = np.zeros(len(track), dtype=np.bool_)
    if len(placed) < 2:
        return is_in_air
    latitudes, longitudes = track.latitudes[placed], track.longitudes[placed]
    seconds = track.seconds[placed]
    km = distances_km(latitudes[:-1], longitudes[:-1], latitudes[1:], longitudes[1:])
    pause = np.diff(seconds)
    is_fast = (km > _PLANE_KM) & (pause <= _PLANE_S) & (km * HOUR_S > _PLANE_KMH * pause)
    is_suspect = np.append(False, is_fast) | np.append(is_fast, False)
    for index in np.flatnonzero(is_suspect):
        first, last = np.searchsorted(
            seconds, [seconds[index] - _WITNESS_S, seconds[index] + _WITNESS_S + 1]
        )
        first, last = max(first, index - _MAX_WITNESSES), min(last, index + _MAX_WITNESSES)
        near = distances_km(
            latitudes[first:last], longitudes[first:last], latitudes[index], longitudes[index]
        )
        is_later = np.abs(seconds[first:last] - seconds[index]) >= _STANDING_S
        is_in_air[placed[index]] = not ((near <= _SAME_PLACE_KM) & is_later).any()
    return is_in_air


def _is_near(track: Track, place: RegularPlace) -> BoolArray:
    """Return which photos were taken around a regular place while it was one."""
    is_near = np.zeros(len(track), dtype=np.bool_)
    days = track.days
    first, last = np.searchsorted(days, [place.first_day, place.last_day + 1])
    is_near[first:last] = (
        distances_km(
            track.latitudes[first:last],
            track.longitudes[first:last],
            place.latitude,
            place.longitude,
        )
        <= _REGULAR_KM
    )
    return is_near


def _last_finite(values: FloatArray) -> FloatArray:
    """Return values with those before in place of NaN; at the start, those after."""
    is_finite = np.isfinite(values)
    if not is_finite.any():
        return np.zeros(len(values))
    index = np.maximum.accumulate(np.where(is_finite, np.arange(len(values)), -1))
    return values[np.where(index < 0, np.argmax(is_finite), index)]
