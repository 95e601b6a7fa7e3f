"""The engine of TFLite files: a fixed number of LiteRT interpreters, shared by all threads."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.engines.engine import check_embedding, grey_picture
from scene_model.classifier.preprocessing import Preprocessing
from scene_model.errors import BundleDamaged
from scene_model.photos.colours import Pixels


class LitertEngine:
    """Runs a TFLite file.

    An interpreter serves one thread at a time; a caller beyond ``interpreters`` waits.
    """

    def __init__(self, bundle: Bundle, interpreters: int) -> None:
        """Prepare up to ``interpreters`` interpreters; each is made when first needed."""
        self._path = bundle.backbone_path
        # Read now: another model may be published over this one while it is in use.
        self._network = self._path.read_bytes()
        self._preprocessing = Preprocessing(bundle.description.input)
        self._entry = bundle.description.backbone
        self._idle: queue.LifoQueue[_Network | None] = queue.LifoQueue()
        for _ in range(interpreters):
            self._idle.put(None)

    @property
    def preprocessing(self) -> Preprocessing:
        """See `Engine`."""
        return self._preprocessing

    def embed(self, pixels: Pixels) -> FloatArray:
        """See `Engine`."""
        return self.embed_resized(self._preprocessing.resized(pixels))

    def embed_resized(self, pixels: Pixels) -> FloatArray:
        """See `Engine`."""
        tensor = self._preprocessing.tensor(pixels)
        with self._borrowed() as network:
            return network.run(tensor)

    def check(self) -> None:
        """See `Engine`."""
        check_embedding(self.embed_resized(grey_picture(self._preprocessing)), self._path.name)

    @contextmanager
    def _borrowed(self) -> Iterator["_Network"]:
        network = self._idle.get()
        try:
            if network is None:
                network = self._make()
            yield network
        finally:
            self._idle.put(network)

    def _make(self) -> "_Network":
        try:
            interpreter = Interpreter(model_content=self._network, num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleDamaged(f"The network {self._path} cannot be run: {error}.") from error
        inputs = interpreter.get_input_details()
        expected = np.dtype(self._preprocessing.rule.dtype), self._preprocessing.rule.shape
        if len(inputs) != 1 or _kind(inputs[0]) != expected:
            raise BundleDamaged(
                f"The network takes {_named(inputs)}; bundle.json says {expected[0]} {expected[1]}."
            )
        output = self._output(interpreter.get_output_details())
        if _kind(output) != (np.dtype(np.float32), (1, self._entry.embedding_size)):
            raise BundleDamaged(
                f"The network's output is {_named([output])}; bundle.json says float32 "
                f"(1, {self._entry.embedding_size})."
            )
        return _Network(interpreter, inputs[0]["index"], output["index"])

    def _output(self, outputs: list[dict[str, Any]]) -> dict[str, Any]:
        if self._entry.output is None:
            if len(outputs) == 1:
                return outputs[0]
            names = ", ".join(repr(output["name"]) for output in outputs)
            raise BundleDamaged(
                f"The network has {len(outputs)} outputs: {names}. Name the embedding's in "
                "bundle.json, as backbone.output."
            )
        for output in outputs:
            if output["name"] == self._entry.output:
                return output
        names = ", ".join(repr(output["name"]) for output in outputs)
        raise BundleDamaged(
            f"The network has no output {self._entry.output!r}, which bundle.json names. "
            f"It has: {names}."
        )


class _Network:
    """An interpreter with the numbers of its input and its output."""

    def __init__(self, interpreter: Interpreter, input_index: int, output_index: int) -> None:
        self._interpreter = interpreter
        self._input_index, self._output_index = input_index, output_index

    def run(self, tensor: Any) -> FloatArray:
        self._interpreter.set_tensor(self._input_index, tensor)
        self._interpreter.invoke()
        embedding: FloatArray = self._interpreter.get_tensor(self._output_index)[0]
        return embedding.astype(np.float32)


def _kind(details: dict[str, Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    return np.dtype(details["dtype"]), tuple(int(length) for length in details["shape"])


def _named(tensors: list[dict[str, Any]]) -> str:
    return " and ".join("{} {}".format(*_kind(details)) for details in tensors) or "nothing"
