"""What an ONNX file may not do, and what is said of it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from scene_model.classifier.engines.opened import open_engine
from scene_model.errors import BundleDamaged, EngineMissing
from tests.tiny_networks import (
    EMBEDDING,
    UINT8_RULE,
    float_rule,
    headless_bundle,
    onnx_network,
    written,
)

NCHW = float_rule(layout="NCHW")


def refusal(folder: Path, network: bytes, rule: Any = NCHW, **backbone: Any) -> str:
    bundle = headless_bundle(folder, network, rule, "onnx", **backbone)
    with pytest.raises(BundleDamaged) as caught:
        open_engine(bundle, 1).check()
    assert "\n" not in caught.value.message
    return caught.value.message


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = headless_bundle(tmp_path, onnx_network(NCHW), NCHW, "onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineMissing, match=r'pip install "scene-gallery\[onnx\]"'):
        open_engine(bundle, 1)


def test_a_batch_of_any_size_is_one_photo_here(tmp_path: Path) -> None:
    network = onnx_network(NCHW, ("batch", 3, 8, 8), output_shape=("batch", EMBEDDING))
    open_engine(headless_bundle(tmp_path, network, NCHW, "onnx"), 1).check()


@pytest.mark.parametrize("shape", [(1, 3, "height", "width"), ("n", "c", 8, 8)])
def test_inputs_of_no_fixed_size(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    message = refusal(tmp_path, onnx_network(NCHW, shape))
    assert "of no fixed size. Export it with the size (1, 3, 8, 8)" in message


def test_an_input_for_two_photos(tmp_path: Path) -> None:
    assert "bundle.json says float32 (1, 3, 8, 8)" in refusal(
        tmp_path, onnx_network(NCHW, (2, 3, 8, 8))
    )


def test_the_other_layout(tmp_path: Path) -> None:
    message = refusal(tmp_path, onnx_network(float_rule()), NCHW)
    assert "takes [1, 8, 8, 3]; bundle.json says (1, 3, 8, 8) (NCHW)" in message


def test_several_outputs(tmp_path: Path) -> None:
    network = onnx_network(NCHW, outputs=("tokens", "pooled"))
    assert "2 outputs: 'tokens', 'pooled'. Name the embedding's" in refusal(tmp_path, network)
    bundle = headless_bundle(tmp_path, network, NCHW, "onnx", output="pooled")
    open_engine(bundle, 1).check()


def test_several_inputs(tmp_path: Path) -> None:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, EMBEDDING]) for name in "ab"
    ]
    output = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, EMBEDDING])
    network = written([helper.make_node("Add", ["a", "b"], ["sum"])], inputs, [output], [])
    assert "2 inputs ('a', 'b')" in refusal(tmp_path, network)


def test_an_output_that_only_shows_its_size_when_it_runs(tmp_path: Path) -> None:
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, 3, 8, 8])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["rows", 4])
    nodes = [
        helper.make_node("NonZero", ["photo"], ["places"]),
        helper.make_node("Transpose", ["places"], ["rows"]),
        helper.make_node("Cast", ["rows"], ["embedding"], to=TensorProto.FLOAT),
    ]
    message = refusal(tmp_path, written(nodes, [photo], [output], []), embedding_size=4)
    assert "output has shape (192, 4); bundle.json says (1, 4)" in message


def identity(**changes: Any) -> bytes:
    """A graph whose weights, or whose only node, are changed."""
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, 3, 8, 8])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, EMBEDDING])
    weights = helper.make_tensor("w", TensorProto.FLOAT, [192, EMBEDDING], np.ones(960))
    return written(
        [
            helper.make_node("Flatten", ["photo"], ["flat"], axis=1),
            changes.get("node", helper.make_node("MatMul", ["flat", "w"], ["embedding"])),
        ],
        [photo],
        [output],
        [changes.get("weights", weights)],
    )


def outside_weights(location: str, offset: int = 0) -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.dims.extend([192, EMBEDDING])
    for key, value in (("location", location), ("offset", offset), ("length", 192 * 20)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "absolute", "memory"])
@pytest.mark.parametrize("as_constant", [False, True])
def test_weights_outside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, as_constant: bool
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    # ONNX Runtime by itself reads such files from the current folder.
    monkeypatch.chdir(folder)
    secret = np.zeros(192 * EMBEDDING, np.float32)
    for file in (folder / "weights.bin", tmp_path / "weights.bin"):
        file.write_bytes(secret.tobytes())
    location = {"absolute": str(tmp_path / "weights.bin"), "memory": "*/_ORT_MEM_ADDR_/*"}
    tensor = outside_weights(
        location.get(place, place), secret.ctypes.data if place == "memory" else 0
    )
    node = helper.make_node("MatMul", ["flat", "w"], ["embedding"])
    network = identity(weights=tensor)
    if as_constant:
        constant = helper.make_node("Constant", [], ["w"], value=tensor)
        network = _with_constant(constant, node)
    assert "keeps weights outside its file" in refusal(folder, network)


def _with_constant(constant: Any, node: Any) -> bytes:
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, 3, 8, 8])
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, EMBEDDING])
    flatten = helper.make_node("Flatten", ["photo"], ["flat"], axis=1)
    return written([constant, flatten, node], [photo], [output], [])


def test_operators_of_other_libraries(tmp_path: Path) -> None:
    node = helper.make_node("Shell", ["flat", "w"], ["embedding"], domain="org.example")
    assert "operator that ONNX Runtime does not have" in refusal(tmp_path, identity(node=node))


def test_attributes_that_do_not_fit(tmp_path: Path) -> None:
    node = helper.make_node("Gemm", ["flat", "w"], ["embedding"], transB=1)
    assert "cannot be opened" in refusal(tmp_path, identity(node=node))


def test_a_graph_that_fails_when_it_runs(tmp_path: Path) -> None:
    huge = helper.make_tensor("w", TensorProto.INT64, [2], [1 << 40, 1 << 20])
    node = helper.make_node("Expand", ["flat", "w"], ["embedding"])
    message = refusal(tmp_path, identity(node=node, weights=huge))
    assert message.startswith("The network backbone.onnx ")


def test_an_embedding_that_is_not_finite(tmp_path: Path) -> None:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [192, EMBEDDING], np.full(960, np.inf))
    assert "not finite" in refusal(tmp_path, identity(weights=weights))


def test_a_half_copied_file(tmp_path: Path) -> None:
    network = onnx_network(UINT8_RULE)
    assert "backbone.onnx" in refusal(tmp_path, network[: len(network) // 2], UINT8_RULE)
