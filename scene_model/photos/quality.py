"""Measure how sharp and how well exposed a picture is, to compare it with others of its scene.

The figures say nothing across scenes: a fog is not sharp, and a night is dark.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scene_model.photos.colours import Pixels

_TILES = 8
# Fine detail is what the first blur removes, coarse detail what the second removes beyond it.
_FINE_SIGMA, _COARSE_SIGMA = 0.8, 1.6
# Of the tiles with detail: only a part of a photo with shallow focus is meant to be sharp.
_SHARP_TILES = 0.85
_LEAST_DETAIL, _NOISE = 2.0, 1.0
_CLIPPED_FROM = 250
_WHITE = 0.995
# Larger pictures are measured at about the size that ingest decodes photos to.
_MAX_SIDE = 800


@dataclass(frozen=True)
class PictureQuality:
    """How sharp and how well exposed a picture is.

    sharpness: fine detail relative to coarse detail where the picture is sharpest, above 0; the
    same at any exposure. clipped: share of pixels whose brightest channel is at its end, in
    [0, 1]. brightness: the mean, in [0, 1]. white_level: the level that the brightest channel of
    0.5 % of the pixels exceeds, in [0, 1]. tonal_range: the entropy of the brightness, in bits,
    from 0 (one tone) to 6 (all tones alike).
    """

    sharpness: float
    clipped: float
    brightness: float
    white_level: float
    tonal_range: float


def measure_quality(pixels: Pixels) -> PictureQuality:
    """Measure a picture of any size; pixels: shape (height, width, 3), uint8, RGB."""
    scale = _MAX_SIDE / max(pixels.shape[:2])
    if scale < 1.0:
        size = [max(1, round(scale * side)) for side in pixels.shape[1::-1]]
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    red, green, blue = cv2.split(pixels)
    brightest = cv2.max(cv2.max(red, green), blue)
    levels = np.cumsum(cv2.calcHist([brightest], [0], None, [256], [0, 256]).ravel())
    shares = cv2.calcHist([grey], [0], None, [64], [0, 256]).ravel() / grey.size
    shares = shares[shares > 0]
    return PictureQuality(
        sharpness=_sharpness(grey),
        clipped=float(1.0 - levels[_CLIPPED_FROM - 1] / grey.size),
        brightness=cv2.mean(grey)[0] / 255.0,
        white_level=float(np.searchsorted(levels, _WHITE * grey.size)) / 255.0,
        tonal_range=max(0.0, -float((shares * np.log2(shares)).sum())),
    )


def _sharpness(grey: npt.NDArray[np.uint8]) -> float:
    """Return fine detail relative to coarse detail, of the sharpest tiles that have detail."""
    picture = grey.astype(np.float32)
    fine = np.asarray(cv2.GaussianBlur(picture, (5, 5), _FINE_SIGMA), np.float32)
    coarse = np.asarray(cv2.GaussianBlur(fine, (7, 7), _COARSE_SIGMA), np.float32)
    fine_energy = _tile_means(picture - fine)
    coarse_energy = _tile_means(fine - coarse)
    has_detail = coarse_energy >= max(_LEAST_DETAIL, 0.5 * float(np.median(coarse_energy)))
    ratios = fine_energy / (coarse_energy + _NOISE)
    chosen = ratios[has_detail] if has_detail.any() else ratios.ravel()
    return float(np.quantile(chosen, _SHARP_TILES)) + 1e-6


def _tile_means(differences: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean square of each tile; a few pixels at the edges may belong to none."""
    height, width = (max(1, side // _TILES) for side in differences.shape)
    whole = differences[: _TILES * height, : _TILES * width]
    tiles = whole.reshape(whole.shape[0] // height, height, whole.shape[1] // width, width)
    return np.asarray(np.einsum("ahbw,ahbw->ab", tiles, tiles) / (height * width), np.float32)
