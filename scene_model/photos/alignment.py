"""Whether two pictures are one: turned, mirrored, resized, cropped a little, encoded anew.

A hash says which pictures may be; here they are laid over one another. Two shots of a scene look
alike too, but do not match part for part, and each shows something at an edge that the other lacks.
"""

import cv2
import numpy as np
import numpy.typing as npt

GreyPicture = npt.NDArray[np.uint8]

# Quarter turns, then a mirror: all eight ways a picture can lie.
TURNS = tuple((quarters, mirrored) for mirrored in (False, True) for quarters in range(4))
SIDE = 96
_GLANCE_SIDE = 32
# At a glance, before they are aligned: most crops in 5 % stay above 0.85, where most shots of one
# scene, in which the camera moved, fall below; strangers stay below 0.5. In between, what is
# aligned has to match the more, and not to be askew.
_GLANCE_FLOOR, _GLANCE_SURE = 0.6, 0.85
_BLUR = 5
# By benchmarks/near_duplicates.py.
_ALIKE_ABOVE = 0.94
_TILE = 12
_TILES_ALIKE_ABOVE, _TILES_ALIKE_UNSURE = 0.66, 0.82
_ASKEW, _ASKEW_UNSURE = 0.05, 0.008
_FLAT_BELOW = 4.0  # standard deviation in grey levels: what is flat has nothing to compare
_COVERED_FROM = 0.985
_SCALE_RANGE = (0.85, 1.18)
_STEPS = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT


def rotated(picture: GreyPicture, turn: int) -> GreyPicture:
    """Lay a picture one of the eight ways; 0 leaves it."""
    quarters, is_mirrored = TURNS[turn]
    laid = np.rot90(picture, quarters)
    return np.ascontiguousarray(laid[:, ::-1] if is_mirrored else laid)


def one_picture(one: GreyPicture, other: GreyPicture) -> float | None:
    """Lay two grey pictures, of whatever sizes, over one another.

    Returns how well they correlate, in [0, 1], when they are one picture; None when they are not.
    """
    if _aspect(one) / _aspect(other) > 1.2 or _aspect(other) / _aspect(one) > 1.2:
        return None
    glances = [_scaled(picture, _GLANCE_SIDE) for picture in (one, other)]
    glance = _correlation(glances[0], glances[1])
    if glance < _GLANCE_FLOOR:
        return None
    is_sure = glance >= _GLANCE_SURE
    tiles_from = _TILES_ALIKE_ABOVE if is_sure else _TILES_ALIKE_UNSURE
    still, moved = _scaled(one, SIDE), _scaled(other, SIDE)
    warp = np.eye(2, 3, dtype=np.float32)
    # Most copies lie as they are; aligning flat ones would only make them worse.
    likeness = _likeness(still, moved, warp, tiles_from)
    if likeness is not None:
        return likeness
    everywhere = np.full((SIDE, SIDE), 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            still, moved, warp, cv2.MOTION_AFFINE, (_STEPS, 60, 1e-5), everywhere, _BLUR
        )
    except cv2.error:  # it found no way
        return None
    laid = np.asarray(found, np.float32)
    askew = _ASKEW if is_sure else _ASKEW_UNSURE
    return _likeness(still, moved, laid, tiles_from) if _is_crop(laid, askew) else None


def _likeness(
    still: npt.NDArray[np.float32],
    moved: npt.NDArray[np.float32],
    warp: npt.NDArray[np.float32],
    tiles_from: float,
) -> float | None:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = np.asarray(cv2.warpAffine(moved, warp, (SIDE, SIDE), flags=flags), np.float32)
    ones = np.ones((SIDE, SIDE), np.float32)
    covered = np.asarray(cv2.warpAffine(ones, warp, (SIDE, SIDE), flags=flags))
    share, is_both = float((covered > 0.45).mean()), covered > 0.999
    # One has to lie in the other: of the first `share` is covered, of the second as much in its
    # own measure.
    determinant = abs(float(np.linalg.det(warp[:, :2])))
    if max(share, share * determinant) < _COVERED_FROM:
        return None
    alike = _correlation(still[is_both], laid[is_both])
    if alike < _ALIKE_ABOVE or _worst_tile(still, laid, is_both) < tiles_from:
        return None
    return min(1.0, alike)


def _worst_tile(
    still: npt.NDArray[np.float32], laid: npt.NDArray[np.float32], is_both: npt.NDArray[np.bool_]
) -> float:
    """How well the worst part with anything in it matches: where somebody moved, it does not."""
    worst = 1.0
    for top in range(0, SIDE, _TILE):
        for left in range(0, SIDE, _TILE):
            tile = np.s_[top : top + _TILE, left : left + _TILE]
            if not is_both[tile].all():
                continue
            one, other = still[tile], laid[tile]
            if max(one.std(), other.std()) >= _FLAT_BELOW:
                worst = min(worst, _tile_likeness(one, other))
    return worst


def _tile_likeness(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Correlation, but noise on a nearly even ground counts for little."""
    off_one, off_other = one - one.mean(), other - other.mean()
    noise = _FLAT_BELOW**2 * one.size
    covariance = float((off_one * off_other).sum()) + noise
    spread = float((off_one**2).sum() + noise) * float((off_other**2).sum() + noise)
    return covariance / float(np.sqrt(spread))


def _is_crop(warp: npt.NDArray[np.float32], askew: float) -> bool:
    low, high = _SCALE_RANGE
    across, down = float(warp[0, 0]), float(warp[1, 1])
    is_scaled = low < across < high and low < down < high
    return is_scaled and max(abs(float(warp[0, 1])), abs(float(warp[1, 0]))) < askew


def _aspect(picture: GreyPicture) -> float:
    return float(picture.shape[1]) / float(picture.shape[0])


def _scaled(picture: GreyPicture, side: int) -> npt.NDArray[np.float32]:
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _correlation(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    off_one, off_other = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((off_one**2).sum() * (off_other**2).sum()))
    return float((off_one * off_other).sum()) / spread if spread > 1e-6 else 0.0
