"""The text network of a pair: token ids in, vectors out, by either engine."""

import threading
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.bundle_network import TextEntry
from scene_model.classifier.engines.onnx import open_session, run_session
from scene_model.errors import BundleDamaged

IdArray = npt.NDArray[np.int64]
_ONNX_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}


class TextNetwork(Protocol):
    """Computes the vectors of tokenized sentences; safe to share between threads."""

    def run(self, ids: IdArray, mask: IdArray) -> FloatArray:
        """Return float32 (1, embedding_size) for one sentence.

        ids: shape (1, context_length). mask: 1 for tokens, 0 for padding. Raises BundleDamaged.
        """


def open_text_network(network: bytes, entry: TextEntry) -> TextNetwork:
    """Open a text network; raises EngineMissing or BundleDamaged."""
    kind = _OnnxText if entry.engine == "onnx" else _LitertText
    return kind(network, entry)


class _OnnxText:
    """Runs an ONNX graph with the inputs `input_ids` and, where it has one, `attention_mask`."""

    def __init__(self, network: bytes, entry: TextEntry) -> None:
        self._name, self._size = entry.file, entry.embedding_size
        self._session = open_session(network, entry.file)
        self._inputs = {value.name: value.type for value in self._session.get_inputs()}
        for name, kind in self._inputs.items():
            if name not in ("input_ids", "attention_mask") or kind not in _ONNX_INTEGERS:
                raise BundleDamaged(
                    f"The text network {self._name} has the input {name!r}, {kind}. It may have "
                    "input_ids and attention_mask, of int64 or int32."
                )
        if "input_ids" not in self._inputs:
            raise BundleDamaged(f"The text network {self._name} has no input called input_ids.")
        self._output = _output_name(self._session.get_outputs(), self._name, self._size)

    def run(self, ids: IdArray, mask: IdArray) -> FloatArray:
        """See `TextNetwork`."""
        values = {"input_ids": ids, "attention_mask": mask}
        inputs = {
            name: values[name].astype(_ONNX_INTEGERS[kind]) for name, kind in self._inputs.items()
        }
        (vectors,) = run_session(self._session, [self._output], inputs, self._name)
        return _checked(vectors, self._name, self._size)


class _LitertText:
    """Runs a TFLite graph; one sentence at a time."""

    def __init__(self, network: bytes, entry: TextEntry) -> None:
        self._name, self._size = entry.file, entry.embedding_size
        self._lock = threading.Lock()
        try:
            self._interpreter = Interpreter(model_content=network, num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleDamaged(f"The text network {self._name} cannot be run: {error}.") from error
        self._inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shape = (1, entry.context_length)
        for details in self._inputs:
            if tuple(details["shape"]) != shape or details["dtype"] not in (np.int32, np.int64):
                raise BundleDamaged(
                    f"The text network {self._name} takes {details['dtype'].__name__} "
                    f"{tuple(details['shape'])}; bundle.json says integers of {shape}."
                )
        if len(self._inputs) not in (1, 2) or len(outputs) != 1:
            raise BundleDamaged(
                f"The text network {self._name} has {len(self._inputs)} inputs and {len(outputs)} "
                "outputs. It takes token ids, may take a mask, and has one output."
            )
        self._output = outputs[0]["index"]

    def run(self, ids: IdArray, mask: IdArray) -> FloatArray:
        """See `TextNetwork`."""
        with self._lock:
            for details in self._inputs:
                is_mask = len(self._inputs) == 2 and "mask" in details["name"]
                values = (mask if is_mask else ids).astype(details["dtype"])
                self._interpreter.set_tensor(details["index"], values)
            self._interpreter.invoke()
            vectors: FloatArray = self._interpreter.get_tensor(self._output).copy()
        return _checked(vectors, self._name, self._size)


def _output_name(outputs: list[Any], name: str, size: int) -> str:
    fitting = [
        output.name
        for output in outputs
        if output.type == "tensor(float)"
        and len(output.shape) == 2
        and (output.shape[1] == size or not isinstance(output.shape[1], int))
    ]
    for preferred in ("text_embeds", "pooler_output"):
        if preferred in fitting:
            return preferred
    if not fitting:
        raise BundleDamaged(f"The text network {name} has no output float32 (N, {size}).")
    return str(fitting[0])


def _checked(vectors: FloatArray, name: str, size: int) -> FloatArray:
    if vectors.shape != (1, size) or not np.isfinite(vectors).all():
        raise BundleDamaged(
            f"The text network {name} computes {vectors.shape}, or numbers that are not finite; "
            f"bundle.json says (1, {size})."
        )
    return vectors.astype(np.float32)
