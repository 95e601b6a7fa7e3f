"""Compare small grey pictures of photos taken within seconds: the same view, or views side by side.

Pictures have the size of `small_picture`; a shift is a share of their width or height.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scene_model.photos.colours import Pixels

GreyFloats = npt.NDArray[np.float32]

_LONG_SIDE = 96
_LEAST_SIDE = 24
# Between two photos of a burst the camera moves little.
_MOST_BURST_SHIFT = 0.2
# The part of a picture that is looked for in the next one: a strip at the side, without the corners
# that leave the view when the camera is not held level.
_STRIP, _STRIP_INSET = 0.25, 0.15
# Grey levels: a strip of even sky or sea is found everywhere.
_LEAST_STRIP_DETAIL = 6.0
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Shift:
    """How far the view of the second picture lies from that of the first, as shares of a side.

    across: to the right positive. down: down positive. similarity: the correlation where both show
    the same, in [-1, 1].
    """

    across: float
    down: float
    similarity: float


def small_picture(pixels: Pixels) -> GreyFloats | None:
    """Return a picture as it is compared; None for one that is too narrow.

    pixels: shape (height, width, 3), uint8, RGB.
    """
    height, width = pixels.shape[:2]
    scale = _LONG_SIDE / max(height, width)
    size = (round(width * scale), round(height * scale))
    if min(size) < _LEAST_SIDE:
        return None
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0.8), np.float32)


def same_view(first: GreyFloats, second: GreyFloats) -> float:
    """Return how alike two pictures of one view are, in [-1, 1], at any exposure.

    The second may be shifted by up to a fifth. 0 for pictures of different sizes.
    """
    if first.shape != second.shape:
        return 0.0
    levelled, other = _equalised(first), _equalised(second)
    height, width = first.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (across, down), _ = cv2.phaseCorrelate(levelled, other, window)
    similarity = _correlation(levelled, other)
    if max(abs(across) / width, abs(down) / height) <= _MOST_BURST_SHIFT:
        similarity = max(similarity, _overlap(levelled, other, round(across), round(down)))
    return similarity


def side_by_side(first: GreyFloats, second: GreyFloats) -> Shift | None:
    """Return the shift between two views that overlap; None where none is found.

    The strip at each side of the first picture is looked for in the second.
    """
    if first.shape != second.shape:
        return None
    shifts = [
        shift for side in _SIDES if (shift := _shift_towards(first, second, *side)) is not None
    ]
    return max(shifts, key=lambda shift: shift.similarity, default=None)


def _shift_towards(first: GreyFloats, second: GreyFloats, across: int, down: int) -> Shift | None:
    """Return the shift of a view to one side: (1, 0) right, (0, -1) up."""
    height, width = first.shape
    columns = _strip(width, across)
    rows = _strip(height, down)
    strip = first[rows, columns]
    if float(strip.std()) < _LEAST_STRIP_DETAIL:
        return None
    matches = cv2.matchTemplate(second, strip, cv2.TM_CCOEFF_NORMED)
    _, _, _, (left, top) = cv2.minMaxLoc(matches)
    right, lower = columns.start - left, rows.start - top
    similarity = _overlap(first, second, -right, -lower)
    return Shift(right / width, lower / height, similarity)


def _strip(length: int, direction: int) -> slice:
    """Return the part of a side that belongs to the strip in a direction; 0: along the strip."""
    if not direction:
        inset = round(_STRIP_INSET * length)
        return slice(inset, length - inset)
    wide = round(_STRIP * length)
    return slice(length - wide, length) if direction > 0 else slice(0, wide)


def _overlap(first: GreyFloats, second: GreyFloats, across: int, down: int) -> float:
    """Correlate what two pictures share when the second is moved so many pixels in the first."""
    height, width = first.shape
    if abs(across) >= width or abs(down) >= height:
        return 0.0
    mine = first[max(0, -down) : height - max(0, down), max(0, -across) : width - max(0, across)]
    theirs = second[max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)]
    return _correlation(mine, theirs)


def _equalised(picture: GreyFloats) -> GreyFloats:
    """Spread the tones, so that pictures of different exposures can be compared."""
    equal = cv2.equalizeHist(np.clip(picture, 0, 255).astype(np.uint8))
    return np.asarray(equal, np.float32)


def _correlation(first: GreyFloats, second: GreyFloats) -> float:
    first_centred, second_centred = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first_centred**2).sum() * (second_centred**2).sum()))
    return float((first_centred * second_centred).sum()) / spread if spread > 1e-3 else 0.0
