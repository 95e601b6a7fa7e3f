"""The network of a run: backbone, heads, and the frozen network that ``objects`` learns from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scene_model.classifier.labels import LabelSet
from scene_model.photos.decode import resize_to_square
from training.architectures import (
    EMBEDDING_SIZE,
    FloatArray,
    load_imagenet_tflite,
    load_weights,
    mobilenet_v2,
    scale_pixels,
)
from training.data import Example
from training.recipe import Recipe

DISTILLED_HEAD = "objects"


@dataclass(frozen=True)
class Network:
    """A backbone, one dense layer a head, and the frozen network ``objects`` learns from."""

    backbone: keras.Model
    heads: dict[str, keras.layers.Dense]
    teacher: keras.Model
    teacher_dense: keras.layers.Dense

    @property
    def head_variables(self) -> list[Any]:
        """Trainable variables of all heads."""
        return [v for head in self.heads.values() for v in head.trainable_variables]


def build_network(recipe: Recipe, label_sets: dict[str, LabelSet], data_dir: Path) -> Network:
    """Make the network with ImageNet weights; ``objects`` starts as ImageNet's own last layer."""
    weights_file = data_dir / recipe.imagenet_tflite
    backbone, teacher = mobilenet_v2(), mobilenet_v2()
    kernel, bias = load_imagenet_tflite(backbone, weights_file)
    load_imagenet_tflite(teacher, weights_file)
    teacher.trainable = False
    heads = {
        head.id: _dense(len(label_sets[head.id]) + (1 if head.outside else 0), head.id)
        for head in recipe.heads
    }
    teacher_dense = _dense(len(bias), "teacher_objects")
    teacher_dense.set_weights([kernel, bias])
    if DISTILLED_HEAD in heads:
        heads[DISTILLED_HEAD].set_weights([kernel, bias])
    return Network(backbone, heads, teacher, teacher_dense)


def load_run(network: Network, run_dir: Path) -> None:
    """Put the weights an earlier run ended with into a network; FileNotFoundError if none."""
    load_weights(run_dir / "float_weights.npz", network.backbone)
    with np.load(run_dir / "heads.npz", allow_pickle=False) as arrays:
        for head_id, dense in network.heads.items():
            dense.set_weights([arrays[f"{head_id}/kernel"], arrays[f"{head_id}/bias"]])


def _dense(outputs: int, name: str) -> keras.layers.Dense:
    dense = keras.layers.Dense(outputs, kernel_initializer="zeros", name=name)
    dense.build((None, EMBEDDING_SIZE))
    return dense


def embed_float(backbone: keras.Model, examples: list[Example], side: int) -> FloatArray:
    """Embeddings of whole photos by the float network: shape (N, 1280), float32."""
    forward = tf.function(lambda x: backbone(x, training=False), reduce_retracing=True)
    parts = []
    for start in range(0, len(examples), 64):
        chosen = examples[start : start + 64]
        pixels = np.stack([resize_to_square(e.pixels, side) for e in chosen])
        parts.append(forward(scale_pixels(pixels)).numpy())
    return np.concatenate(parts)
