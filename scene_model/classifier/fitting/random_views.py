"""Random views (augmentation) of a training photo at a given input size."""

import cv2
import numpy as np

from scene_model.photos.colours import Pixels
from scene_model.photos.resize import resize_to_square

# Probability of each augmentation. They imitate photos of real galleries: crops, mirror
# images, enlarged thumbnails, strong compression, unusual light, tilted horizons.
_WHOLE_PHOTO = 0.25
_FLIP = 0.5
_TILT = 0.2
_LOW_RESOLUTION = 0.25
_JPEG = 0.25
_COLOUR = 0.6
_GREY = 0.04


def random_view(pixels: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """Return one random view, shape (side, side, 3), uint8, RGB; the input is not changed."""
    view = pixels
    if rng.random() < _TILT:
        view = _tilted(view, float(rng.uniform(-8.0, 8.0)))
    if rng.random() >= _WHOLE_PHOTO:
        view = _crop(view, rng)
    if rng.random() < _LOW_RESOLUTION:
        view = resize_to_square(view, int(rng.integers(72, 160)))
    view = resize_to_square(np.ascontiguousarray(view), side)
    if rng.random() < _FLIP:
        view = np.ascontiguousarray(view[:, ::-1])
    if rng.random() < _COLOUR:
        view = _recoloured(view, rng)
    if rng.random() < _JPEG:
        view = _recompressed(view, int(rng.integers(35, 90)))
    return view


def degraded_copy(view: Pixels, rng: np.random.Generator) -> Pixels:
    """Imitate a shared copy of a view: scaled down, compressed as JPEG, scaled up again."""
    side = view.shape[0]
    small = resize_to_square(view, int(rng.integers(96, 200)))
    return resize_to_square(_recompressed(small, int(rng.integers(60, 96))), side)


def _crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Cut out 40-100 % of the area, with the aspect ratio changed by up to a third."""
    height, width = pixels.shape[:2]
    share = float(rng.uniform(0.4, 1.0))
    stretch = float(np.exp(rng.uniform(-0.29, 0.29)))
    crop_height = min(height, round(height * (share * stretch) ** 0.5))
    crop_width = min(width, round(width * (share / stretch) ** 0.5))
    top = int(rng.integers(0, height - crop_height + 1))
    left = int(rng.integers(0, width - crop_width + 1))
    return pixels[top : top + crop_height, left : left + crop_width]


def _tilted(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    rotation = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    rotated = cv2.warpAffine(pixels, rotation, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return rotated  # type: ignore[return-value]


def _recoloured(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    if rng.random() < _GREY:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)  # type: ignore[return-value]
    view = pixels.astype(np.float32)
    view *= float(rng.uniform(0.7, 1.3))  # brightness
    mean = view.mean()
    view = (view - mean) * float(rng.uniform(0.7, 1.3)) + mean  # contrast
    grey_level = view.mean(axis=2, keepdims=True)
    view = (view - grey_level) * float(rng.uniform(0.6, 1.4)) + grey_level  # saturation
    view *= rng.uniform(0.93, 1.07, 3).astype(np.float32)  # white balance
    recoloured: Pixels = np.clip(view, 0, 255).astype(np.uint8)
    return recoloured


def _recompressed(pixels: Pixels, quality: int) -> Pixels:
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)  # type: ignore[return-value]
