"""Convert a Keras network to a LiteRT network, int8 or float, and run that network."""

import queue

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from scene_model.photos.colours import Pixels
from training.architectures import FloatArray


def quantize(network: keras.Model, side: int, photos: list[Pixels]) -> bytes:
    """Convert a float network to int8: uint8 RGB in, float32 out.

    photos: representative inputs of shape (side, side, 3), uint8, that set the activation ranges.
    """
    converter = tf.lite.TFLiteConverter.from_keras_model(_at_size(network, side))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [photo[np.newaxis].astype(np.float32)] for photo in photos
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    content: bytes = converter.convert()
    return content


def convert_float(network: keras.Model, side: int) -> bytes:
    """Convert a float network without quantization: float32 RGB of 0 to 255 in, float32 out."""
    content: bytes = tf.lite.TFLiteConverter.from_keras_model(_at_size(network, side)).convert()
    return content


class LiteNetwork:
    """A thread-safe LiteRT network with a pool of interpreters, one per worker."""

    def __init__(self, content: bytes, workers: int) -> None:
        self._free: queue.Queue[Interpreter] = queue.Queue()
        for _ in range(workers):
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
            self._free.put(interpreter)

    def predict(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Return the output for one photo, uint8 (side, side, 3), without the batch axis."""
        interpreter = self._free.get()
        try:
            entry = interpreter.get_input_details()[0]
            interpreter.set_tensor(entry["index"], pixels[np.newaxis].astype(entry["dtype"]))
            interpreter.invoke()
            output: FloatArray = interpreter.get_tensor(
                interpreter.get_output_details()[0]["index"]
            )[0]
        finally:
            self._free.put(interpreter)
        return output


def _at_size(network: keras.Model, side: int) -> keras.Model:
    """Fix the input size and accept pixels of 0 to 255 instead of [-1, 1]."""
    inputs = keras.Input((side, side, 3), batch_size=1)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    return keras.Model(inputs, network(scaled, training=False))
