"""The days of a trip: each ends at the longest pause of the night."""

import numpy as np

from scene_model.trips.moments import DAY_S, HOUR_S, NIGHT_S, IntArray

# Pauses that touch these hours may be the night's, from midnight.
_NIGHT_FROM_S, _NIGHT_TO_S = 1 * HOUR_S, 9 * HOUR_S
# A clock that nobody set to the zone of a trip shows the night at another time. So many half
# hours with photos must lie in the middle of the night before the night is moved.
_QUIET_S, _SLOT_S, _MIN_NIGHT_SLOTS = 6 * HOUR_S, HOUR_S // 2, 4
_MAX_QUIET_SHARE = 0.3


def day_numbers(seconds: IntArray) -> IntArray:
    """Return the day of each photo of a trip, as days since 1970, in order of time.

    seconds: sorted. Photos after midnight belong to the evening before if a pause follows.
    """
    shift = _night_shift(seconds)
    moved = seconds - shift
    days = np.zeros(len(moved), dtype=np.int64)
    first_day, last_day = int(moved[0] // DAY_S), int(moved[-1] // DAY_S)
    cuts = [_cut(moved, day) for day in range(first_day, last_day + 1)]
    # Before the first photo's own midnight lies the evening before.
    days = first_day - 1 + np.searchsorted(np.array(cuts), np.arange(len(moved)), side="right")
    return np.asarray(days)


def _cut(seconds: IntArray, day: int) -> int:
    """Return the index of the first photo of a day."""
    start = day * DAY_S
    first, last = np.searchsorted(seconds, [start + _NIGHT_FROM_S, start + _NIGHT_TO_S])
    # The pauses before photos `first` to `last`; the ends of a trip are long pauses.
    edges = np.concatenate(([start - DAY_S], seconds, [start + 2 * DAY_S]))
    pauses = np.diff(edges[first : last + 2])
    middles = (edges[first : last + 1] + edges[first + 1 : last + 2]) / 2
    capped = np.minimum(pauses, 8 * HOUR_S)
    # Of pauses as long, that around half past four.
    is_longest = capped >= capped.max()
    off = np.where(is_longest, np.abs(middles - start - NIGHT_S), np.inf)
    around = (edges[first : last + 1] <= start + NIGHT_S) & (
        edges[first + 1 : last + 2] >= start + NIGHT_S
    )
    off = np.where(is_longest & around, -1, off)
    return int(first + np.argmin(off))


def _night_shift(seconds: IntArray) -> int:
    """Return how many seconds later than usual the clock shows the night; 0 where it is right."""
    slots = np.unique(seconds // _SLOT_S)
    hours = slots * _SLOT_S % DAY_S
    count = DAY_S // _SLOT_S
    of_day = np.bincount(hours // _SLOT_S, minlength=count)
    width = _QUIET_S // _SLOT_S
    around = np.concatenate((of_day, of_day))
    quiet = np.convolve(around, np.ones(width, dtype=np.int64), "valid")[:count]
    usual = (NIGHT_S - _QUIET_S // 2) // _SLOT_S
    if quiet[usual] < max(_MIN_NIGHT_SLOTS, _MAX_QUIET_SHARE * len(slots)):
        return 0
    candidates = np.flatnonzero(quiet == quiet.min())
    off = (candidates - usual + count // 2) % count - count // 2
    return int(off[np.argmin(np.abs(off))]) * _SLOT_S
