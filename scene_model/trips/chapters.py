"""The chapters of a day: what was photographed at one time and in one place.

Cooper, Foote, Girgensohn and Wilcox (Temporal event clustering for digital photo collections, 2005)
compare times at several scales, and take the cuts at which photos within a chapter are most alike
and those of neighbouring chapters least. Naaman et al. (PhotoCompas, 2004) let time and place
decide by turns. Here a cut is proposed by a pause, by a shorter pause after a change of place, and the
likeness of both at several scales decides how many there are.
"""

import numpy as np

from scene_model.trips.moments import BoolArray, FloatArray, IntArray, distances_km

MINUTE_S = 60
# Scales of likeness: a visit, a meal, half a day.
_SCALES_S = (15 * MINUTE_S, 30 * MINUTE_S, 60 * MINUTE_S, 120 * MINUTE_S)
# Never a cut below the first, always above the second.
_MIN_PAUSE_S, _MAX_PAUSE_S = 20 * MINUTE_S, 180 * MINUTE_S
# A change of place of so many km is as much as the pause beside it.
_PLACE_KM, _PLACE_PAUSE_S = 2.0, 45 * MINUTE_S
_MIN_MOVED_KM = 0.5


def chapter_starts(seconds: IntArray, latitudes: FloatArray, longitudes: FloatArray) -> BoolArray:
    """Return which photos of a day begin a chapter; the first one always does.

    seconds: sorted. Positions in degrees, NaN where missing or from a plane.
    """
    starts = np.zeros(len(seconds), dtype=np.bool_)
    starts[0] = True
    pauses = np.diff(seconds).astype(np.float64)
    separation = pauses + _place_pauses(seconds, latitudes, longitudes)
    separation[pauses < _MIN_PAUSE_S / 2] = 0
    candidates = np.flatnonzero(separation >= _MIN_PAUSE_S)
    if len(candidates):
        threshold = _threshold(separation, candidates)
        starts[1:] = separation >= threshold
    return starts


def _place_pauses(seconds: IntArray, latitudes: FloatArray, longitudes: FloatArray) -> FloatArray:
    """Return how long a pause each change of place between photos is worth, in seconds."""
    filled = _with_last_position(latitudes), _with_last_position(longitudes)
    moved = distances_km(filled[0][:-1], filled[1][:-1], filled[0][1:], filled[1][1:])
    moved = np.nan_to_num(moved)
    worth = _PLACE_PAUSE_S * np.minimum(1.0, moved / _PLACE_KM)
    return np.asarray(np.where(moved < _MIN_MOVED_KM, 0.0, worth))


def _with_last_position(values: FloatArray) -> FloatArray:
    index = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[index]


def _threshold(separation: FloatArray, candidates: IntArray) -> float:
    """Return the separation from which on a cut is made: that with the best partition."""
    levels = np.unique(separation[candidates])[::-1]
    levels = levels[(levels >= _MIN_PAUSE_S) & (levels <= _MAX_PAUSE_S)]
    highest = _MAX_PAUSE_S + 1.0
    likeness = _likeness(separation)
    best, best_score = highest, -np.inf
    for level in (highest, *levels.tolist()):
        score = _confidence(likeness, separation >= level)
        if score > best_score + 1e-9:
            best, best_score = level, score
    return best


def _likeness(separation: FloatArray) -> FloatArray:
    along = np.append(0.0, np.cumsum(separation))
    apart = np.abs(along[:, None] - along[None, :])
    return np.mean([np.exp(-apart / scale) for scale in _SCALES_S], axis=0)


def _confidence(likeness: FloatArray, is_cut: BoolArray) -> float:
    """Return how much more alike photos are within chapters than in neighbouring ones."""
    edges = np.concatenate(([0], np.flatnonzero(is_cut) + 1, [len(likeness)]))
    if len(edges) == 2:
        return float(likeness.mean())
    sums = np.add.reduceat(np.add.reduceat(likeness, edges[:-1], axis=0), edges[:-1], axis=1)
    sizes = np.diff(edges)
    means = sums / np.outer(sizes, sizes)
    within = float(np.diagonal(means).mean())
    between = float(np.diagonal(means, offset=1).mean())
    return within - between
