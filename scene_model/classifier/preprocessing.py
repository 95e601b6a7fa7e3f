"""From decoded pixels to a network's input, by the rule in bundle.json.

Serving, fitting and training share it. In two steps: the resize, whose result is a picture still
(fitting mirrors it), and the numbers, which only the graph reads.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle_network import InputEntry
from scene_model.photos.colours import Pixels
from scene_model.photos.resize import resize

InputTensor = npt.NDArray[np.generic]

# Longer pictures are cut before they are resized: a panorama of 1 × 4,096 pixels, its short side
# enlarged to 256, would take 800 MB.
_LONG_RATIO = 4.0


@dataclass(frozen=True)
class Preprocessing:
    """The rule of one network."""

    rule: InputEntry

    @property
    def short_side(self) -> int:
        """Length of a photo's shorter side, in pixels, from which no detail is lost."""
        return self.rule.short_side or max(self.rule.width, self.rule.height)

    def resized(self, pixels: Pixels) -> Pixels:
        """Resize a picture, uint8 RGB (h, w, 3), to the input's (height, width, 3)."""
        if self.rule.short_side is None:
            return self.stretched(pixels)
        return _centre_crop(pixels, self.rule.short_side, self.rule.width, self.rule.height)

    def stretched(self, view: Pixels) -> Pixels:
        """Stretch a view, which was cut out of a picture, to the input's (height, width, 3)."""
        if view.shape[:2] == (self.rule.height, self.rule.width):
            return view
        return resize(view, self.rule.width, self.rule.height)

    def tensor(self, resized: Pixels) -> InputTensor:
        """Convert a resized picture to the graph's input for one photo: colours, numbers, axes."""
        rule = self.rule
        picture = resized[:, :, ::-1] if rule.colour_order == "BGR" else resized
        values: InputTensor = picture
        if rule.dtype == "float32":
            numbers = picture.astype(np.float32)
            numbers *= np.float32(rule.scale)
            numbers -= np.array(rule.mean, np.float32)
            numbers /= np.array(rule.deviation, np.float32)
            values = numbers
        if rule.layout == "NCHW":
            values = values.transpose(2, 0, 1)
        return np.ascontiguousarray(values[np.newaxis])


def _centre_crop(pixels: Pixels, short_side: int, width: int, height: int) -> Pixels:
    pixels = _without_far_ends(pixels, short_side, max(width, height))
    rows, columns = pixels.shape[:2]
    scale = short_side / min(rows, columns)
    new_width, new_height = (
        max(short_side, math.floor(columns * scale + 1e-6)),
        max(short_side, math.floor(rows * scale + 1e-6)),
    )
    if (new_width, new_height) != (columns, rows):
        pixels = resize(pixels, new_width, new_height)
    top, left = (new_height - height) // 2, (new_width - width) // 2
    return pixels[top : top + height, left : left + width]


def _without_far_ends(pixels: Pixels, short_side: int, crop_side: int) -> Pixels:
    """Cut from a very long picture the ends that the crop would not show."""
    short, long = sorted(pixels.shape[:2])
    if long <= _LONG_RATIO * short:
        return pixels
    kept = max(short, math.ceil(short * crop_side / short_side) + 2)
    start = (long - kept) // 2
    cut = slice(start, start + kept)
    return pixels[:, cut] if pixels.shape[1] == long else pixels[cut]
