"""The networks, and where their starting weights come from."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

FloatArray = npt.NDArray[np.float32]

EMBEDDING_SIZE = 1280


def mobilenet_v2(input_size: int | None = None) -> keras.Model:
    """MobileNetV2 1.0 (Sandler et al. 2018) without its classifier.

    input: float32 (N, side, side, 3) in [-1, 1], any side when ``input_size`` is None.
    output: float32 (N, 1280), the globally averaged last feature map.
    """
    return keras.applications.MobileNetV2(
        input_shape=(input_size, input_size, 3), weights=None, include_top=False, pooling="avg"
    )


def scale_pixels(pixels: npt.NDArray[np.uint8]) -> FloatArray:
    """Bring uint8 pixels to the network's [-1, 1]."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def load_imagenet_tflite(backbone: keras.Model, file: Path) -> tuple[FloatArray, FloatArray]:
    """Put the weights of a quantized ImageNet MobileNetV2 into a float backbone.

    The file's CONV_2D and DEPTHWISE_CONV_2D operations are, in order, the network's
    convolutions with batch normalization folded in, and last the dense layer.
    Returns that layer for the 1,000 classes (``background`` left out): kernel (1280, 1000)
    and bias (1000,).
    """
    folded = _folded_convolutions(file)
    convolutions = [
        layer
        for layer in backbone.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
    ]
    normalizations = [
        layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if len(folded) != len(convolutions) + 1 or len(normalizations) != len(convolutions):
        raise ValueError(f"{file.name} has {len(folded)} convolutions; 53 were expected")
    for layer, normalization, (kernel, bias) in zip(
        convolutions, normalizations, folded[:-1], strict=True
    ):
        # (out, h, w, in) → (h, w, in, out); depthwise (1, h, w, c) → (h, w, c, 1).
        layer.set_weights([kernel.transpose(1, 2, 3, 0)])
        channels = np.zeros_like(bias)
        gamma = channels + np.sqrt(1.0 + normalization.epsilon, dtype=np.float32)
        normalization.set_weights([gamma, bias, channels, channels + 1.0])
    kernel, bias = folded[-1]
    return kernel.reshape(len(bias), EMBEDDING_SIZE).T[:, 1:], bias[1:]


def save_weights(file: Path, backbone: keras.Model, precision: str = "float32") -> None:
    """Write the backbone's weights, in layer order, to an .npz (arrays ``w000``, ``w001``, …)."""
    arrays = {f"w{i:03d}": w.astype(precision) for i, w in enumerate(backbone.get_weights())}
    np.savez_compressed(file, **arrays)


def load_weights(file: Path, backbone: keras.Model) -> None:
    """Read what `save_weights` wrote into a backbone of the same architecture."""
    with np.load(file, allow_pickle=False) as arrays:
        backbone.set_weights([arrays[name].astype(np.float32) for name in sorted(arrays.files)])


def _folded_convolutions(file: Path) -> list[tuple[FloatArray, FloatArray]]:
    """Kernels (out, h, w, in) and biases (out,) in the file's order, dequantized."""
    interpreter = Interpreter(str(file), num_threads=1)
    details = {d["index"]: d for d in interpreter.get_tensor_details()}
    convolutions = []
    for operation in interpreter._get_ops_details():
        if operation["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        kernel, bias = (
            _dequantize(interpreter.get_tensor(int(i)), details[int(i)])
            for i in operation["inputs"][1:3]
        )
        convolutions.append((kernel, bias))
    return convolutions


def _dequantize(values: npt.NDArray[np.generic], details: dict[str, object]) -> FloatArray:
    parameters = details["quantization_parameters"]
    assert isinstance(parameters, dict)  # noqa: S101 - the interpreter's own answer, for the types
    scales = np.asarray(parameters["scales"], np.float32)
    zero_points = np.asarray(parameters["zero_points"], np.float32)
    axis = int(parameters["quantized_dimension"])
    shape = [1] * values.ndim
    shape[axis] = -1 if len(scales) > 1 else 1
    centred = values.astype(np.float32) - zero_points.reshape(shape)
    return centred * scales.reshape(shape)
