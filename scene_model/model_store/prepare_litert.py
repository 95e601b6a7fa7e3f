"""Make a bundle's network of a TFLite file. Runs in the process that prepares networks."""

from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import HeadWeights
from scene_model.classifier.engines.litert_file import (
    DamagedNetwork,
    LiteRTFile,
    Value,
    before_last_layer,
    read_litert,
    without_softmax,
)
from scene_model.classifier.fitting.bundle_files import write_heads
from scene_model.errors import ModelRefused
from scene_model.model_store.photo_input import photo_input
from scene_model.model_store.prepared import NETWORK_STEM, Prepared, Task


def prepare_classifier(task: Task) -> Prepared:
    """Split a classifier into a backbone and a head. Raises ModelRefused."""
    data = Path(task.network).read_bytes()
    graph = _read(data)
    (value,) = graph.inputs
    shape: list[int | None] = [length if length > 0 else None for length in value.shape]
    entry = photo_input(shape, value.dtype, task.declared)
    count = _count(graph.outputs[0])
    data = without_softmax(data)
    layer = before_last_layer(data)
    if layer is not None:
        network, weights = layer.network, layer.weights
    else:
        network = data
        weights = HeadWeights(np.eye(count, dtype=np.float32), np.zeros(count, np.float32))
    file = f"{NETWORK_STEM}.tflite"
    (Path(task.folder) / file).write_bytes(network)
    write_heads(Path(task.folder), {task.head_id: weights})
    size = len(weights.kernel)
    return Prepared("litert", file, size, entry, count, layer is not None)


def _read(data: bytes) -> LiteRTFile:
    try:
        graph = read_litert(data)
    except DamagedNetwork as error:
        raise ModelRefused(f"{error} Copy or download it again.", code="model_damaged") from error
    if graph.custom:
        raise ModelRefused(
            f"The network has operators of its own ({', '.join(graph.custom)}); only those of "
            "LiteRT are run.",
            code="model_unsafe",
        )
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ModelRefused(
            f"The network has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; a "
            "classifier of photos has one of each.",
            code="model_shape",
        )
    return graph


def _count(output: Value) -> int:
    if output.dtype != "float32" or len(output.shape) != 2 or output.shape[1] < 2:
        raise ModelRefused(
            f"The network answers {output.dtype} {output.shape}; float32 (1, labels) is needed. "
            "Convert it with a float output (inference_output_type = tf.float32).",
            code="model_shape",
        )
    return output.shape[1]
