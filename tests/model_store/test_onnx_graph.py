"""ONNX files are read without running them, and refused where they reach outside."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from scene_model.errors import ModelRefused
from scene_model.model_store.last_layer import last_layer, logits_of
from scene_model.model_store.onnx_graph import dimensions, inputs_of, part_of, read_graph
from tests.model_store import networks

MAX_BYTES = 1_000_000


def refusal(path: Path, max_bytes: int = MAX_BYTES) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        read_graph(path, max_bytes)
    return caught.value


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "C:\\secret.bin", "..\\secret.bin", "", "link"]
)
def test_data_outside_its_folder(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(b"s" * 36)
    source = networks.reads_outside(tmp_path / "net" / "net.onnx", location)
    if location == "link":
        if sys.platform == "win32":
            pytest.skip("links need rights there")
        (source.parent / "link").symlink_to(tmp_path / "secret.bin")
    error = refusal(source)
    assert error.code == "model_unsafe"
    assert repr(location) in error.message


def test_data_outside_its_folder_in_a_function(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"s" * 12)
    constant = onnx.TensorProto(
        name="kernel",
        dims=[3],
        data_type=onnx.TensorProto.FLOAT,
        data_location=onnx.TensorProto.EXTERNAL,
    )
    for key, value in (("location", "../secret.bin"), ("offset", "0"), ("length", "12")):
        constant.external_data.add(key=key, value=value)
    node = helper.make_node("Constant", [], ["read"], value=constant)
    opsets = [helper.make_opsetid("", 13)]
    call = helper.make_node("Read", [], ["read"], domain="own")
    source = networks.added_to_means(tmp_path / "net" / "net.onnx", call, value="read")
    model = onnx.load(source)
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.functions.append(helper.make_function("own", "Read", [], ["read"], [node], opsets))
    source.write_bytes(model.SerializeToString())
    error = refusal(source)
    assert error.code == "model_unsafe"
    assert "'../secret.bin'" in error.message


def test_data_outside_that_is_missing_short_or_too_large(tmp_path: Path) -> None:
    source = networks.reads_outside(tmp_path / "net.onnx", "weights.bin")
    assert refusal(source).code == "model_files_missing"
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"s" * 35)
    assert refusal(source).code == "model_damaged"
    weights.write_bytes(b"s" * 36)
    assert refusal(source, max_bytes=200).code == "model_too_large"
    graph = read_graph(source, MAX_BYTES)
    assert graph.graph.initializer[0].raw_data == b"s" * 36


@pytest.mark.parametrize("make", [networks.repeats_for_ever, networks.has_a_custom_operator])
def test_operators_that_may_not(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert refusal(make(tmp_path / "net.onnx")).code == "model_unsafe"


def test_a_custom_operator_inside_a_branch(tmp_path: Path) -> None:
    inner = helper.make_graph(
        [helper.make_node("Open", [], ["opened"], domain="my.company")],
        "inner",
        [],
        [helper.make_tensor_value_info("opened", onnx.TensorProto.FLOAT, [1, 3])],
    )
    condition = onnx.numpy_helper.from_array(np.array(True))
    nodes = [
        helper.make_node("Constant", [], ["condition"], value=condition),
        helper.make_node("If", ["condition"], ["opened"], then_branch=inner, else_branch=inner),
    ]
    source = networks.added_to_means(tmp_path / "net.onnx", *nodes, value="opened")
    assert refusal(source).code == "model_unsafe"


def test_no_network(tmp_path: Path) -> None:
    source = tmp_path / "net.onnx"
    for data in (b"", b"no network", b"\x08\x09"):
        source.write_bytes(data)
        assert refusal(source).code == "model_damaged", data


def test_a_part_needs_its_own_inputs_alone(tmp_path: Path) -> None:
    graph = read_graph(networks.linear(tmp_path / "net.onnx", final="Softmax"), MAX_BYTES)
    assert [dimensions(entry) for entry in inputs_of(graph)] == [[1, 3, 8, 8]]
    part = part_of(graph, ["photo"], "means")
    assert [node.op_type for node in part.graph.node] == ["ReduceMean"]
    assert (len(part.graph.initializer), part.graph.output[0].name) == (0, "means")
    with pytest.raises(ModelRefused, match="photo"):
        part_of(graph, [], "means")


def test_a_part_has_what_its_branches_read(tmp_path: Path) -> None:
    branch = helper.make_graph(
        [helper.make_node("Identity", ["squares"], ["chosen"])],
        "branch",
        [],
        [helper.make_tensor_value_info("chosen", onnx.TensorProto.FLOAT, [1, 3])],
    )
    condition = onnx.numpy_helper.from_array(np.array(True))
    nodes = [
        helper.make_node("Mul", ["means", "means"], ["squares"]),
        helper.make_node("Constant", [], ["condition"], value=condition),
        helper.make_node("If", ["condition"], ["branched"], then_branch=branch, else_branch=branch),
    ]
    source = networks.added_to_means(tmp_path / "net.onnx", *nodes, value="branched")
    part = part_of(read_graph(source, MAX_BYTES), ["photo"], "branched")
    assert [node.op_type for node in part.graph.node] == ["ReduceMean", "Mul", "Constant", "If"]


@pytest.mark.parametrize("final", [None, "Softmax", "Identity"])
def test_the_last_layer(tmp_path: Path, final: str | None) -> None:
    kernel = np.arange(9, dtype=np.float32).reshape(3, 3)
    source = networks.linear(tmp_path / "net.onnx", kernel=kernel, final=final)
    graph = read_graph(source, MAX_BYTES)
    layer = last_layer(graph, logits_of(graph, graph.graph.output[0].name))
    assert layer is not None
    assert layer.embedding == "means"
    assert np.array_equal(layer.weights.kernel, kernel)
    assert np.allclose(layer.weights.bias, [0, 0.5, 1])


@pytest.mark.parametrize("turned", [False, True])
def test_the_last_layer_as_gemm(tmp_path: Path, turned: bool) -> None:
    kernel = np.arange(12, dtype=np.float32).reshape(3, 4)
    nodes = [
        helper.make_node("ReduceMean", ["photo"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node(
            "Gemm", ["means", "kernel", "bias"], ["logits"], alpha=2.0, beta=3.0, transB=int(turned)
        ),
    ]
    weights = [
        onnx.numpy_helper.from_array(kernel.T.copy() if turned else kernel, "kernel"),
        onnx.numpy_helper.from_array(np.ones(4, np.float32), "bias"),
    ]
    graph = read_graph(networks.save(tmp_path / "net.onnx", nodes, weights), MAX_BYTES)
    layer = last_layer(graph, "logits")
    assert layer is not None
    assert np.array_equal(layer.weights.kernel, 2 * kernel)
    assert np.array_equal(layer.weights.bias, [3, 3, 3, 3])


def test_no_plain_last_layer(tmp_path: Path) -> None:
    graph = read_graph(networks.linear(tmp_path / "net.onnx", final="Tanh"), MAX_BYTES)
    assert last_layer(graph, "answer") is None
