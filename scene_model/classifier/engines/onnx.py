"""The engine of ONNX files, and the only place where ONNX Runtime opens one.

What an ONNX file can do is bounded here: it reads no file beside itself, loads no code, uses one
thread a run, and has an input and an output of fixed size.
"""

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.engines.engine import check_embedding, grey_picture
from scene_model.classifier.preprocessing import Preprocessing
from scene_model.errors import BundleDamaged, EngineMissing
from scene_model.photos.colours import Pixels

_TYPES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
_FLOAT = "tensor(float)"
_UNKNOWN_OPERATOR = ("No opset import for domain", "No Op registered", "is not a registered")
# "[ONNXRuntimeError] : 1 : FAIL : graph.cc:1357 Graph The reason", also one in another.
_ERROR_CODE = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")
_SOURCE_PLACE = re.compile(r"^\S+\.(?:cc|h):\d+ \S+ ")


class OnnxEngine:
    """Runs an ONNX file: one session, shared by all threads; each run takes one thread."""

    def __init__(self, bundle: Bundle, interpreters: int) -> None:
        """Open the session when first needed; raises EngineMissing at once."""
        _onnxruntime()
        self._path = bundle.backbone_path
        # Read now: another model may be published over this one while it is in use.
        self._network: bytes | None = self._path.read_bytes()
        self._preprocessing = Preprocessing(bundle.description.input)
        self._entry = bundle.description.backbone
        self._opening = threading.Lock()
        self._opened: tuple[Any, str, str] | None = None
        self._slots = threading.BoundedSemaphore(interpreters)

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
        session, input_name, output_name = self._session()
        with self._slots:
            (output,) = run_session(session, [output_name], {input_name: tensor}, self._path.name)
        if output.shape != (1, self._entry.embedding_size):
            raise BundleDamaged(
                f"The network's output has shape {output.shape}; bundle.json says "
                f"(1, {self._entry.embedding_size})."
            )
        embedding: FloatArray = output[0]
        return embedding

    def check(self) -> None:
        """See `Engine`."""
        check_embedding(self.embed_resized(grey_picture(self._preprocessing)), self._path.name)

    def _session(self) -> tuple[Any, str, str]:
        with self._opening:
            if self._opened is None:
                if self._network is None:
                    self._network = self._path.read_bytes()
                session = open_session(self._network, self._path.name)
                names = self._input_name(session), self._output_name(session)
                self._opened = session, *names
                self._network = None
            return self._opened

    def _input_name(self, session: Any) -> str:
        inputs, rule = session.get_inputs(), self._preprocessing.rule
        if len(inputs) != 1:
            names = ", ".join(repr(entry.name) for entry in inputs)
            raise BundleDamaged(
                f"The network {self._path.name} has {len(inputs)} inputs ({names}); it must have "
                "one, the photo."
            )
        (entry,) = inputs
        sizes = fixed_sizes(entry.shape)
        if entry.type != _TYPES[rule.dtype] or sizes[:1] not in ((1,), (None,)):
            raise BundleDamaged(
                f"The network takes {entry.type} {list(entry.shape)}; bundle.json says "
                f"{rule.dtype} {rule.shape}."
            )
        if None in sizes[1:]:
            raise BundleDamaged(
                f"The network's input has the shape {list(entry.shape)}, of no fixed size. Export "
                f"it with the size {rule.shape}."
            )
        if sizes[1:] != rule.shape[1:]:
            raise BundleDamaged(
                f"The network takes {list(entry.shape)}; bundle.json says {rule.shape} "
                f"({rule.layout})."
            )
        return str(entry.name)

    def _output_name(self, session: Any) -> str:
        outputs = {entry.name: entry for entry in session.get_outputs()}
        names, chosen = ", ".join(map(repr, outputs)), self._entry.output
        if chosen is None:
            if len(outputs) != 1:
                raise BundleDamaged(
                    f"The network has {len(outputs)} outputs: {names}. Name the embedding's in "
                    "bundle.json, as backbone.output."
                )
            (chosen,) = outputs
        if chosen not in outputs:
            raise BundleDamaged(
                f"The network has no output {chosen!r}, which bundle.json names. It has: {names}."
            )
        output = outputs[chosen]
        sizes = fixed_sizes(output.shape)
        fits = len(sizes) == 2 and sizes[0] in (1, None)
        if output.type != _FLOAT or not fits or sizes[1] not in (self._entry.embedding_size, None):
            raise BundleDamaged(
                f"The network's output {chosen!r} is {output.type} {list(output.shape)}; "
                f"bundle.json says float32 (1, {self._entry.embedding_size})."
            )
        return str(chosen)


def open_session(network: bytes, name: str) -> Any:
    """Open an ONNX graph as an `onnxruntime.InferenceSession` on the processor.

    network: the whole file; weights in further files are refused. name: of the file, for messages.
    A run uses the calling thread alone. Operators of other makers' libraries are never loaded.
    Raises EngineMissing, or BundleDamaged.
    """
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what is wrong comes as an exception
    # ONNX Runtime would read further files from the current folder; this one never exists.
    nowhere = Path(__file__) / "no-external-data"
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(nowhere)
    )
    try:
        return runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no class but this one
        raise BundleDamaged(_why_not_opened(str(error), name)) from error


def run_session(
    session: Any, outputs: Sequence[str], inputs: dict[str, Any], name: str
) -> list[FloatArray]:
    """Run a session; name: of its file. Raises BundleDamaged where the graph fails."""
    try:
        results: list[FloatArray] = session.run(list(outputs), inputs)
    except Exception as error:  # ONNX Runtime's errors share no class but this one
        raise BundleDamaged(f"The network {name} fails: {_reason(str(error))}") from error
    return results


def fixed_sizes(shape: Sequence[Any]) -> tuple[int | None, ...]:
    """Return a shape's lengths; None for those that are names, unknown or negative."""
    return tuple(n if isinstance(n, int) and n > 0 else None for n in shape)


def _why_not_opened(error: str, name: str) -> str:
    reason = _reason(error)
    if "xternal data" in error or "in-memory address" in error:
        return (
            f"The network {name} keeps weights outside its file, which is not allowed in a "
            "bundle. Save it as one file (onnx.save_model without external data)."
        )
    if any(words in error for words in _UNKNOWN_OPERATOR):
        return (
            f"The network {name} uses an operator that ONNX Runtime does not have. Export it "
            f"with standard operators. {reason}"
        )
    return f"The network {name} cannot be opened: {reason}"


def _reason(error: str) -> str:
    """Return ONNX Runtime's sentence without codes and places in its source."""
    last = _ERROR_CODE.split(error)[-1].strip()
    line = next(iter(_SOURCE_PLACE.sub("", last).splitlines()), "unknown")
    return line[:300].rstrip(".") + "."


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineMissing(
            "The model's network is an ONNX file, and ONNX Runtime is not installed. Install it: "
            'pip install "scene-gallery[onnx]" (in a checkout: pip install -e ".[onnx]").'
        ) from error
    return onnxruntime
