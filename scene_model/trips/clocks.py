"""Put right the clocks of cameras that are hours off, by photos of other cameras nearby in time.

A camera whose zone nobody changed on a trip writes evening for noon, and would cut days in two.
Phones set their clocks by the network, and are what write positions. For each day of another
camera, the offset at which its photos fall beside photos of phones is looked for; changes of the
offset are rare, so the offsets of all days are chosen together (Viterbi).
"""

import numpy as np

from scene_model.trips.moments import HOUR_S, NIGHT_S, BoolArray, FloatArray, IntArray, Track

# Offsets of clocks: zones, halves of the day, the wrong day. Nearly all differ by half hours.
_STEP_S, _MAX_OFFSET_S = HOUR_S // 2, 24 * HOUR_S
# Times are compared in pieces of so long; photos so far apart may be of one occasion.
_PIECE_S, _NEAR_PIECES = 10 * 60, 3
# How often a photo has another beside it by chance, and how rare photos at night are.
_BY_CHANCE, _AT_NIGHT = 0.15, 0.3
# Odds against a changed offset, as logarithm: about five hours with photos outweigh it.
_CHANGE = 8.0
# A camera has positions if so many of its photos have.
_POSITION_SHARE = 0.05


def corrected_seconds(track: Track) -> IntArray:
    """Return the times of photos with the offsets of wrong clocks taken off."""
    is_reference = _has_good_clock(track)
    seconds = track.seconds.copy()
    if is_reference.all() or not is_reference.any():
        return seconds
    pieces = np.unique(track.seconds[is_reference] // _PIECE_S)
    for camera in np.unique(track.cameras[~is_reference]):
        photos = np.flatnonzero(track.cameras == camera)
        seconds[photos] -= _offsets(track.seconds[photos], pieces)
    return seconds


def _has_good_clock(track: Track) -> BoolArray:
    """Return which photos are of phones; without any, of the camera with most photos."""
    photos = np.bincount(track.cameras)
    positions = np.bincount(track.cameras[track.has_position], minlength=len(photos))
    is_good = positions > _POSITION_SHARE * photos
    if not is_good.any():
        is_good[np.argmax(photos)] = True
    return np.asarray(is_good[track.cameras])


def _offsets(seconds: IntArray, reference: IntArray) -> IntArray:
    """Return how far the clock of one camera is ahead at each of its photos.

    seconds: sorted. reference: the pieces of time in which phones took photos, sorted.
    """
    offsets = np.arange(-_MAX_OFFSET_S, _MAX_OFFSET_S + 1, _STEP_S)
    # Long series count once: their photos are no evidence of their own.
    slots, slot_of = np.unique(seconds // _STEP_S, return_inverse=True)
    times = (slots[:, None] * _STEP_S + _STEP_S // 2) - offsets[None, :]
    gains = _gains(times, reference)
    slot_days = (slots * _STEP_S - NIGHT_S) // (24 * HOUR_S)
    days, day_of = np.unique(slot_days, return_inverse=True)
    by_day = np.zeros((len(days), len(offsets)))
    np.add.at(by_day, day_of, gains)
    return np.asarray(offsets[_steady_path(by_day, len(offsets) // 2)][day_of][slot_of])


def _gains(times: IntArray, reference: IntArray) -> FloatArray:
    """Return the logarithms of how well photos at some times agree with the phones'."""
    pieces = times // _PIECE_S
    after = np.clip(np.searchsorted(reference, pieces), 0, len(reference) - 1)
    before = np.maximum(after - 1, 0)
    apart = np.minimum(np.abs(reference[after] - pieces), np.abs(reference[before] - pieces))
    nearness = np.clip(1 - np.maximum(apart - 1, 0) / _NEAR_PIECES, 0, 1)
    hours = times // HOUR_S % 24
    is_night = (hours >= 1) & (hours < 6)
    gains = np.log(_BY_CHANCE + (1 - _BY_CHANCE) * nearness)
    return np.asarray(gains + np.where(is_night, np.log(_AT_NIGHT), 0.0))


def _steady_path(gains: FloatArray, right: int) -> IntArray:
    """Return the column of each row such that the gains are high and changes rare (Viterbi).

    right: the column of a clock that is right, which needs no evidence.
    """
    rows, columns = gains.shape
    total = np.full(columns, -_CHANGE)
    total[right] = 0.0
    total = total + gains[0]
    origins = np.zeros(gains.shape, dtype=np.int64)
    stay = np.arange(columns)
    for row in range(1, rows):
        best = int(np.argmax(total))
        is_change = total[best] - _CHANGE > total
        origins[row] = np.where(is_change, best, stay)
        total = np.where(is_change, total[best] - _CHANGE, total) + gains[row]
    path = np.zeros(rows, dtype=np.int64)
    # Of offsets that are as good, the smallest counts.
    best_columns = np.flatnonzero(total >= total.max() - 1e-9)
    path[-1] = best_columns[np.argmin(np.abs(best_columns - right))]
    for row in range(rows - 1, 0, -1):
        path[row - 1] = origins[row, path[row]]
    return path
