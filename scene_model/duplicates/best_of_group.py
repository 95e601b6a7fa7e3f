"""Rank the photos of one group by sharpness and exposure; say why, or that it can't be told.

Figures are compared within the group only, and small differences do not count. Brackets and
panoramas are not ranked: each of their photos is needed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.photos.quality import PictureQuality

FloatValues = npt.NDArray[np.float64]

# By benchmarks/best_of_group.py; a logistic regression of well and badly exposed copies gave the
# weights of exposure. In advantage, 1 is a difference that people notice side by side.
_SHARPNESS_WEIGHT, _TONES_WEIGHT, _CLIPPED_WEIGHT, _WHITE_WEIGHT = 3.0, 1.4, 1.7, 14.0
# Differences below are noise: copies that were saved again differ as much.
_SHARPNESS_NOISE, _EXPOSURE_NOISE = 0.9, 0.4
# Clipped edges are sharp: so much less counts the sharpness of a photo that is exposed worse.
_MOST_SHARP_BY_EXPOSURE = 1.5
# In a group of three or more, the middle one says how bright the scene is. In stops.
_SAME_BRIGHTNESS, _BRIGHTNESS_WEIGHT, _GAMMA = 0.3, 3.0, 2.2
_LEAST_CLIPPED = 0.001
LEAST_ADVANTAGE = 0.25
# A smaller difference in exposure counts, but is no reason beside one in sharpness.
_NAMED_EXPOSURE = 1.5
# A photo is proposed for the trash where the best one's advantage is larger.
_CAREFUL, _STRICT = 8.0, 0.25
STRICTNESSES = range(1, 11)
QUALITY_COLUMNS = ("sharpness", "clipped", "brightness", "white_level", "tonal_range")


@dataclass(frozen=True)
class Ranking:
    """The photos of a group, best first. best: None where it can't be told.

    behind: by how much the best photo, or the first where none is best, is better than each, 0
    where that can't be told. reasons: why a photo is before the others, or behind the best: "less
    sharp". is_measured: whether all of them were measured.
    """

    photo_ids: tuple[str, ...]
    best: str | None
    behind: Mapping[str, float]
    reasons: Mapping[str, tuple[str, ...]]
    is_measured: bool = True


def quality_of(row: Any) -> PictureQuality | None:
    """Return the quality in a row of ``photos``; None where it was not measured."""
    values = [getattr(row, name) for name in QUALITY_COLUMNS]
    return None if None in values else PictureQuality(*values)


def rank(qualities: Mapping[str, PictureQuality | None]) -> Ranking:
    """Rank a group. qualities: by photo id, in the order to keep where nothing can be told.

    A photo that was not measured makes the group one of which nothing can be told.
    """
    ids = list(qualities)
    measured = [quality for quality in qualities.values() if quality is not None]
    if len(measured) < len(ids) or len(ids) < 2:
        is_measured = len(measured) == len(ids)
        no_reasons: dict[str, tuple[str, ...]] = dict.fromkeys(ids, ())
        return Ranking(tuple(ids), None, dict.fromkeys(ids, 0.0), no_reasons, is_measured)
    sharpness, exposure = _advantages(measured)
    advantages = sharpness + exposure
    order = sorted(range(len(ids)), key=lambda index: -round(float(advantages[index].mean()), 6))
    first = order[0]
    others = [index for index in range(len(ids)) if index != first]
    is_best = all(advantages[first, index] >= LEAST_ADVANTAGE for index in others)
    reasons = {
        ids[index]: _words(
            -sharpness[first, index], -exposure[first, index], measured, first, index
        )
        for index in others
    }
    if is_best:
        second = order[1]
        reasons[ids[first]] = _words(
            sharpness[first, second], exposure[first, second], measured, second, first
        )
    return Ranking(
        tuple(ids[index] for index in order),
        ids[first] if is_best else None,
        {ids[index]: max(0.0, float(advantages[first, index])) for index in order},
        {photo_id: reasons.get(photo_id, ()) for photo_id in ids},
    )


def order_of_burst(qualities: Sequence[PictureQuality | None], cover: int | None) -> list[int]:
    """Return the photos of a burst by their place in time: the best first, then as they were taken.

    cover: the one that the phone chose; it is first where the best can't be told.
    """
    ranking = rank({str(index): quality for index, quality in enumerate(qualities)})
    first = (cover or 0) if ranking.best is None else int(ranking.best)
    return [first, *(index for index in range(len(qualities)) if index != first)]


def to_trash(ranking: Ranking, strictness: int) -> tuple[str, ...]:
    """Return the photos that are clearly worse than the best of a group; never all of them.

    strictness: one of STRICTNESSES; the higher, the smaller a difference counts.
    """
    share = (strictness - STRICTNESSES[0]) / (STRICTNESSES[-1] - STRICTNESSES[0])
    limit = _CAREFUL * (_STRICT / _CAREFUL) ** share
    return tuple(
        photo_id
        for photo_id in ranking.photo_ids[1:]
        if ranking.reasons[photo_id] and ranking.behind[photo_id] >= limit
    )


def _advantages(
    qualities: Sequence[PictureQuality],
) -> tuple[FloatValues, FloatValues]:
    """Return by how much each photo is sharper and better exposed than each other one."""
    sharpness = _SHARPNESS_WEIGHT * np.array([math.log2(each.sharpness) for each in qualities])
    exposure = np.array([_exposure_score(each) for each in qualities])
    if len(qualities) > 2:
        exposure -= _BRIGHTNESS_WEIGHT * _stops_from_middle(qualities)
    sharper = sharpness[:, None] - sharpness[None, :]
    better_exposed = exposure[:, None] - exposure[None, :]
    by_exposure = np.minimum(_MOST_SHARP_BY_EXPOSURE, np.abs(better_exposed))
    noise = _SHARPNESS_NOISE + np.where(sharper * better_exposed < 0, by_exposure, 0.0)
    return _beyond(sharper, noise), _beyond(better_exposed, _EXPOSURE_NOISE)


def _stops_from_middle(qualities: Sequence[PictureQuality]) -> FloatValues:
    """Return by how many stops photos are brighter or darker than the middle one of the group."""
    levels = np.array([max(each.brightness, 0.01) for each in qualities])
    stops = np.abs(_GAMMA * np.log2(levels / np.median(levels)))
    beyond: FloatValues = np.maximum(0.0, stops - _SAME_BRIGHTNESS)
    return beyond


def _exposure_score(quality: PictureQuality) -> float:
    return (
        _TONES_WEIGHT * quality.tonal_range
        - _CLIPPED_WEIGHT * math.log10(quality.clipped + _LEAST_CLIPPED)
        + _WHITE_WEIGHT * quality.white_level
    )


def _beyond(differences: FloatValues, noise: FloatValues | float) -> FloatValues:
    beyond: FloatValues = np.sign(differences) * np.maximum(0.0, np.abs(differences) - noise)
    return beyond


def _words(
    sharpness: float,
    exposure: float,
    qualities: Sequence[PictureQuality],
    other: int,
    index: int,
) -> tuple[str, ...]:
    """Say how a photo differs from another one: "sharper", "more clipped"."""
    words = []
    if sharpness:
        words.append("sharper" if sharpness > 0 else "less sharp")
    if abs(exposure) >= _NAMED_EXPOSURE or (exposure and not sharpness):
        clipped = qualities[index].clipped - qualities[other].clipped
        white = qualities[index].white_level - qualities[other].white_level
        if clipped * exposure < 0 and abs(clipped) > 10 * _LEAST_CLIPPED:
            words.append("less clipped" if exposure > 0 else "more clipped")
        elif white * exposure > 0:
            words.append("brighter" if exposure > 0 else "too dark")
        else:
            words.append("better exposed" if exposure > 0 else "worse exposed")
    return tuple(words)
