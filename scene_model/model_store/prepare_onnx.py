"""Make a bundle's network of an ONNX classifier. Runs in the process that prepares networks."""

from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.bundle_network import InputEntry
from scene_model.classifier.fitting.bundle_files import write_heads
from scene_model.errors import ModelRefused
from scene_model.model_store.last_layer import last_layer, logits_of
from scene_model.model_store.onnx_graph import part_of, read_graph
from scene_model.model_store.onnx_parts import (
    fixed_photo_input,
    noise,
    output_of,
    run_or_none,
    run_part,
    save_part,
)
from scene_model.model_store.prepared import NETWORK_STEM, Prepared, Task

_ROUNDING = 1e-3
_MAX_HEAD_OUTPUTS = 65_536


def prepare_classifier(task: Task) -> Prepared:
    """Split a classifier into a backbone and a head. Raises ModelRefused."""
    model = read_graph(Path(task.network), task.max_bytes)
    entry, name = fixed_photo_input(model, task)
    logits = logits_of(model, output_of(model, ("logits",), task.output))
    file, pictures = Path(task.network).name, noise(entry)
    # Each part is a copy of the weights: none is held longer than it is needed.
    answers = run_part(part_of(model, [name], logits), name, pictures, file)
    layer = last_layer(model, logits)
    if layer is not None:
        backbone = part_of(model, [name], layer.embedding)
        embeddings = run_or_none(backbone, name, pictures, file)
        if embeddings is not None and _agree(embeddings, layer.weights, answers):
            save_part(backbone, Path(task.folder) / f"{NETWORK_STEM}.onnx")
            return _with_head(task, entry, embeddings.shape[1], layer.weights, True)
    save_part(part_of(model, [name], logits), Path(task.folder) / f"{NETWORK_STEM}.onnx")
    size = answers.shape[1]
    weights = HeadWeights(np.eye(size, dtype=np.float32), np.zeros(size, np.float32))
    return _with_head(task, entry, size, weights, False)


def _with_head(
    task: Task, entry: InputEntry, size: int, weights: HeadWeights, has_last_layer: bool
) -> Prepared:
    count = weights.kernel.shape[1]
    if not 1 < count <= _MAX_HEAD_OUTPUTS:
        raise ModelRefused(
            f"The network has {count:,} outputs; a classifier has from 2 to {_MAX_HEAD_OUTPUTS:,}.",
            code="model_shape",
        )
    write_heads(Path(task.folder), {task.head_id: weights})
    return Prepared("onnx", f"{NETWORK_STEM}.onnx", size, entry, count, has_last_layer)


def _agree(embeddings: FloatArray, weights: HeadWeights, answers: FloatArray) -> bool:
    """Return whether a head gives what the whole network gives."""
    if embeddings.shape[1] != len(weights.kernel):
        return False
    own = embeddings @ weights.kernel + weights.bias
    return own.shape == answers.shape and bool(
        np.abs(own - answers).max() <= _ROUNDING * max(1.0, float(np.abs(answers).max()))
    )
