"""Networks of a few kilobytes: one matrix on all pixels, so that numpy can say what is right.

Run as a program (`python -m tests.tiny_networks`, with TensorFlow), it writes the TFLite files
that lie in tests/assets; ONNX files are made where they are needed.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from scene_model.classifier.bundle import Bundle, HeadWeights
from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.bundle_network import BackboneEntry, InputEntry
from scene_model.classifier.fitting.bundle_files import (
    HEADS_FILE,
    bundle_file,
    describe_head,
    write_description,
    write_heads,
)
from scene_model.classifier.fitting.calibration import HeadCalibration
from scene_model.classifier.labels import Label, LabelSet
from scene_model.photos.colours import Pixels

HEIGHT, WIDTH, EMBEDDING = 8, 8, 5
ASSETS = Path(__file__).parent / "assets"
TFLITE = {"uint8": ASSETS / "tiny_uint8.tflite", "float32": ASSETS / "tiny_float32.tflite"}
FloatArray = npt.NDArray[np.float32]

UINT8_RULE = InputEntry(
    width=WIDTH, height=HEIGHT, colour_order="RGB", dtype="uint8", resize="stretch"
)


def float_rule(**changes: Any) -> InputEntry:
    """A rule with numbers as those of ImageNet networks."""
    return UINT8_RULE.model_copy(
        update={
            "dtype": "float32",
            "scale": 1 / 255,
            "mean": (0.485, 0.456, 0.406),
            "deviation": (0.229, 0.224, 0.225),
        }
        | changes
    )


def weights() -> FloatArray:
    """The matrix: shape (height, width, channels in RGB order, embedding)."""
    rng = np.random.default_rng(3)
    shape = (HEIGHT, WIDTH, 3, EMBEDDING)
    return rng.normal(scale=0.01, size=shape).astype(np.float32)


def expected_embedding(resized: Pixels, rule: InputEntry) -> FloatArray:
    """What a network of this module answers for a picture of its size, RGB."""
    numbers = resized.astype(np.float64)
    if rule.dtype == "float32":
        # mean and deviation are in the order of the graph's channels.
        order = slice(None, None, -1) if rule.colour_order == "BGR" else slice(None)
        mean, deviation = np.array(rule.mean)[order], np.array(rule.deviation)[order]
        numbers = (numbers * rule.scale - mean) / deviation
    return np.tensordot(numbers, weights().astype(np.float64), 3).astype(np.float32)


def onnx_network(
    rule: InputEntry,
    input_shape: Sequence[int | str] | None = None,
    outputs: Sequence[str] = ("embedding",),
    output_shape: Sequence[int | str] = (1, EMBEDDING),
) -> bytes:
    """An ONNX file for a rule's layout, colours and dtype."""
    matrix = weights()
    if rule.colour_order == "BGR":
        matrix = matrix[:, :, ::-1]
    if rule.layout == "NCHW":
        matrix = matrix.transpose(2, 0, 1, 3)
    flat = np.ascontiguousarray(matrix).reshape(-1, EMBEDDING)
    kind = TensorProto.UINT8 if rule.dtype == "uint8" else TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["photo"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"], axis=1),
    ]
    nodes += [helper.make_node("MatMul", ["flat", "matrix"], [name]) for name in outputs]
    return written(
        nodes,
        [helper.make_tensor_value_info("photo", kind, list(input_shape or rule.shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(output_shape))
            for name in outputs
        ],
        [helper.make_tensor("matrix", TensorProto.FLOAT, flat.shape, flat.tobytes(), raw=True)],
    )


def written(nodes: Any, inputs: Any, outputs: Any, constants: Any) -> bytes:
    """The bytes of a graph."""
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    data: bytes = model.SerializeToString()
    return data


def headless_bundle(
    folder: Path, network: bytes, rule: InputEntry, engine: str, **backbone: Any
) -> Bundle:
    """A bundle with a network and no heads, in a folder that may not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "backbone.onnx" if engine == "onnx" else "backbone.tflite"
    (folder / name).write_bytes(network)
    entry = {
        "file": name,
        "sha256": hashlib.sha256(network).hexdigest(),
        "architecture": "tiny",
        "embedding_size": EMBEDDING,
        "engine": engine,
    }
    description = BundleDescription(
        format_version=4,
        name="tiny",
        created_at="2026-01-01T00:00:00+00:00",
        backbone=BackboneEntry.model_validate(entry | backbone),
        input=rule,
        heads_file=None,
        heads=(),
        class_head=None,
        tag_head=None,
        licence="MIT",
    )
    (folder / "bundle.json").write_text(description.model_dump_json(indent=1), encoding="utf-8")
    return Bundle(folder, description, {})


def tagging_bundle(folder: Path, with_objects: bool = False) -> Path:
    """A bundle of an ONNX network whose class head tells bright photos from dark ones.

    Without a tag head, places and groups. with_objects: with a head of that name that has three
    labels, of no data set, and is sure of the first for a bright photo.
    """
    rule = float_rule(layout="NCHW")
    description = headless_bundle(folder, onnx_network(rule), rule, "onnx").description
    white, black = (
        expected_embedding(np.full((HEIGHT, WIDTH, 3), level, np.uint8), rule) for level in (255, 0)
    )
    step = (white - black) / float(np.sum((white - black) ** 2))
    heads = {"moods": _brightness_head(step, float(black @ step), 2)}
    names: dict[str, tuple[str, ...]] = {"moods": ("bright", "dark")}
    if with_objects:
        heads["objects"] = _brightness_head(step, float(black @ step), 3)
        names["objects"] = ("lamp", "cellar", "candle")
    write_heads(folder, heads)
    entries = [
        describe_head(
            head_id,
            head_id.capitalize(),
            LabelSet(tuple(Label(name, name.capitalize(), name) for name in labels)),
            HeadCalibration(),
        )
        for head_id, labels in names.items()
    ]
    write_description(
        folder,
        description.model_copy(
            update={
                "name": folder.name,
                "heads_file": bundle_file(folder, HEADS_FILE),
                "heads": tuple(entries),
                "class_head": "moods",
            }
        ),
    )
    return folder


def _brightness_head(step: FloatArray, offset: float, labels: int) -> HeadWeights:
    """The first label where brightness is above a half, the second below it; others never."""
    kernel = np.zeros((EMBEDDING, labels), np.float32)
    bias = np.full(labels, -30, np.float32)
    kernel[:, 0], kernel[:, 1] = 20 * step, -20 * step
    bias[:2] = -20 * (offset + 0.5), 20 * (offset + 0.5)
    return HeadWeights(kernel, bias)


def write_tflite() -> None:
    """Write the two TFLite files of tests/assets."""
    import tensorflow as tf

    flat = weights().reshape(-1, EMBEDDING)
    for name, file in TFLITE.items():
        shape = tf.TensorSpec((1, HEIGHT, WIDTH, 3), getattr(tf, name))

        @tf.function(input_signature=[shape])  # type: ignore[untyped-decorator]
        def embed(photo: Any) -> Any:
            numbers = tf.reshape(tf.cast(photo, tf.float32), (1, -1))
            return tf.matmul(numbers, tf.constant(flat))

        function = embed.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
        file.write_bytes(converter.convert())


if __name__ == "__main__":
    write_tflite()
