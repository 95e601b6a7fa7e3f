"""Decide whether two pictures are copies: rotated, mirrored, resized, cropped a little, re-encoded.

Hashes give the candidates; here a candidate pair is aligned and compared. Two shots of one scene
are similar too, but do not match tile for tile, and differ at the edges.
"""

import cv2
import numpy as np
import numpy.typing as npt

GreyPicture = npt.NDArray[np.uint8]

# Quarter turns, then a mirror: all eight orientations of a picture.
TURNS = tuple((quarters, mirrored) for mirrored in (False, True) for quarters in range(4))
SIDE = 96
_COARSE_SIDE = 32
# Correlation of small versions before alignment: most crops of 5 % stay above 0.85, most pairs of
# shots of one scene with a moving camera stay below; unrelated pictures stay below 0.5. Between the
# two limits, the aligned tiles must match better, and the alignment must not be skewed.
_COARSE_FLOOR, _COARSE_SURE = 0.6, 0.85
_BLUR = 5
# By benchmarks/near_duplicates.py.
_ALIKE_ABOVE = 0.94
_TILE = 12
_TILES_ALIKE_ABOVE, _TILES_ALIKE_UNSURE = 0.66, 0.82
_ASKEW, _ASKEW_UNSURE = 0.05, 0.008
_FLAT_BELOW = 4.0  # standard deviation in grey levels: a flat tile has no detail to compare
_COVERED_FROM = 0.985
_SCALE_RANGE = (0.85, 1.18)
_STEPS = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT


def rotated(picture: GreyPicture, turn: int) -> GreyPicture:
    """Return a picture in one of the eight orientations; 0 is unchanged."""
    quarters, is_mirrored = TURNS[turn]
    laid = np.rot90(picture, quarters)
    return np.ascontiguousarray(laid[:, ::-1] if is_mirrored else laid)


def aligned_similarity(first: GreyPicture, second: GreyPicture) -> float | None:
    """Align two grey pictures of any size.

    Returns their correlation, in [0, 1], when they are copies; None when they are not.
    """
    if _aspect(first) / _aspect(second) > 1.2 or _aspect(second) / _aspect(first) > 1.2:
        return None
    coarse = [_scaled(picture, _COARSE_SIDE) for picture in (first, second)]
    coarse_correlation = _correlation(*coarse)
    if coarse_correlation < _COARSE_FLOOR:
        return None
    is_sure = coarse_correlation >= _COARSE_SURE
    tiles_from = _TILES_ALIKE_ABOVE if is_sure else _TILES_ALIKE_UNSURE
    still, moved = _scaled(first, SIDE), _scaled(second, SIDE)
    warp = np.eye(2, 3, dtype=np.float32)
    # Most copies are aligned already; aligning pictures with little detail makes them worse.
    similarity = _similarity(still, moved, warp, tiles_from)
    if similarity is not None:
        return similarity
    everywhere = np.full((SIDE, SIDE), 255, np.uint8)
    try:
        _, aligned = cv2.findTransformECC(
            still, moved, warp, cv2.MOTION_AFFINE, (_STEPS, 60, 1e-5), everywhere, _BLUR
        )
    except cv2.error:  # the alignment did not converge
        return None
    laid = np.asarray(aligned, np.float32)
    askew = _ASKEW if is_sure else _ASKEW_UNSURE
    return _similarity(still, moved, laid, tiles_from) if _is_crop(laid, askew) else None


def _similarity(
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
    # One picture must contain the other: `share` is the covered part of the first; of the second,
    # it is scaled by the determinant.
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
    """Similarity of the worst tile with detail: low where something in the scene moved."""
    worst = 1.0
    for top in range(0, SIDE, _TILE):
        for left in range(0, SIDE, _TILE):
            tile = np.s_[top : top + _TILE, left : left + _TILE]
            if not is_both[tile].all():
                continue
            first, second = still[tile], laid[tile]
            if max(first.std(), second.std()) >= _FLAT_BELOW:
                worst = min(worst, _tile_similarity(first, second))
    return worst


def _tile_similarity(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Correlation, in which noise on a nearly even area has little weight."""
    first_centred, second_centred = first - first.mean(), second - second.mean()
    noise = _FLAT_BELOW**2 * first.size
    covariance = float((first_centred * second_centred).sum()) + noise
    spread = float((first_centred**2).sum() + noise) * float((second_centred**2).sum() + noise)
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


def _correlation(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    first_centred, second_centred = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first_centred**2).sum() * (second_centred**2).sum()))
    return float((first_centred * second_centred).sum()) / spread if spread > 1e-6 else 0.0
