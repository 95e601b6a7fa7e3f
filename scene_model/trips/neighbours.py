"""Whether photos without a position were taken at home or away: as those nearby in time."""

import numpy as np

from scene_model.trips.moments import HOUR_S, IntArray, Track

UNCLEAR, HOME, AWAY = 0, 1, 2
# A neighbour of the same camera counts within hours, then one of any camera, since a day or a night
# lie between photos of a trip.
_OWN_NEAR_S, _NEAR_S, _BETWEEN_S, _NIGHT_S = 12 * HOUR_S, 36 * HOUR_S, 72 * HOUR_S, 10 * HOUR_S
# Days so far apart with one state are one stay where unclear days between them are counted.
_STAY_DAYS = 7


def with_neighbours(track: Track, states: IntArray) -> IntArray:
    """Return the states of photos, with those of neighbours in time where photos have none.

    states: UNCLEAR, HOME or AWAY, of the shape (photos,).
    """
    states = states.copy()
    # Who stayed at home has a camera of their own.
    for camera in np.unique(track.cameras):
        own = np.flatnonzero(track.cameras == camera)
        states[own] = _filled(track.seconds[own], states[own], _OWN_NEAR_S, _OWN_NEAR_S)
    is_away_likelier = _is_away_likelier(track.days, states)
    return _filled(track.seconds, states, _NEAR_S, _BETWEEN_S, is_away_likelier)


def _filled(
    seconds: IntArray,
    states: IntArray,
    near_s: int,
    between_s: int,
    is_away_likelier: bool = False,
) -> IntArray:
    """Return the states, with those of neighbours in time where photos have none.

    near_s: how far the neighbour may be; between_s: how far two with one state may be apart.
    Photos between home and away are divided at the night next to home where is_away_likelier, else
    at that next to the trip.
    """
    clear = np.flatnonzero(states != UNCLEAR)
    filled = states.copy()
    if not len(clear):
        return filled
    for before, after in zip([-1, *clear.tolist()], [*clear.tolist(), len(states)], strict=True):
        if after - before < 2:
            continue
        if before < 0:
            filled[:after] = _chain(seconds[: after + 1][::-1], int(states[after]), near_s)[::-1]
        elif after == len(states):
            filled[before + 1 :] = _chain(seconds[before:], int(states[before]), near_s)
        elif states[before] == states[after] and _is_one_stay(
            seconds[before : after + 1], int(states[before]), between_s
        ):
            filled[before + 1 : after] = states[before]
        else:
            is_first = (states[before] == HOME) == is_away_likelier
            middle = before + 1 + _division(seconds[before : after + 1], is_first)
            earlier, later = seconds[before:middle], seconds[middle : after + 1][::-1]
            filled[before + 1 : middle] = _chain(earlier, int(states[before]), near_s)
            filled[middle:after] = _chain(later, int(states[after]), near_s)[::-1]
    return filled


def _is_one_stay(seconds: IntArray, state: int, between_s: int) -> bool:
    """Return whether photos between two with one state were taken there as well."""
    if state == AWAY:
        return bool(np.diff(seconds).max() <= between_s)
    return bool(seconds[-1] - seconds[0] <= between_s)


def _is_away_likelier(days: IntArray, states: IntArray) -> bool:
    """Return whether a day without any clear photo, between home and away, is rather away.

    It is if a day of a trip lacks clear photos more often than a day at home has photos, but none
    that are clear: a person with a camera without GPS for trips, and not one whose phone writes
    few positions.
    """
    clear_days, first = np.unique(days[states != UNCLEAR], return_index=True)
    if len(clear_days) < 2:
        return True
    kinds = states[states != UNCLEAR][first]
    unclear_days = np.setdiff1d(days, clear_days)
    before = np.searchsorted(clear_days, unclear_days) - 1
    is_inside = (before >= 0) & (before < len(clear_days) - 1)
    before = before[is_inside]
    length = np.diff(clear_days)
    is_stay = (kinds[:-1] == kinds[1:]) & (length <= _STAY_DAYS)
    share = {}
    for kind in (HOME, AWAY):
        is_kind = is_stay & (kinds[:-1] == kind)
        unclear = np.count_nonzero(is_kind[before])
        # At home also days without photos count, since the question is how rare such photos are.
        total = length[is_kind].sum() if kind == HOME else unclear + np.count_nonzero(is_kind)
        share[kind] = unclear / max(1, total)
    return bool(share[AWAY] >= share[HOME])


def _division(seconds: IntArray, is_first: bool) -> int:
    """Return the index of the pause at which photos between home and away are divided.

    is_first: whether the first pause of a night counts, not the last one.
    """
    pauses = np.diff(seconds)
    nights = np.flatnonzero(pauses >= _NIGHT_S)
    if not len(nights):
        return int(np.argmax(pauses))
    return int(nights[0] if is_first else nights[-1])


def _chain(seconds: IntArray, state: int, near_s: int) -> IntArray:
    """Return states of photos beside one with a state, until a pause is too long.

    seconds: of the photo with the state and of those beside it, in order from there.
    """
    is_near = np.abs(np.diff(seconds)) <= near_s
    return np.where(np.logical_and.accumulate(is_near), state, UNCLEAR)
