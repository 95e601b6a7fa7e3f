"""Parts of ONNX graphs: give them the shapes that they are fed, run and save them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, TensorProto

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.bundle_network import InputEntry
from scene_model.classifier.engines.onnx import open_session, run_session
from scene_model.errors import BundleDamaged, EngineMissing, ModelRefused
from scene_model.model_store.onnx_graph import dimensions, inputs_of
from scene_model.model_store.photo_input import photo_input
from scene_model.model_store.prepared import Task

Tensors = list[npt.NDArray[Any]]

_DTYPES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.UINT8: "uint8",
    TensorProto.FLOAT16: "float16",
}


def fixed_photo_input(
    model: ModelProto, task: Task, names: tuple[str, ...] = ()
) -> tuple[InputEntry, str]:
    """Give the photo's input the size that it is fed; names: of it, where there are others."""
    inputs = [entry for entry in inputs_of(model) if not names or entry.name in names]
    if len(inputs) != 1:
        given = ", ".join(entry.name for entry in inputs) or "none"
        raise ModelRefused(
            f"The network has {len(inputs)} inputs ({given}); one that takes a photo is needed.",
            code="model_shape",
        )
    (value,) = inputs
    dtype = _DTYPES.get(value.type.tensor_type.elem_type, "another type")
    entry = photo_input(dimensions(value), dtype, task.declared)
    fix_shape(value, (None, *entry.shape[1:]))
    # Shapes that were inferred for any size may contradict those of this one.
    del model.graph.value_info[:]
    return entry, str(value.name)


def output_of(model: ModelProto, usual: tuple[str, ...], asked: str | None) -> str:
    """Return the name of the output to use: the one asked for, a usual one, or the only one."""
    names = [entry.name for entry in model.graph.output]
    if asked is not None:
        if asked not in names:
            raise ModelRefused(
                f"The network has no output {asked!r}. It has: {', '.join(names)}.",
                code="model_options",
            )
        return asked
    chosen = next((name for name in usual if name in names), None)
    if chosen is None and len(names) > 1:
        raise ModelRefused(
            f"The network has the outputs {', '.join(names)}. Say which: --output NAME.",
            code="model_options",
        )
    return names[0] if chosen is None else chosen


def fix_shape(value: onnx.ValueInfoProto, lengths: tuple[int | None, ...]) -> None:
    """Set the lengths of an input's dimensions; None leaves one as it is."""
    for dim, length in zip(value.type.tensor_type.shape.dim, lengths, strict=True):
        if length is not None:
            dim.dim_value = length


def noise(entry: InputEntry) -> Tensors:
    """Two inputs of noise: only what a part of the network makes of them is compared."""
    generator = np.random.default_rng(1)
    if entry.dtype == "uint8":
        return [generator.integers(0, 256, entry.shape, np.uint8) for _ in range(2)]
    return [generator.normal(size=entry.shape).astype(np.float32) for _ in range(2)]


def run_part(part: ModelProto, name: str, pictures: Tensors, file: str) -> FloatArray:
    """Run a part on each input; returns float32 (inputs, size)."""
    session, output = open_part(part, file), part.graph.output[0].name
    rows = [checked_row(run_opened(session, output, {name: p}, file)[0], file) for p in pictures]
    return np.concatenate(rows)


def run_or_none(part: ModelProto, name: str, pictures: Tensors, file: str) -> FloatArray | None:
    """As `run_part`; None where the value is no embedding: of another shape or type."""
    try:
        return run_part(part, name, pictures, file)
    except ModelRefused:
        return None


def open_part(part: ModelProto, file: str) -> Any:
    """Open a session; file: for messages. Raises ModelRefused."""
    try:
        return open_session(part.SerializeToString(), file)
    except EngineMissing as error:
        raise ModelRefused(error.message, code="model_package_missing") from error
    except BundleDamaged as error:
        raise ModelRefused(error.message, code="model_trial_failed") from error


def run_opened(
    session: Any, output: str, fed: dict[str, npt.NDArray[Any]], file: str
) -> list[FloatArray]:
    """Run a session. Raises ModelRefused."""
    try:
        return run_session(session, [output], fed, file)
    except BundleDamaged as error:
        raise ModelRefused(error.message, code="model_trial_failed") from error


def checked_row(row: FloatArray, file: str) -> FloatArray:
    """Return one answer as it came. Raises ModelRefused unless it is one row of finite numbers."""
    if row.ndim != 2 or len(row) != 1 or row.dtype != np.float32:
        raise ModelRefused(
            f"The network {file} answers {row.dtype} of the shape {row.shape}; float32 (1, n) is "
            "needed. Name another output: --output NAME.",
            code="model_shape",
        )
    if not np.isfinite(row).all():
        raise ModelRefused(
            f"The network {file} answers with numbers that are not finite. Export it again, in "
            "float32.",
            code="model_trial_failed",
        )
    return row


def save_part(part: ModelProto, path: Path) -> None:
    """Write a part as one file. Raises ModelRefused."""
    try:
        path.write_bytes(part.SerializeToString())
    except ValueError as error:  # protobuf writes less than 2 GiB
        raise ModelRefused(f"The network is too large: {error}.", code="model_too_large") from error
