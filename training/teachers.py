"""The networks whose predictions distilled heads learn, as they run beside training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import FloatArray
from scene_model.photos.colours import Pixels
from training.recipe import HeadRecipe, Recipe

TEACHER_SIDE = 224
Teacher = Callable[[Pixels], FloatArray]
"""Pixels of shape (224, 224, 3), uint8 → a score for each label of the head."""


def teacher_of(recipe: Recipe, head: HeadRecipe, data_dir: Path) -> Teacher | None:
    """Open the teacher of a head; None for a head that learns from labels only."""
    if head.teacher is not None:
        # They import TensorFlow, which not every caller needs.
        from training.int8 import LiteNetwork, convert_float
        from training.squeezenet import places_teacher

        network = convert_float(places_teacher(data_dir / head.teacher), TEACHER_SIDE)
        return LiteNetwork(network, workers=1).predict
    if head.labels is None:
        original = litert_network(data_dir / str(recipe.imagenet_tflite))
        # The first class is `background`.
        return lambda pixels: original(pixels)[1:]
    return None


def litert_network(file: Path) -> Any:
    """Open a quantized network with one thread; returns a function that runs it on one photo."""
    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]

    def predict(pixels: Any) -> Any:
        interpreter.set_tensor(input_index, pixels[None])
        interpreter.invoke()
        return interpreter.get_tensor(output_index)[0]

    return predict
