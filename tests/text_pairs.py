"""Tiny pairs of an image network and a text network, which know colours."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.bundle_network import BackboneEntry, BundleFile, InputEntry, TextEntry
from scene_model.classifier.text.text_calibration import BACKGROUND

JOINT = 64
_SIDE, _CONTEXT = 16, 12
_UNKNOWN = "[UNK]"
COLOURS = {
    "red": (1, -1, -1),
    "green": (-1, 1, -1),
    "blue": (-1, -1, 1),
    "yellow": (1, 1, -1),
    "white": (1, 1, 1),
    "black": (-1, -1, -1),
}


def colour_pair(models: Path, name: str = "colours", projection: Any = None) -> Path:
    """A bundle without heads: its network averages a photo's colours, its text side knows some.

    Words of the background sentences have random vectors, all others none. projection: kernel of
    the image projection.
    """
    folder = models / name
    folder.mkdir(parents=True)
    files = {
        "image.onnx": _image_network(),
        "text.onnx": _text_network(),
        "tokenizer.json": _tokenizer().encode(),
    }
    if projection is not None:
        packed = io.BytesIO()
        np.savez(packed, kernel=projection)
        files["projection.npz"] = packed.getvalue()
    for file, data in files.items():
        (folder / file).write_bytes(data)
    description = BundleDescription(
        format_version=4,
        name=name,
        created_at="2026-01-01T00:00:00+00:00",
        backbone=BackboneEntry(
            **_entry("image.onnx", files),
            architecture="mean colour",
            embedding_size=JOINT,
            engine="onnx",
        ),
        input=InputEntry(
            width=_SIDE,
            height=_SIDE,
            colour_order="RGB",
            dtype="float32",
            resize="stretch",
            scale=1 / 255,
            mean=(0.5, 0.5, 0.5),
            deviation=(0.5, 0.5, 0.5),
        ),
        heads_file=None,
        heads=(),
        class_head=None,
        tag_head=None,
        text=TextEntry(
            **_entry("text.onnx", files),
            engine="onnx",
            tokenizer=BundleFile(**_entry("tokenizer.json", files)),
            context_length=_CONTEXT,
            padding_id=0,
            embedding_size=JOINT,
            image_projection=(
                None if projection is None else BundleFile(**_entry("projection.npz", files))
            ),
            prompt="a photo of {}",
        ),
        licence="MIT",
    )
    (folder / "bundle.json").write_text(description.model_dump_json(indent=1), encoding="utf-8")
    return folder


def add_calibration(folder: Path, **values: float) -> None:
    """Write a calibration into a bundle with a text side."""
    data = json.dumps(values).encode()
    (folder / "calibration.json").write_bytes(data)
    description = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    description["text"]["calibration"] = {
        "file": "calibration.json",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (folder / "bundle.json").write_text(json.dumps(description), encoding="utf-8")


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Replace a file of a bundle, and its hash."""
    old = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(data)
    text = (folder / "bundle.json").read_text(encoding="utf-8")
    new = text.replace(old, hashlib.sha256(data).hexdigest())
    (folder / "bundle.json").write_text(new, encoding="utf-8")


def _entry(file: str, files: dict[str, bytes]) -> dict[str, Any]:
    return {"file": file, "sha256": hashlib.sha256(files[file]).hexdigest()}


def _words() -> dict[str, int]:
    words = [word for sentence in BACKGROUND for word in sentence.split()]
    return {word: i + 2 for i, word in enumerate(dict.fromkeys([*COLOURS, *words]))}


def _tokenizer() -> str:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {"[PAD]": 0, _UNKNOWN: 1} | _words()
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    text: str = tokenizer.to_str()
    return text


def _table() -> Any:
    """A vector for each token: that of a colour is the colour, of padding nothing."""
    words = _words()
    random = np.random.default_rng(0)
    table = np.zeros((len(words) + 2, JOINT), np.float32)
    for word, number in words.items():
        table[number] = random.standard_normal(JOINT) / np.sqrt(JOINT)
        if word in COLOURS:
            table[number] = 0
            table[number, :3] = np.array(COLOURS[word]) * 4 / np.sqrt(3)
        elif word in ("a", "of", "the", "in"):
            table[number] *= 0.1
    return table


def _text_network() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        helper.make_node("ReduceSum", ["vectors", "axes"], ["text_embeds"], keepdims=0),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", _CONTEXT])
    output = helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["n", JOINT])
    weights = [
        numpy_helper.from_array(_table(), "table"),
        numpy_helper.from_array(np.array([1], np.int64), "axes"),
    ]
    return _model(nodes, ids, output, weights)


def _image_network() -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["photo", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "kernel"], ["embedding"]),
    ]
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, _SIDE, _SIDE, 3])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, JOINT])
    weights = [
        numpy_helper.from_array(np.eye(3, JOINT, dtype=np.float32), "kernel"),
        numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
    ]
    return _model(nodes, photo, output, weights)


def _model(nodes: Any, model_input: Any, output: Any, weights: Any) -> bytes:
    from onnx import helper

    graph = helper.make_graph(nodes, "colours", [model_input], [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    buffer = io.BytesIO(model.SerializeToString())
    return buffer.getvalue()
