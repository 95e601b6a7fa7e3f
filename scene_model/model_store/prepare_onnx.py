"""Make a bundle's networks of ONNX files. Runs in the process that prepares networks."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, TensorProto

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.bundle_network import InputEntry
from scene_model.classifier.engines.onnx import open_session, run_session
from scene_model.classifier.fitting.bundle_files import write_heads
from scene_model.errors import BundleDamaged, ModelRefused
from scene_model.model_store.last_layer import last_layer, logits_of
from scene_model.model_store.onnx_graph import dimensions, inputs_of, part_of, read_graph
from scene_model.model_store.photo_input import photo_input
from scene_model.model_store.prepared import NETWORK_STEM, TEXT_FILE, Prepared, Task
from scene_model.model_store.token_ids import (
    Tokens,
    open_tokenizer,
    padding_of,
    token_ids,
)

_DTYPES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.UINT8: "uint8",
    TensorProto.FLOAT16: "float16",
}
_PHOTO_INPUT, _TEXT_INPUTS = "pixel_values", ("input_ids", "attention_mask")
# What the embedding of a pair is called, the best first: of the joint space, if it is there.
_IMAGE_OUTPUTS = ("image_embeds", "image_features", "pooler_output", "embedding")
_TEXT_OUTPUTS = ("text_embeds", "text_features", "pooler_output", "embedding")
_ROUNDING = 1e-3
_SENTENCES = ("a photo of a dog", "snow")
_MAX_HEAD_OUTPUTS = 65_536


def prepare_classifier(task: Task) -> Prepared:
    """Split a classifier into a backbone and a head. Raises ModelRefused."""
    model = read_graph(Path(task.network), task.max_bytes)
    entry, name = _fixed_photo_input(model, task)
    logits = logits_of(model, _output(model, ("logits",), task.output))
    whole = part_of(model, [name], logits)
    file, pictures = Path(task.network).name, _noise(entry)
    answers = _run(whole, name, pictures, file)
    layer = last_layer(model, logits)
    if layer is not None:
        backbone = part_of(model, [name], layer.embedding)
        embeddings = _run_or_none(backbone, name, pictures, file)
        if embeddings is not None and _agree(embeddings, layer.weights, answers):
            _save(backbone, Path(task.folder) / f"{NETWORK_STEM}.onnx")
            return _with_head(task, entry, embeddings.shape[1], layer.weights, True)
    _save(whole, Path(task.folder) / f"{NETWORK_STEM}.onnx")
    size = answers.shape[1]
    weights = HeadWeights(np.eye(size, dtype=np.float32), np.zeros(size, np.float32))
    return _with_head(task, entry, size, weights, False)


def prepare_pair(task: Task) -> Prepared:
    """Write the image network and the text network of a pair. Raises ModelRefused."""
    is_joined = task.text == task.network
    model = read_graph(Path(task.network), task.max_bytes)
    entry, name = _fixed_photo_input(model, task, (_PHOTO_INPUT,) if is_joined else ())
    image = part_of(model, [name], _output(model, _IMAGE_OUTPUTS, task.output))
    (size,) = _run(image, name, _noise(entry), Path(task.network).name).shape[1:]
    text_model = model if is_joined else read_graph(Path(task.text), task.max_bytes)
    length, joint, padding_id = _prepare_text(text_model, task)
    if joint != size:
        raise ModelRefused(
            f"The image network's vectors have {size:,} numbers and the text network's {joint:,}: "
            "they are not of one pair. Export both with their projections.",
            code="model_shape",
        )
    _save(image, Path(task.folder) / f"{NETWORK_STEM}.onnx")
    return Prepared(
        "onnx",
        f"{NETWORK_STEM}.onnx",
        int(size),
        entry,
        joint_size=joint,
        context_length=length,
        padding_id=padding_id,
    )


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


def _fixed_photo_input(
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
    _fix(value, (None, *entry.shape[1:]))
    # Shapes that were inferred for any size may contradict those of this one.
    del model.graph.value_info[:]
    return entry, str(value.name)


def _prepare_text(model: ModelProto, task: Task) -> tuple[int, int, int]:
    """Write the text network; returns its tokens, the size of its vectors, and the padding's id."""
    by_name = {entry.name: entry for entry in inputs_of(model)}
    ids = by_name.get(_TEXT_INPUTS[0]) or by_name.get("text")
    if ids is None:
        raise ModelRefused(
            f"The text network has the inputs {', '.join(by_name)}; it must have input_ids.",
            code="model_shape",
        )
    lengths = dimensions(ids)
    if len(lengths) != 2 or lengths[0] not in (1, None):
        raise ModelRefused(
            f"The text network's input_ids have the shape {lengths}; (any, length) is needed.",
            code="model_shape",
        )
    if lengths[1] is not None and task.context_length not in (None, lengths[1]):
        raise ModelRefused(
            f"The text network takes {lengths[1]} tokens; its config says {task.context_length}.",
            code="model_shape",
        )
    length = lengths[1] or task.context_length
    if length is None:
        raise ModelRefused(
            "The text network takes texts of any length, and no config says the longest: "
            "tokenizer_config.json with model_max_length, or config.json, is missing.",
            code="model_files_missing",
        )
    names = [ids.name, *(n for n in _TEXT_INPUTS[1:] if n in by_name)]
    for name in names:
        _fix(by_name[name], (lengths[0], length))
    text = part_of(model, names, _output(model, _TEXT_OUTPUTS, None))
    tokenizer = open_tokenizer(Path(task.tokenizer))
    padding_id = padding_of(tokenizer, task.padding_token)
    tokens = token_ids(tokenizer, _SENTENCES, length, padding_id)
    joint = _try_text(text, tokens, Path(task.text).name)
    _save(text, Path(task.folder) / TEXT_FILE)
    return length, joint, padding_id


def _try_text(text: ModelProto, tokens: list[Tokens], file: str) -> int:
    """Encode two sentences; returns the size of their vectors."""
    session = _open(text, file)
    vectors = []
    for ids, mask in tokens:
        fed = {
            entry.name: _as_input(mask if "mask" in entry.name else ids, entry.type)
            for entry in session.get_inputs()
        }
        (vector,) = _outputs(session, text.graph.output[0].name, fed, file)
        vectors.append(_checked(vector, file))
    _require_difference(vectors[0], vectors[1], file)
    return int(vectors[0].shape[1])


def _as_input(ids: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    types = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
    if kind not in types:
        raise ModelRefused(
            f"The text network takes {kind}; int64 or int32 is needed.", code="model_shape"
        )
    return ids.astype(types[kind])[np.newaxis]


def _output(model: ModelProto, usual: tuple[str, ...], asked: str | None) -> str:
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


def _fix(value: onnx.ValueInfoProto, lengths: tuple[int | None, ...]) -> None:
    for dim, length in zip(value.type.tensor_type.shape.dim, lengths, strict=True):
        if length is not None:
            dim.dim_value = length


def _noise(entry: InputEntry) -> list[npt.NDArray[Any]]:
    """Two inputs of noise: only what a part of the network makes of them is compared."""
    generator = np.random.default_rng(1)
    if entry.dtype == "uint8":
        return [generator.integers(0, 256, entry.shape, np.uint8) for _ in range(2)]
    return [generator.normal(size=entry.shape).astype(np.float32) for _ in range(2)]


def _run(part: ModelProto, name: str, pictures: list[npt.NDArray[Any]], file: str) -> FloatArray:
    """Run a part on each input; returns float32 (inputs, size)."""
    session, output = _open(part, file), part.graph.output[0].name
    rows = [_checked(_outputs(session, output, {name: p}, file)[0], file) for p in pictures]
    return np.concatenate(rows)


def _run_or_none(
    part: ModelProto, name: str, pictures: list[npt.NDArray[Any]], file: str
) -> FloatArray | None:
    """As `_run`; None where the value is no embedding: of another shape or type."""
    try:
        return _run(part, name, pictures, file)
    except ModelRefused:
        return None


def _agree(embeddings: FloatArray, weights: HeadWeights, answers: FloatArray) -> bool:
    """Return whether a head gives what the whole network gives."""
    if embeddings.shape[1] != len(weights.kernel):
        return False
    own = embeddings @ weights.kernel + weights.bias
    return own.shape == answers.shape and bool(
        np.abs(own - answers).max() <= _ROUNDING * max(1.0, float(np.abs(answers).max()))
    )


def _open(part: ModelProto, file: str) -> Any:
    try:
        return open_session(part.SerializeToString(), file)
    except BundleDamaged as error:
        raise ModelRefused(error.message, code="model_trial_failed") from error


def _outputs(
    session: Any, output: str, fed: dict[str, npt.NDArray[Any]], file: str
) -> list[FloatArray]:
    try:
        return run_session(session, [output], fed, file)
    except BundleDamaged as error:
        raise ModelRefused(error.message, code="model_trial_failed") from error


def _checked(row: FloatArray, file: str) -> FloatArray:
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


def _require_difference(first: FloatArray, second: FloatArray, file: str) -> None:
    if np.allclose(first, second, rtol=1e-5, atol=1e-7):
        raise ModelRefused(
            f"The network {file} answers the same for different sentences. It may be damaged, or "
            "its tokenizer may be of another model.",
            code="model_trial_failed",
        )


def _save(part: ModelProto, path: Path) -> None:
    try:
        path.write_bytes(part.SerializeToString())
    except ValueError as error:  # protobuf writes less than 2 GiB
        raise ModelRefused(f"The network is too large: {error}.", code="model_too_large") from error
