"""Find trips among photos without positions: days in a row with far more photos than usual.

On a trip people photograph in many hours of the day, at home in few. A hidden Markov model with two
states, at home and on a trip, over the hours with photos of each day finds the most probable
sequence (Viterbi). How many hours are usual is learned from the photos themselves.
"""

import numpy as np

from scene_model.trips.moments import HOUR_S, NIGHT_S, BoolArray, FloatArray, IntArray

# A trip begins every other month or so and takes a week; a tenth of its days are empty.
_BEGIN, _END, _EMPTY_ON_TRIP = 1 / 60, 1 / 7, 0.1
# Hours with photos on a day of a trip: the mean, unless people photograph much at home as well.
_TRIP_HOURS, _TIMES_USUAL = 5.0, 4.0
# Days of departure and of rain: their share, and the hours with photos that they have at most.
_SHORT_DAY, _SHORT_HOURS = 0.5, 3
# A party at home is as busy as a trip; days with as many hours are that rare at home.
_PARTY = 0.03
_MAX_HOURS = 16
_USUAL_WINDOW_DAYS = 183
# A library of one trip alone does not show what is usual.
_SHORT_LIBRARY_DAYS, _USUAL_OF_MANY = 60, 0.3
# How many days of this person outweigh what is usual for many, and how often they are counted.
_PRIOR_TRIP_DAYS, _PRIOR_HOME_DAYS, _ROUNDS = 60.0, 200.0, 4
# Nobody is on trips for so many of all days: this person takes photos at home every day.
_MOST_DAYS = 0.75
# The odds of days whose place is clear, as logarithm.
_NEVER = -50.0
# From here on, days apart from the others are on the trip: seven to one.
_SURE_ODDS = 2.0
# Of ordinary days, so many count as usual, and at least so many hours a day are.
_ORDINARY_SHARE, _MIN_USUAL = 0.85, 0.15


def busy_runs(seconds: IntArray, is_unclear: BoolArray, is_away: BoolArray) -> list[IntArray]:
    """Return the indices of photos, trip by trip, among those that are unclear.

    seconds: of all photos, sorted. is_unclear: whose place is open. is_away: who are away from
    home by their positions; they do not count as usual.
    """
    if not is_unclear.any():
        return []
    hours = (seconds - NIGHT_S) // HOUR_S
    days = hours // 24
    slots = np.unique(hours)
    first_day = int(days[0])
    count = int(days[-1]) - first_day + 1
    active = np.bincount(slots // 24 - first_day, minlength=count)
    unclear_days = np.zeros(count, dtype=np.bool_)
    unclear_days[days[is_unclear] - first_day] = True
    away_days = np.zeros(count, dtype=np.bool_)
    away_days[days[is_away] - first_day] = True
    # Days whose place is clear are no trips of this kind.
    is_clear = (active > 0) & ~unclear_days
    on_trip = _learned_trips(active, _usual_hours(active, away_days), is_clear, away_days)
    chosen = np.flatnonzero(is_unclear & on_trip[days - first_day])
    if not len(chosen):
        return []
    chosen_days = days[chosen]
    # Trips in a row are apart where a day between them is none.
    run_of_day = np.cumsum(np.diff(on_trip.astype(np.int64), prepend=0) == 1)
    runs = run_of_day[chosen_days - first_day]
    return np.split(chosen, np.flatnonzero(np.diff(runs)) + 1)


def _usual_hours(active: IntArray, away_days: BoolArray) -> FloatArray:
    """Return the mean of hours with photos around each day, without the busiest days."""
    if len(active) < _SHORT_LIBRARY_DAYS:
        return np.full(len(active), _USUAL_OF_MANY)
    usual = np.empty(len(active))
    half = _USUAL_WINDOW_DAYS
    for start in range(0, len(active), 30):
        window = slice(max(0, start - half), start + half)
        ordinary = np.sort(active[window][~away_days[window]])
        kept = ordinary[: max(1, int(len(ordinary) * _ORDINARY_SHARE))]
        usual[start : start + 30] = kept.mean() if len(kept) else 0.0
    return np.maximum(usual, _MIN_USUAL)


def _learned_trips(
    active: IntArray, usual: FloatArray, is_clear: BoolArray, is_away: BoolArray
) -> BoolArray:
    """Return which days are on a trip, by what this person's trips and other days are like.

    Days away by positions are on trips. The others are divided, the hours of both kinds counted,
    and the days divided again by that (Viterbi training), beginning with what many people do.
    """
    hours = np.minimum(active, _MAX_HOURS)
    at_home, trip = _expected_hours(usual)
    rows = np.arange(len(hours))
    odds = np.log(trip[rows, hours]) - np.log(at_home[rows, hours])
    odds[is_clear] = _NEVER
    on_trip = _trip_days(odds)
    # In a short library that may be the one trip it holds: the card of a camera, a first try.
    if on_trip.mean() > _MOST_DAYS and len(hours) >= _SHORT_LIBRARY_DAYS:
        on_trip[:] = False
    for _ in range(_ROUNDS):
        of_trip = _counted(hours[on_trip | is_away], trip, _PRIOR_TRIP_DAYS)
        of_home = _counted(hours[~on_trip & ~is_away], at_home, _PRIOR_HOME_DAYS)
        odds = np.log(of_trip[rows, hours]) - np.log(of_home[rows, hours])
        odds[is_clear] = _NEVER
        on_trip = _trip_days(odds)
    return _without_loose_ends(on_trip, odds, hours > 0)


def _counted(hours: IntArray, expected: FloatArray, prior_days: float) -> FloatArray:
    """Return the probabilities of hours with photos, from days and what is expected."""
    counts = np.bincount(hours, minlength=_MAX_HOURS + 1)
    return np.asarray((counts + prior_days * expected) / (len(hours) + prior_days))


def _expected_hours(usual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how probable each number of hours is at home and on a trip, for each day.

    Both of the shape (days, _MAX_HOURS + 1).
    """
    hours = np.arange(_MAX_HOURS + 1)[None, :]
    ratio = (usual / (1 + usual))[:, None]
    at_home = (1 - _PARTY) * (1 - ratio) * ratio**hours + _PARTY / (_MAX_HOURS + 1)
    mean = np.maximum(_TRIP_HOURS, _TIMES_USUAL * usual)[:, None]
    full = np.exp(-0.5 * ((hours - mean) / (0.5 * mean)) ** 2) * (hours > 0)
    full /= full.sum(axis=1, keepdims=True)
    short = ((hours > 0) & (hours <= _SHORT_HOURS)) / _SHORT_HOURS
    with_photos = (1 - _SHORT_DAY) * full + _SHORT_DAY * short
    return at_home, np.where(hours == 0, _EMPTY_ON_TRIP, (1 - _EMPTY_ON_TRIP) * with_photos)


def _trip_days(odds: FloatArray) -> BoolArray:
    """Return which days are on a trip, by the most probable sequence (Viterbi)."""
    begin, end = np.log(_BEGIN), np.log(_END)
    home, away = 0.0, float(begin)
    from_home = np.zeros(len(odds), dtype=np.bool_)
    from_away = np.zeros(len(odds), dtype=np.bool_)
    for day, gain in enumerate(odds.tolist()):
        from_away[day] = away + end > home
        from_home[day] = home + begin > away
        home, away = max(home, away + end), max(away, home + begin) + gain
    on_trip = np.zeros(len(odds), dtype=np.bool_)
    is_away = away > home
    for day in range(len(odds) - 1, -1, -1):
        on_trip[day] = is_away
        is_away = (not from_home[day]) if is_away else bool(from_away[day])
    return on_trip


def _without_loose_ends(on_trip: BoolArray, odds: FloatArray, has_photos: BoolArray) -> BoolArray:
    """Return the days of trips without days at their ends that stand apart and may be at home.

    Such days lie before or after a pause at least as long as they last. odds: the logarithm of how
    much more probable a trip is on each day.
    """
    kept = on_trip.copy()
    edges = np.flatnonzero(np.diff(on_trip.astype(np.int64), prepend=0, append=0))
    for start, end in edges.reshape(-1, 2).tolist():
        days = start + np.flatnonzero(has_photos[start:end])
        blocks = np.split(days, np.flatnonzero(np.diff(days) > 1) + 1)
        while len(blocks) > 1 and _is_loose(blocks[0], blocks[1][0] - blocks[0][-1], odds):
            blocks.pop(0)
        while len(blocks) > 1 and _is_loose(blocks[-1], blocks[-1][0] - blocks[-2][-1], odds):
            blocks.pop()
        kept[start:end] = False
        if blocks and len(blocks[0]):
            kept[blocks[0][0] : blocks[-1][-1] + 1] = True
    return kept


def _is_loose(block: IntArray, distance: int, odds: FloatArray) -> bool:
    """Return whether days in a row, so many days from the others, are rather at home."""
    return len(block) < distance and float(odds[block].sum()) < _SURE_ODDS
