"""The network of a run: its frozen and trained parts, heads and teacher."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.labels import LabelSet
from scene_model.photos.resize import resize_to_square
from training.architectures import (
    FloatArray,
    NamedWeights,
    build_backbone,
    divide,
    scale_pixels,
)
from training.recipe import Recipe
from training.squeezenet import places_teacher
from training.starting_weights import (
    load_imagenet_tflite,
    start,
)

OBJECTS = "objects"


@dataclass(frozen=True)
class Network:
    """A backbone, one dense layer per head, and the teachers of distilled heads.

    lower, upper: the backbone's frozen and trained part; lower is None when all of it is trained.
    teachers: head id → network from pixels in [-1, 1] to the logits of the head's labels.
    """

    backbone: keras.Model
    lower: keras.Model | None
    upper: keras.Model
    heads: dict[str, keras.layers.Dense]
    teachers: dict[str, keras.Model]

    @property
    def head_variables(self) -> list[Any]:
        """Trainable variables of all heads."""
        return [v for head in self.heads.values() for v in head.trainable_variables]


def build_network(
    recipe: Recipe,
    label_sets: dict[str, LabelSet],
    data_dir: Path,
    runs_dir: Path,
    models_dir: Path,
) -> Network:
    """Build the network with the recipe's starting weights.

    A head uses the weights that came with them when the shapes match; otherwise ``objects``
    starts from ImageNet's last layer and other heads from zero. Raises NoStartingWeights.
    """
    backbone = build_backbone(recipe.architecture, hidden=recipe.hidden)
    head_weights = start(backbone, recipe, data_dir, runs_dir, models_dir)
    size = backbone.output.shape[-1]
    heads = {
        head.id: _dense(size, len(label_sets[head.id]) + (1 if head.outside else 0), head.id)
        for head in recipe.heads
    }
    teachers = {
        head.id: places_teacher(data_dir / head.teacher) for head in recipe.heads if head.teacher
    }
    if OBJECTS in heads:
        teachers[OBJECTS], kernel, bias = _imagenet(data_dir / str(recipe.imagenet_tflite))
        if kernel.shape[0] == size:
            heads[OBJECTS].set_weights([kernel, bias])
    for head_id, dense in heads.items():
        _set_head_weights(dense, head_weights, head_id)
    lower, upper = None, backbone
    if recipe.train_from is not None:
        lower, upper = divide(backbone, recipe.train_from)
    return Network(backbone, lower, upper, heads, teachers)


def embed_float(backbone: keras.Model, examples: list[Example], side: int) -> FloatArray:
    """Embed uncropped photos with the float network: shape (N, embedding size), float32."""
    forward = tf.function(lambda x: backbone(x, training=False), reduce_retracing=True)
    batches = []
    for start_index in range(0, len(examples), 64):
        chosen = examples[start_index : start_index + 64]
        pixels = np.stack([resize_to_square(e.pixels, side) for e in chosen])
        batches.append(forward(scale_pixels(pixels)).numpy())
    return np.concatenate(batches)


def _dense(inputs: int, outputs: int, name: str) -> keras.layers.Dense:
    dense = keras.layers.Dense(outputs, kernel_initializer="zeros", name=name)
    dense.build((None, inputs))
    return dense


def _set_head_weights(dense: keras.layers.Dense, arrays: NamedWeights, head_id: str) -> None:
    kernel, bias = arrays.get(f"{head_id}/kernel"), arrays.get(f"{head_id}/bias")
    if kernel is not None and bias is not None and kernel.shape == tuple(dense.kernel.shape):
        dense.set_weights([kernel, bias])


def _imagenet(file: Path) -> tuple[keras.Model, FloatArray, FloatArray]:
    """Return the ImageNet network with its last layer, and that layer's kernel and bias."""
    backbone = build_backbone("mobilenet_v2")
    kernel, bias = load_imagenet_tflite(backbone, file)
    dense = _dense(kernel.shape[0], kernel.shape[1], "imagenet")
    dense.set_weights([kernel, bias])
    return keras.Model(backbone.input, dense(backbone.output)), kernel, bias
