"""Run the network: a fixed number of LiteRT interpreters, shared by any number of threads."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.errors import BundleDamaged
from scene_model.photos.colours import Pixels


class Engine:
    """Computes embeddings.

    An interpreter serves one thread at a time; a caller beyond ``interpreters`` waits.
    Running the network frees the GIL, so two interpreters use two cores.
    """

    def __init__(self, bundle: Bundle, interpreters: int) -> None:
        """Prepare up to ``interpreters`` interpreters; each is made when first needed."""
        self._path = bundle.backbone_path
        # Read now: another model may be published over this one while it is in use.
        self._network = self._path.read_bytes()
        size = bundle.description.input
        self._input_shape = (1, size.height, size.width, 3)
        self._embedding_size = bundle.description.backbone.embedding_size
        self._idle: queue.LifoQueue[Interpreter | None] = queue.LifoQueue()
        for _ in range(interpreters):
            self._idle.put(None)

    def embed(self, pixels: Pixels) -> FloatArray:
        """Run one input, uint8 RGB (height, width, 3); returns float32 (embedding_size,)."""
        with self._borrowed() as interpreter:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels[np.newaxis])
            interpreter.invoke()
            output = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        embedding: FloatArray = output[0].astype(np.float32)
        return embedding

    def check(self) -> None:
        """Load the network; raises BundleDamaged when it fails or differs from bundle.json."""
        with self._borrowed():
            pass

    @contextmanager
    def _borrowed(self) -> Iterator[Interpreter]:
        interpreter = self._idle.get()
        try:
            if interpreter is None:
                interpreter = self._make()
            yield interpreter
        finally:
            self._idle.put(interpreter)

    def _make(self) -> Interpreter:
        try:
            interpreter = Interpreter(model_content=self._network, num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleDamaged(f"The network {self._path} cannot be run: {error}.") from error
        input_details = interpreter.get_input_details()[0]
        output_details = interpreter.get_output_details()[0]
        if (
            tuple(input_details["shape"]) != self._input_shape
            or input_details["dtype"] is not np.uint8
        ):
            raise BundleDamaged(
                f"The network takes {input_details['dtype'].__name__} "
                f"{tuple(input_details['shape'])}; "
                f"bundle.json says uint8 {self._input_shape}."
            )
        if tuple(output_details["shape"]) != (1, self._embedding_size):
            raise BundleDamaged(
                f"The network's output has shape {tuple(output_details['shape'])}; "
                f"bundle.json says (1, {self._embedding_size})."
            )
        return interpreter
