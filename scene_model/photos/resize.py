"""The classifier's only resize rule, which training and serving share."""

import cv2

from scene_model.photos.colours import Pixels


def resize_to_square(pixels: Pixels, side: int) -> Pixels:
    """Stretch a whole picture to (side, side, 3): no cropping, no padding.

    Area averaging where it shrinks, bilinear where it enlarges.
    """
    height, width = pixels.shape[:2]
    shrinks = height >= side and width >= side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if not shrinks and (height > 2 * side or width > 2 * side):
        # One side shrinks a lot while the other grows: average the long one first.
        pixels = cv2.resize(  # type: ignore[assignment]
            pixels, (min(width, side), min(height, side)), interpolation=cv2.INTER_AREA
        )
    return cv2.resize(pixels, (side, side), interpolation=method)  # type: ignore[return-value]
