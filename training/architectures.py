"""The networks that can be trained: float32 pixels in [-1, 1] in, one embedding out."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from training.mobilenet import mobilenet_v2, mobilenet_v2_branches

FloatArray = npt.NDArray[np.float32]
NamedWeights = dict[str, FloatArray]

# Name prefix of our dense layers before the embedding; starting weights may lack them.
HIDDEN = "hidden_"
_SCENE_CNN_FILTERS = (32, 64, 128, 256, 512, 1024)
_SCENE_CNN_POOLING = (3, 2, 2, 2, None, None)
# What VGG16's ImageNet weights expect: BGR, minus the mean of ImageNet (Simonyan 2014).
_VGG_MEAN_BGR = (103.939, 116.779, 123.68)


def build_backbone(
    architecture: str, input_size: int | None = None, hidden: tuple[int, ...] = ()
) -> keras.Model:
    """Build a network without heads: (N, side, side, 3) in [-1, 1] → (N, embedding size).

    architecture: "mobilenet_v2" (1,280 numbers), "mobilenet_v2_branches" (2,560), "vgg16" (512),
    "scene_cnn" (1,024) or "small_cnn" (64). input_size None accepts any side. hidden: sizes of
    dense layers appended to the network; the output of the last one is then the embedding.
    """
    network = {
        "mobilenet_v2": mobilenet_v2,
        "mobilenet_v2_branches": mobilenet_v2_branches,
        "vgg16": vgg16,
        "scene_cnn": scene_cnn,
        "small_cnn": small_cnn,
    }[architecture](input_size)
    if not hidden:
        return network
    x = network.output
    for index, units in enumerate(hidden):
        x = keras.layers.Dense(units, activation="relu", name=f"{HIDDEN}{index}")(x)
    return keras.Model(network.input, x, name=network.name)


def vgg16(input_size: int | None = None) -> keras.Model:
    """VGG16's thirteen convolutions and global average pooling (Simonyan and Zisserman 2014)."""
    inputs = keras.Input((input_size, input_size, 3))
    x = _BgrPixels(name="bgr_pixels")(inputs)
    base = keras.applications.VGG16(include_top=False, weights=None, input_tensor=x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(base.output)
    return keras.Model(inputs, x, name="vgg16")


def scene_cnn(input_size: int | None = None) -> keras.Model:
    """Six 3×3 convolutions, max pooling after the first four, and a dense layer of 1,024."""
    inputs = keras.Input((input_size, input_size, 3))
    x = inputs
    for index, (filters, pool) in enumerate(
        zip(_SCENE_CNN_FILTERS, _SCENE_CNN_POOLING, strict=True)
    ):
        x = _relu_convolution(filters, f"conv_{index}")(x)
        if pool:
            x = keras.layers.MaxPooling2D(pool, name=f"pool_{index}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    x = keras.layers.Dense(1024, activation="relu", name="dense")(x)
    return keras.Model(inputs, x, name="scene_cnn")


def small_cnn(input_size: int | None = None) -> keras.Model:
    """Three small convolutions: the baseline."""
    inputs = keras.Input((input_size, input_size, 3))
    x = inputs
    for index, filters in enumerate((16, 32, 64)):
        x = _relu_convolution(filters, f"conv_{index}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool_{index}")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(inputs, x, name="small_cnn")


def divide(network: keras.Model, first_trained: str) -> tuple[keras.Model, keras.Model]:
    """Split a network before a block ("block_7") into (lower, upper), which share its layers.

    Raises ValueError when no layer's name begins with that block.
    """
    for layer in network.layers[1:]:
        if layer.name.startswith(f"{first_trained}_"):
            boundary = layer.input
            return (
                keras.Model(network.input, boundary, name="lower"),
                keras.Model(boundary, network.output, name="upper"),
            )
    blocks = sorted({layer.name.rsplit("_", 1)[0] for layer in network.layers if layer.weights})
    raise ValueError(
        f"train_from names {first_trained!r}, which {network.name} does not have. "
        f"It has {', '.join(blocks)}."
    )


def scale_pixels(pixels: npt.NDArray[np.uint8]) -> FloatArray:
    """Scale uint8 pixels to the networks' input range [-1, 1]."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def named_weights(network: keras.Model) -> NamedWeights:
    """Return a network's weights as ``layer/kernel`` and ``layer/bias``."""
    return {
        f"{layer.name}/{weight.name}": np.asarray(weight.numpy(), np.float32)
        for layer in network.layers
        for weight in layer.weights
    }


def set_named_weights(network: keras.Model, weights: NamedWeights) -> None:
    """Set the weights of a network of the same architecture; hidden layers may be missing.

    Raises ValueError that names the first array that is missing or has a different shape.
    """
    for layer in network.layers:
        for weight in layer.weights:
            name = f"{layer.name}/{weight.name}"
            array = weights.get(name)
            if array is None and layer.name.startswith(HIDDEN):
                continue
            if array is None or array.shape != tuple(weight.shape):
                what = "missing" if array is None else f"of shape {array.shape}"
                raise ValueError(
                    f"{network.name} needs {name} of shape {tuple(weight.shape)}; it is {what}."
                )
            weight.assign(np.asarray(array, np.float32))


def _relu_convolution(filters: int, name: str) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(
        filters,
        3,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )


class _BgrPixels(keras.layers.Layer):
    """RGB in [-1, 1] to BGR in 0-255, minus ImageNet's mean."""

    def call(self, inputs: Any) -> Any:
        """Return shape (N, height, width, 3)."""
        return (inputs[..., ::-1] + 1.0) * 127.5 - keras.ops.array(_VGG_MEAN_BGR)
