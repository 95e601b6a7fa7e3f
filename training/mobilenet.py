"""MobileNetV2 with folded batch normalization and quantization-aware training.

Batch normalization is folded because a few thousand photos give worse statistics than ImageNet,
and because the trained weights are then exactly the ones that are quantized.
"""

from typing import Any

import keras
import tensorflow as tf

from training.mobilenet_blocks import (
    BLOCKS,
    BRANCH,
    BRANCH_BLOCK,
    LAST_CHANNELS,
    STEM_CHANNELS,
    block_name,
)


class Convolution(keras.layers.Conv2D):
    """A convolution with bias; when ``training``, its kernel is rounded as in int8."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the feature map, shape (N, height, width, filters)."""
        kernel = _rounded_kernel(self.kernel, (0, 1, 2)) if training else self.kernel
        return keras.ops.conv(inputs, kernel, self.strides, self.padding) + self.bias


class DepthwiseConvolution(keras.layers.DepthwiseConv2D):
    """A depthwise convolution with bias; when ``training``, its kernel is rounded as in int8."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the feature map, shape (N, height, width, channels)."""
        kernel = _rounded_kernel(self.kernel, (0, 1)) if training else self.kernel
        return keras.ops.depthwise_conv(inputs, kernel, self.strides, self.padding) + self.bias


class Rounding(keras.layers.Layer):
    """Rounds activations to 256 steps over the range of the batch when ``training``."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the input, rounded; gradients pass unchanged."""
        if not training:
            return inputs
        low = tf.minimum(tf.reduce_min(inputs), 0.0)
        high = tf.maximum(tf.reduce_max(inputs), low + 1e-3)
        return tf.quantization.fake_quant_with_min_max_vars(
            inputs, tf.stop_gradient(low), tf.stop_gradient(high)
        )


def mobilenet_v2(input_size: int | None = None) -> keras.Model:
    """MobileNetV2 1.0 (Sandler et al. 2018) without its classifier.

    input: float32 (N, side, side, 3) in [-1, 1], any even side when ``input_size`` is None.
    output: float32 (N, 1280), the globally averaged last feature map.
    Layers are named as in ``keras.applications``; called with ``training=True`` the
    network predicts as its int8 version does.
    """
    inputs = keras.Input((input_size, input_size, 3))
    x = _convolution(inputs, STEM_CHANNELS, "Conv1", size=3, stride=2)
    for index in range(len(BLOCKS)):
        x = _numbered_block(x, index)
    x = _convolution(x, LAST_CHANNELS, "Conv_1")
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(inputs, Rounding(name="embedding")(x), name="mobilenet_v2")


def mobilenet_v2_branches(input_size: int | None = None) -> keras.Model:
    """MobileNetV2 with two upper branches on the same lower blocks.

    The branches are blocks 7 to 16 and the last convolution, each with weights of its own; the
    layers of the second have the prefix BRANCH. output: float32 (N, 2560), the first branch's
    embedding and then the second's.
    """
    inputs = keras.Input((input_size, input_size, 3))
    x = _convolution(inputs, STEM_CHANNELS, "Conv1", size=3, stride=2)
    for index in range(BRANCH_BLOCK):
        x = _numbered_block(x, index)
    embeddings = []
    for prefix in ("", BRANCH):
        upper = x
        for index in range(BRANCH_BLOCK, len(BLOCKS)):
            upper = _numbered_block(upper, index, prefix)
        upper = _convolution(upper, LAST_CHANNELS, f"{prefix}Conv_1")
        embeddings.append(keras.layers.GlobalAveragePooling2D(name=f"{prefix}pooled")(upper))
    both = keras.layers.Concatenate(name="both")(embeddings)
    return keras.Model(inputs, Rounding(name="embedding")(both), name="mobilenet_v2_branches")


def _numbered_block(x: Any, index: int, prefix: str = "") -> Any:
    expansion, channels, stride = BLOCKS[index]
    return _block(x, block_name(index, prefix), expansion, channels, stride)


def _block(x: Any, name: str, expansion: int, channels: int, stride: int) -> Any:
    """One inverted residual with linear bottleneck."""
    shortcut = x
    if expansion > 1:
        x = _convolution(x, expansion * x.shape[-1], f"{name}_expand")
    x = DepthwiseConvolution(3, stride, "same", name=f"{name}_depthwise")(x)
    x = _activation(x, f"{name}_depthwise")
    x = _convolution(x, channels, f"{name}_project", linear=True)
    if stride == 1 and shortcut.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
        x = Rounding(name=f"{name}_add_rounding")(x)
    return x


def _convolution(
    x: Any, channels: int, name: str, *, size: int = 1, stride: int = 1, linear: bool = False
) -> Any:
    x = Convolution(channels, size, stride, "same", name=name)(x)
    return Rounding(name=f"{name}_rounding")(x) if linear else _activation(x, name)


def _activation(x: Any, name: str) -> Any:
    x = keras.layers.ReLU(6.0, name=f"{name}_relu")(x)
    return Rounding(name=f"{name}_rounding")(x)


def _rounded_kernel(kernel: Any, axes: tuple[int, ...]) -> Any:
    """Round symmetrically to 255 steps with one scale per output channel, as LiteRT does."""
    kernel = tf.convert_to_tensor(kernel)
    scale = tf.maximum(tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True), 1e-6) / 127.0
    rounded = tf.round(kernel / scale) * scale
    return kernel + tf.stop_gradient(rounded - kernel)
