"""Write a published MobileNetV2 as an ONNX bundle, from its float weights, without TensorFlow."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper

from scene_model.classifier.bundle import MODEL_CARD_FILE, Bundle, FloatArray, open_bundle
from scene_model.classifier.bundle_network import BackboneEntry
from scene_model.classifier.fitting.bundle_files import (
    bundle_file,
    now,
    put_in_place,
    write_description,
)
from training.mobilenet_blocks import (
    BLOCKS,
    BRANCH,
    BRANCH_BLOCK,
    LAST_CHANNELS,
    STEM_CHANNELS,
    block_name,
)
from training.recipe import TrainingError

ONNX_FILE = "backbone.onnx"
_OPSET, _IR_VERSION = 17, 8
_BRANCHES = {"mobilenet_v2": ("",), "mobilenet_v2_branches": ("", BRANCH)}
Weights = dict[str, FloatArray]


def export_onnx(bundle_dir: Path, models_dir: Path) -> Path:
    """Write ``models_dir/NAME_onnx``: the bundle's heads on its float network, as ONNX.

    The photo is given to the graph as to the int8 network: uint8, NHWC, RGB, stretched. Returns
    the folder. Raises TrainingError for another architecture or without float weights.
    """
    bundle = open_bundle(bundle_dir)
    name = f"{bundle.description.name}_onnx"
    network = onnx_network(
        bundle.description.backbone.architecture,
        read_float_weights(bundle),
        bundle.description.input.width,
    )
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".new-") as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        (folder / ONNX_FILE).write_bytes(network)
        _copy_the_rest(bundle, folder)
        _describe(bundle, folder, name)
        put_in_place(folder, models_dir / name)
    return models_dir / name


def read_float_weights(bundle: Bundle) -> Weights:
    """Read the arrays that the network was quantized from; raises TrainingError without them."""
    entry = bundle.description.float_weights
    if entry is None or not (bundle.folder / entry.file).is_file():
        raise TrainingError(
            f"{bundle.folder} has no float weights, which the export reads. Export a bundle that "
            "`python -m training publish` wrote."
        )
    with np.load(bundle.folder / entry.file, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def onnx_network(architecture: str, weights: Weights, side: int) -> bytes:
    """Build the graph: uint8 (1, side, side, 3) RGB in, float32 (1, embedding size) out.

    weights: as `read_float_weights`. Raises TrainingError for another architecture.
    """
    if architecture not in _BRANCHES or any(name.startswith("hidden_") for name in weights):
        raise TrainingError(
            f"The export to ONNX knows {' and '.join(_BRANCHES)} without further layers; this "
            f"network is {architecture}."
        )
    graph = _Graph(weights)
    graph.add("Cast", ["photo"], "numbers", to=TensorProto.FLOAT)
    graph.add("Mul", ["numbers", graph.constant("scale", np.float32(1 / 127.5))], "scaled")
    graph.add("Sub", ["scaled", graph.constant("one", np.float32(1.0))], "centred")
    graph.add("Transpose", ["centred"], "pixels", perm=[0, 3, 1, 2])
    lower = _Feature("pixels", 3, side)
    lower = graph.convolution(lower, "Conv1", STEM_CHANNELS, size=3, stride=2)
    branches = _BRANCHES[architecture]
    shared = BRANCH_BLOCK if len(branches) > 1 else len(BLOCKS)
    for index in range(shared):
        lower = graph.block(lower, index)
    pooled = []
    for prefix in branches:
        upper = lower
        for index in range(shared, len(BLOCKS)):
            upper = graph.block(upper, index, prefix)
        upper = graph.convolution(upper, f"{prefix}Conv_1", LAST_CHANNELS)
        graph.add("GlobalAveragePool", [upper.name], f"{prefix}averaged")
        pooled.append(graph.add("Flatten", [f"{prefix}averaged"], f"{prefix}pooled", axis=1))
    graph.add("Concat", pooled, "embedding", axis=1)
    return graph.written(side, LAST_CHANNELS * len(branches))


@dataclass(frozen=True)
class _Feature:
    """A feature map: the name of its tensor, its channels, and its side in pixels."""

    name: str
    channels: int
    side: int


@dataclass
class _Graph:
    """Collects nodes and constants."""

    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, TensorProto] = field(default_factory=dict)

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(self, name: str, values: Any) -> str:
        """Add a constant once; returns its name."""
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(values), name))
        return name

    def block(self, feature: _Feature, index: int, prefix: str = "") -> _Feature:
        """Add one inverted residual with linear bottleneck."""
        expansion, channels, stride = BLOCKS[index]
        name, x = block_name(index, prefix), feature
        if expansion > 1:
            x = self.convolution(x, f"{name}_expand", expansion * feature.channels)
        x = self.convolution(x, f"{name}_depthwise", x.channels, 3, stride, is_depthwise=True)
        x = self.convolution(x, f"{name}_project", channels, is_linear=True)
        if stride == 1 and feature.channels == channels:
            return _Feature(
                self.add("Add", [feature.name, x.name], f"{name}_add"), channels, x.side
            )
        return x

    def convolution(
        self,
        feature: _Feature,
        layer: str,
        channels: int,
        size: int = 1,
        stride: int = 1,
        is_depthwise: bool = False,
        is_linear: bool = False,
    ) -> _Feature:
        """Add a convolution with bias and, unless linear, ReLU6; padded as Keras pads "same"."""
        kernel = self.weights[f"{layer}/kernel"]
        # Keras: (h, w, in, out), depthwise (h, w, channels, 1). ONNX: (out, in, h, w).
        order = (2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1)
        side = -(-feature.side // stride)
        padding = max((side - 1) * stride + size - feature.side, 0)
        before, after = padding // 2, padding - padding // 2
        output = self.add(
            "Conv",
            [
                feature.name,
                self.constant(f"{layer}/kernel", np.ascontiguousarray(kernel.transpose(order))),
                self.constant(f"{layer}/bias", self.weights[f"{layer}/bias"]),
            ],
            layer,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=channels if is_depthwise else 1,
        )
        if not is_linear:
            limits = [self.constant(f"limit_{n}", np.float32(n)) for n in (0, 6)]
            output = self.add("Clip", [output, *limits], f"{layer}_relu")
        return _Feature(output, channels, side)

    def written(self, side: int, embedding_size: int) -> bytes:
        """Return the bytes of the checked graph."""
        photo = helper.make_tensor_value_info("photo", TensorProto.UINT8, [1, side, side, 3])
        output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, embedding_size])
        graph = helper.make_graph(
            self.nodes, "mobilenet_v2", [photo], [output], list(self.constants.values())
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString()
        return data


def _copy_the_rest(bundle: Bundle, folder: Path) -> None:
    text = bundle.description.text
    text_files = () if text is None else text.files
    kept = (bundle.description.heads_file, bundle.description.decisions_file, *text_files)
    for entry in kept:
        if entry is not None:
            shutil.copyfile(bundle.folder / entry.file, folder / entry.file)
    card = bundle.folder / MODEL_CARD_FILE
    if card.is_file():
        shutil.copyfile(card, folder / MODEL_CARD_FILE)


def _describe(bundle: Bundle, folder: Path, name: str) -> None:
    before = bundle.description
    backbone = BackboneEntry(
        **bundle_file(folder, ONNX_FILE).model_dump(),
        architecture=before.backbone.architecture,
        embedding_size=before.backbone.embedding_size,
        engine="onnx",
    )
    changes = {
        "name": name,
        "created_at": now(),
        "backbone": backbone,
        "float_weights": None,
        # Measured on the int8 network; what is equal is said by `benchmarks.engine_parity`.
        "training": before.training | {"exported_from": before.id},
    }
    write_description(folder, before.model_copy(update=changes))
