"""ONNX files made on the spot: small ones that work, and hostile ones."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scene_model.config import PROJECT_DIR

ASSETS = PROJECT_DIR / "tests" / "assets" / "models"
SIDE = 8


def linear(
    path: Path,
    shape: tuple[int | str, ...] = (1, 3, SIDE, SIDE),
    labels: int = 3,
    kernel: np.ndarray[Any, Any] | None = None,
    final: str | None = None,
) -> Path:
    """A classifier: the mean of each colour, then a dense layer. final: an operator after it."""
    axes = [2, 3] if shape[1] == 3 or isinstance(shape[1], str) else [1, 2]
    if kernel is None:
        kernel = np.random.default_rng(3).normal(size=(3, labels)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["photo"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "kernel"], ["products"]),
        helper.make_node("Add", ["bias", "products"], ["logits"]),
    ]
    if final is not None:
        nodes.append(helper.make_node(final, ["logits"], ["answer"]))
    weights = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.linspace(0, 1, kernel.shape[1], dtype=np.float32), "bias"),
    ]
    return save(path, nodes, weights, shape, "logits" if final is None else "answer")


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto] | None = None,
    shape: tuple[int | str, ...] = (1, 3, SIDE, SIDE),
    output: str = "logits",
    domains: tuple[str, ...] = (),
) -> Path:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("photo", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        weights or [],
    )
    opsets = [helper.make_opsetid("", 13), *(helper.make_opsetid(name, 1) for name in domains)]
    model = helper.make_model(graph, opset_imports=opsets)
    model.ir_version = 9
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def added_to_means(path: Path, *extra: onnx.NodeProto, value: str) -> Path:
    """A classifier that adds a value, which further nodes compute, to its answer."""
    nodes = [
        helper.make_node("ReduceMean", ["photo"], ["means"], axes=[2, 3], keepdims=0),
        *extra,
        helper.make_node("Add", ["means", value], ["logits"]),
    ]
    return save(path, nodes)


def whole_number(name: str, *values: int) -> onnx.NodeProto:
    tensor = numpy_helper.from_array(np.array(values, np.int64))
    return helper.make_node("Constant", [], [name], value=tensor)


def takes_all_memory(path: Path) -> Path:
    """It adds up 40 GB of zeros."""
    return added_to_means(
        path,
        whole_number("shape", 10_000_000_000),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        value="sum",
    )


def takes_all_time(path: Path) -> Path:
    """It multiplies large matrices again and again."""
    products = [helper.make_node("MatMul", ["m0", "m0"], ["m1"])]
    products += [helper.make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(1, 200)]
    return added_to_means(
        path,
        whole_number("shape", 2500, 2500),
        helper.make_node("ConstantOfShape", ["shape"], ["m0"]),
        *products,
        helper.make_node("ReduceSum", ["m200"], ["sum"], keepdims=0),
        value="sum",
    )


def repeats_for_ever(path: Path) -> Path:
    condition = helper.make_tensor_value_info("on", TensorProto.BOOL, [])
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still"])],
        "body",
        [helper.make_tensor_value_info("turn", TensorProto.INT64, []), condition],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    loop = helper.make_node("Loop", ["", ""], [], body=body)
    return added_to_means(path, loop, value="means")


def has_a_custom_operator(path: Path) -> Path:
    node = helper.make_node("Open", ["photo"], ["logits"], domain="my.company")
    return save(path, [node], domains=("my.company",))


def reads_outside(path: Path, location: str, length: int = 36) -> Path:
    """A classifier whose kernel is in another file."""
    linear(path)
    model = onnx.load(path)
    kernel = model.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        entry = kernel.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())
    return path
