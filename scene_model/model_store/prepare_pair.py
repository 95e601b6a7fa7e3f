"""Make a bundle's networks of a pair in ONNX files. Runs in the process that prepares networks."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from scene_model.classifier.bundle import FloatArray
from scene_model.errors import ModelRefused
from scene_model.model_store.onnx_graph import (
    dimensions,
    inputs_of,
    part_of,
    read_graph,
    rename_input,
)
from scene_model.model_store.onnx_parts import (
    checked_row,
    fix_shape,
    fixed_photo_input,
    noise,
    open_part,
    output_of,
    run_opened,
    run_part,
    save_part,
)
from scene_model.model_store.prepared import (
    NETWORK_STEM,
    TEXT_FILE,
    Prepared,
    Task,
    are_equal,
)
from scene_model.model_store.token_ids import Tokens, open_tokenizer, padding_of, token_ids

_PHOTO_INPUT, _TEXT_INPUT, _MASK_INPUT = "pixel_values", "input_ids", "attention_mask"
# As exports of OpenCLIP call the token ids; engines know only the usual name.
_OTHER_TEXT_INPUT = "text"
# What the embedding of a pair is called, the best first: of the joint space, if it is there.
_IMAGE_OUTPUTS = ("image_embeds", "image_features", "pooler_output", "embedding")
_TEXT_OUTPUTS = ("text_embeds", "text_features", "pooler_output", "embedding")
_SENTENCES = ("a photo of a dog", "snow")


def prepare_pair(task: Task) -> Prepared:
    """Write the image network and the text network of a pair. Raises ModelRefused."""
    is_joined = task.text == task.network
    model = read_graph(Path(task.network), task.max_bytes)
    entry, name = fixed_photo_input(model, task, (_PHOTO_INPUT,) if is_joined else ())
    image = part_of(model, [name], output_of(model, _IMAGE_OUTPUTS, task.output))
    (size,) = run_part(image, name, noise(entry), Path(task.network).name).shape[1:]
    text_model = model if is_joined else read_graph(Path(task.text), task.max_bytes)
    length, joint, padding_id = _prepare_text(text_model, task)
    if joint != size:
        raise ModelRefused(
            f"The image network's vectors have {size:,} numbers and the text network's {joint:,}: "
            "they are not of one pair. Export both with their projections.",
            code="model_shape",
        )
    save_part(image, Path(task.folder) / f"{NETWORK_STEM}.onnx")
    return Prepared(
        "onnx",
        f"{NETWORK_STEM}.onnx",
        int(size),
        entry,
        joint_size=joint,
        context_length=length,
        padding_id=padding_id,
    )


def _prepare_text(model: ModelProto, task: Task) -> tuple[int, int, int]:
    """Write the text network; returns its tokens, the size of its vectors, and the padding's id."""
    by_name = {entry.name: entry for entry in inputs_of(model)}
    ids = by_name.get(_TEXT_INPUT) or by_name.get(_OTHER_TEXT_INPUT)
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
    names = [ids.name, *(n for n in (_MASK_INPUT,) if n in by_name)]
    for name in names:
        fix_shape(by_name[name], (lengths[0], length))
    text = part_of(model, names, output_of(model, _TEXT_OUTPUTS, None))
    tokenizer = open_tokenizer(Path(task.tokenizer))
    padding_id = padding_of(tokenizer, task.padding_token)
    tokens = token_ids(tokenizer, _SENTENCES, length, padding_id)
    joint = _try_text(text, tokens, Path(task.text).name)
    if ids.name != _TEXT_INPUT:
        rename_input(text, ids.name, _TEXT_INPUT)
    save_part(text, Path(task.folder) / TEXT_FILE)
    return length, joint, padding_id


def _try_text(text: ModelProto, tokens: list[Tokens], file: str) -> int:
    """Encode two sentences; returns the size of their vectors."""
    session = open_part(text, file)
    vectors = []
    for ids, mask in tokens:
        fed = {
            entry.name: _as_input(mask if "mask" in entry.name else ids, entry.type)
            for entry in session.get_inputs()
        }
        (vector,) = run_opened(session, text.graph.output[0].name, fed, file)
        vectors.append(checked_row(vector, file))
    _require_difference(vectors[0], vectors[1], file)
    return int(vectors[0].shape[1])


def _as_input(ids: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    types = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
    if kind not in types:
        raise ModelRefused(
            f"The text network takes {kind}; int64 or int32 is needed.", code="model_shape"
        )
    return ids.astype(types[kind])[np.newaxis]


def _require_difference(first: FloatArray, second: FloatArray, file: str) -> None:
    if are_equal(first, second):
        raise ModelRefused(
            f"The network {file} answers the same for different sentences. It may be damaged, or "
            "its tokenizer may be of another model.",
            code="model_trial_failed",
        )
