"""The teacher of the head ``places``: SqueezeNet 1.1 for the 365 scenes of Places365.

Weights: ``places365_squeezenet.npz`` of the data folder (Zhou et al. 2017, CC BY; trained by
a third party with batch normalization, which is folded into the convolutions).
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.architectures import set_named_weights

_SLOPE = 0.55
# Squeezed and expanded channels of the fire modules 2 to 9 (Iandola et al. 2016, version 1.1).
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
_POOLED_BEFORE = (2, 4, 6)
_MEAN_BGR = (104.05, 112.51, 116.68)
PLACES = 365


def places_teacher(file: Path) -> keras.Model:
    """Build the network: float32 RGB (N, side, side, 3) in [-1, 1] → logits (N, 365)."""
    inputs = keras.Input((None, None, 3))
    x = _TeacherPixels(name="pixels")(inputs)
    x = keras.layers.ZeroPadding2D(1, name="pad")(x)
    x = _convolution(x, 64, 3, "conv1", stride=2, padding="valid")
    for number, (squeezed, expanded) in enumerate(FIRES, start=2):
        if number in _POOLED_BEFORE:
            x = keras.layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
        x = _convolution(x, squeezed, 1, f"fire{number}_squeeze1x1")
        x = keras.layers.Concatenate(name=f"fire{number}")(
            [
                _convolution(x, expanded, 1, f"fire{number}_expand1x1"),
                _convolution(x, expanded, 3, f"fire{number}_expand3x3"),
            ]
        )
    x = _convolution(x, PLACES, 1, "conv10")
    network = keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="mean")(x))
    with np.load(file, allow_pickle=False) as arrays:
        # fire2/squeeze1x1/kernel → fire2_squeeze1x1/kernel.
        named = {
            "/".join(("_".join(name.split("/")[:-1]), name.split("/")[-1])): arrays[name]
            for name in arrays.files
        }
    set_named_weights(network, named)
    return network


def _convolution(
    x: Any, filters: int, size: int, name: str, *, stride: int = 1, padding: str = "same"
) -> Any:
    x = keras.layers.Conv2D(filters, size, stride, padding, name=name)(x)
    return keras.layers.LeakyReLU(_SLOPE, name=f"{name}_relu")(x)


class _TeacherPixels(keras.layers.Layer):
    """RGB in [-1, 1] to BGR, minus the mean of the training photos, divided by 255."""

    def call(self, inputs: Any) -> Any:
        """Return shape (N, height, width, 3)."""
        return ((inputs[..., ::-1] + 1.0) * 127.5 - keras.ops.array(_MEAN_BGR)) / 255.0
