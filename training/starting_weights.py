"""Load a network's initial weights.

A recipe's ``starting_weights`` is one of

- ``bundle:NAME``: the float weights of the bundle ``models/NAME`` (works offline);
- ``file:PATH``: an ``.npz`` of `save_weights` or a quantized ImageNet ``.tflite``, in the data
  folder;
- ``keras``: the ImageNet weights that ``keras.applications`` downloads;
- ``run:NAME``: the final weights of the run in the folder NAME beside this run's folder;
- ``random``: random weights, for the small networks.
"""

from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.fitting.bundle_files import HEADS_FILE
from training.architectures import FloatArray, NamedWeights, named_weights, set_named_weights
from training.bundle_files import FLOAT_FILE
from training.mobilenet import Convolution, DepthwiseConvolution
from training.mobilenet_blocks import BRANCH
from training.recipe import Recipe, TrainingError

_CHOICES = (
    "Set starting_weights (or --starting-weights) to `bundle:scene_mobilenet_v2` (float weights "
    "of mobilenet_v2 in models/), `file:PATH` (a weights file in the data folder) or `keras` "
    "(downloads ImageNet weights)"
)


class NoStartingWeights(TrainingError):
    """A recipe has no starting weights, or they cannot be read."""


def start(
    network: keras.Model, recipe: Recipe, data_dir: Path, runs_dir: Path, models_dir: Path
) -> NamedWeights:
    """Load a recipe's starting weights into a network; returns the head weights stored with them.

    Raises NoStartingWeights.
    """
    kind, _, name = (recipe.starting_weights or "").partition(":")
    if kind == "random":
        return {}
    if kind == "keras":
        _start_from_keras(network, recipe.architecture)
        return {}
    folders = {"bundle": models_dir, "run": runs_dir, "file": data_dir}
    if kind not in folders or not name:
        problem = f"is {recipe.starting_weights!r}" if recipe.starting_weights else "is missing"
        raise NoStartingWeights(
            f"{recipe.name}: starting_weights {problem}, and {recipe.architecture} is not trained "
            f"from random weights. {_CHOICES}."
        )
    path = folders[kind] / name
    try:
        if recipe.branch_weights is not None:
            branch_kind, _, branch = recipe.branch_weights.partition(":")
            return _start_branches(network, path, folders[branch_kind] / branch)
        if kind == "file":
            load_file(path, network)
            return {}
        load_file(path / FLOAT_FILE, network)
        return _first_branch(_read_arrays(path / HEADS_FILE), network.output.shape[-1])
    except (OSError, ValueError, KeyError) as error:
        raise NoStartingWeights(
            f"{recipe.name}: the starting weights {recipe.starting_weights!r} cannot be read "
            f"({error}). {_CHOICES}."
        ) from error


def _first_branch(heads: NamedWeights, size: int) -> NamedWeights:
    """Cut kernels for two branches to the first one, with which the embedding begins.

    size: of the embedding of one branch.
    """
    return {
        name: array[:size] if name.endswith("/kernel") and len(array) == 2 * size else array
        for name, array in heads.items()
    }


def _start_branches(network: keras.Model, first: Path, second: Path) -> NamedWeights:
    """Join two networks that have the same lower blocks; returns their heads, joined too.

    A head that both have predicts by the mean of both logits.
    """
    upper = {f"{BRANCH}{name}": array for name, array in _read_arrays(second / FLOAT_FILE).items()}
    set_named_weights(network, _read_arrays(first / FLOAT_FILE) | upper)
    size = network.output.shape[-1] // 2
    heads = [_first_branch(_read_arrays(folder / HEADS_FILE), size) for folder in (first, second)]
    joined: NamedWeights = {}
    for head_id in sorted({name.partition("/")[0] for arrays in heads for name in arrays}):
        kernel_name, bias_name = f"{head_id}/kernel", f"{head_id}/bias"
        owners = [arrays for arrays in heads if kernel_name in arrays]
        nothing = np.zeros((size, len(owners[0][bias_name])), np.float32)
        parts = [arrays.get(kernel_name, nothing) for arrays in heads]
        joined[kernel_name] = np.concatenate(parts) / np.float32(len(owners))
        joined[bias_name] = np.mean([arrays[bias_name] for arrays in owners], axis=0)
    return joined


def save_weights(file: Path, network: keras.Model, precision: str = "float32") -> None:
    """Write a network's weights to an .npz of named arrays."""
    arrays = {name: w.astype(precision) for name, w in named_weights(network).items()}
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_weights(file: Path, network: keras.Model) -> None:
    """Load a file of `save_weights` into a network of the same architecture."""
    set_named_weights(network, _read_arrays(file))


def load_imagenet_tflite(network: keras.Model, file: Path) -> tuple[FloatArray, FloatArray]:
    """Load the weights of a quantized ImageNet MobileNetV2 into our float network.

    The file's CONV_2D and DEPTHWISE_CONV_2D operations are, in order, the network's
    convolutions and then the dense layer. Returns that layer for the 1,000 classes
    (``background`` left out): kernel (1280, 1000) and bias (1000,).
    """
    folded = _folded_convolutions(file)
    layers = _convolutions(network)
    if len(folded) != len(layers) + 1:
        raise ValueError(
            f"{file.name} has {len(folded)} convolutions; {len(layers) + 1} were expected"
        )
    for layer, (kernel, bias) in zip(layers, folded[:-1], strict=True):
        # (out, h, w, in) → (h, w, in, out); depthwise (1, h, w, c) → (h, w, c, 1).
        layer.set_weights([kernel.transpose(1, 2, 3, 0), bias])
    kernel, bias = folded[-1]
    return kernel.reshape(len(bias), -1).T[:, 1:], bias[1:]


def fold_keras_mobilenet(source: keras.Model, network: keras.Model) -> None:
    """Load Keras's MobileNetV2 into our network; folds batch normalization into convolutions."""
    kinds = keras.layers.Conv2D | keras.layers.DepthwiseConv2D
    convolutions = [layer for layer in source.layers if isinstance(layer, kinds)]
    normalizations = [
        layer for layer in source.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer, convolution, normalization in zip(
        _convolutions(network), convolutions, normalizations, strict=True
    ):
        gamma, beta, mean, variance = normalization.get_weights()
        factor = gamma / np.sqrt(variance + normalization.epsilon)
        kernel = convolution.get_weights()[0]
        depthwise = isinstance(layer, DepthwiseConvolution)
        scaled = kernel * (factor[:, np.newaxis] if depthwise else factor)
        layer.set_weights([scaled, beta - mean * factor])


def _convolutions(network: keras.Model) -> list[keras.layers.Layer]:
    return [x for x in network.layers if isinstance(x, Convolution | DepthwiseConvolution)]


def load_file(file: Path, network: keras.Model) -> None:
    """Load an .npz of `save_weights` or a quantized ImageNet .tflite into a network."""
    if file.suffix == ".tflite":
        load_imagenet_tflite(network, file)
    else:
        load_weights(file, network)


def _start_from_keras(network: keras.Model, architecture: str) -> None:
    try:
        if architecture == "mobilenet_v2":
            source = keras.applications.MobileNetV2(include_top=False, weights="imagenet")
            fold_keras_mobilenet(source, network)
        elif architecture == "vgg16":
            source = keras.applications.VGG16(include_top=False, weights="imagenet")
            for layer in source.layers[1:]:
                network.get_layer(layer.name).set_weights(layer.get_weights())
        else:
            raise NoStartingWeights(
                f"Keras has no ImageNet weights for {architecture}; "
                "set starting_weights to `random`."
            )
    except NoStartingWeights:
        raise
    except Exception as error:  # Keras wraps a failed download in a bare Exception.
        raise NoStartingWeights(
            f"Keras could not download ImageNet weights for {architecture} ({error}). {_CHOICES}."
        ) from error


def _read_arrays(file: Path) -> NamedWeights:
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


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


def _dequantize(values: np.typing.NDArray[np.generic], details: dict[str, object]) -> FloatArray:
    parameters = details["quantization_parameters"]
    assert isinstance(parameters, dict)  # noqa: S101 - for mypy; the interpreter returns a dict
    scales = np.asarray(parameters["scales"], np.float32)
    zero_points = np.asarray(parameters["zero_points"], np.float32)
    axis = int(parameters["quantized_dimension"])
    shape = [1] * values.ndim
    shape[axis] = -1 if len(scales) > 1 else 1
    centred = values.astype(np.float32) - zero_points.reshape(shape)
    return centred * scales.reshape(shape)
