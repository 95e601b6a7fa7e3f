"""The only resize rule of photos for networks, which training and serving share."""

import cv2

from scene_model.photos.colours import Pixels


def resize_to_square(pixels: Pixels, side: int) -> Pixels:
    """Stretch a whole picture to (side, side, 3): no cropping, no padding."""
    return resize(pixels, side, side)


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """Stretch a whole picture to (height, width, 3).

    Area averaging where it shrinks, bilinear where it enlarges.
    """
    rows, columns = pixels.shape[:2]
    shrinks = rows >= height and columns >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if not shrinks and (rows > 2 * height or columns > 2 * width):
        # One side shrinks a lot while the other grows: average the long one first.
        pixels = cv2.resize(  # type: ignore[assignment]
            pixels, (min(columns, width), min(rows, height)), interpolation=cv2.INTER_AREA
        )
    return cv2.resize(pixels, (width, height), interpolation=method)  # type: ignore[return-value]
