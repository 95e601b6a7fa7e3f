"""The chapters of a day: what was photographed at one time and in one place.

As in Naaman et al. (PhotoCompas, 2004), time and place decide together: a change of place counts as
much as a pause. The scale is chosen for each day, as Cooper, Foote, Girgensohn and Wilcox do
(Temporal event clustering for digital photo collections, 2005): a day at the beach has longer
pauses within a chapter than a visit of a museum. Their confidence score, the similarity within
chapters less that between them, made twice as many wrong cuts in `benchmarks.trips` as the rule
here: the scale lies where the pauses of a day show the widest gap between short and long ones.
"""

import numpy as np

from scene_model.trips.moments import BoolArray, FloatArray, IntArray, distances_km

_MINUTE_S = 60
# Photos within ten minutes are never cut: a bus ride between them, or a wrong position.
_SHORTEST_PAUSE_S = 10 * _MINUTE_S
# The scale is between these, and about an hour where a day shows no gap; so much the gap must be
# wider for a scale farther from that, as a share of the logarithm.
_MIN_SCALE_S, _MAX_SCALE_S = 30 * _MINUTE_S, 120 * _MINUTE_S
_USUAL_SCALE_S, _USUAL_WEIGHT = 70 * _MINUTE_S, 0.5
# A change of place of so many km is worth such a pause, a smaller one less.
_PLACE_KM, _PLACE_PAUSE_S = 2.0, 40 * _MINUTE_S
# Walks around one place, and what GPS is wrong by in streets.
_SAME_PLACE_KM = 0.5


def chapter_starts(seconds: IntArray, latitudes: FloatArray, longitudes: FloatArray) -> BoolArray:
    """Return which photos of a day begin a chapter; the first one always does.

    seconds: sorted. Positions in degrees, NaN where missing or from a plane.
    """
    pauses = np.diff(seconds).astype(np.float64)
    separation = pauses + _place_pauses(latitudes, longitudes)
    separation[pauses < _SHORTEST_PAUSE_S] = 0
    return np.append(True, separation >= _scale_of(separation))


def _scale_of(separation: FloatArray) -> float:
    """Return from which separation on photos are in two chapters, in seconds."""
    is_between = (separation > _MIN_SCALE_S) & (separation < _MAX_SCALE_S)
    levels = np.concatenate(([_MIN_SCALE_S], np.sort(separation[is_between]), [_MAX_SCALE_S]))
    logarithms = np.log(levels)
    middles = (logarithms[1:] + logarithms[:-1]) / 2
    unusual = np.abs(middles - np.log(_USUAL_SCALE_S))
    widest = int(np.argmax(np.diff(logarithms) - _USUAL_WEIGHT * unusual))
    return float(np.exp(middles[widest]))


def _place_pauses(latitudes: FloatArray, longitudes: FloatArray) -> FloatArray:
    """Return how long a pause each change of place between photos is worth, in seconds."""
    latitudes, longitudes = _with_last(latitudes), _with_last(longitudes)
    km = distances_km(latitudes[:-1], longitudes[:-1], latitudes[1:], longitudes[1:])
    km = np.nan_to_num(km)
    worth = _PLACE_PAUSE_S * np.minimum(1.0, km / _PLACE_KM)
    return np.asarray(np.where(km < _SAME_PLACE_KM, 0.0, worth))


def _with_last(values: FloatArray) -> FloatArray:
    """Return values with the one before in place of NaN."""
    index = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return np.asarray(values[index])
