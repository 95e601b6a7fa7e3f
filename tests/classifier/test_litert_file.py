"""LiteRT files are read, and split before their last layer, without running them."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.engines.litert_file import (
    DamagedNetwork,
    before_last_layer,
    read_litert,
    without_softmax,
)
from scene_model.config import DEFAULT_BUNDLE_DIR, PROJECT_DIR

FLOWERS = (PROJECT_DIR / "tests/assets/models/flowers.tflite").read_bytes()
PICTURE = np.random.default_rng(1).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)


def run(network: bytes) -> FloatArray:
    interpreter = Interpreter(model_content=network)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], PICTURE)
    interpreter.invoke()
    output: FloatArray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return output


def test_inputs_and_outputs() -> None:
    graph = read_litert(FLOWERS)
    assert [(value.shape, value.dtype) for value in graph.inputs] == [((-1, 32, 32, 3), "float32")]
    assert [(value.shape, value.dtype) for value in graph.outputs] == [((-1, 3), "float32")]
    assert graph.custom == ()
    shipped = read_litert((DEFAULT_BUNDLE_DIR / "backbone.tflite").read_bytes())
    assert [value.dtype for value in (*shipped.inputs, *shipped.outputs)] == ["uint8", "float32"]


def test_the_parts_compute_what_the_whole_does() -> None:
    logits = run(without_softmax(FLOWERS))
    exponentials = np.exp(logits)
    assert np.allclose(exponentials / exponentials.sum(), run(FLOWERS), atol=1e-6)
    layer = before_last_layer(without_softmax(FLOWERS))
    assert layer is not None
    embedding = run(layer.network)
    assert embedding.shape == (1, 12)
    own = embedding @ layer.weights.kernel + layer.weights.bias
    assert np.allclose(own, logits, atol=1e-5)


def test_a_network_without_softmax_or_dense_layer_stays() -> None:
    assert before_last_layer(FLOWERS) is None
    logits = without_softmax(FLOWERS)
    assert without_softmax(logits) == logits


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 100, FLOWERS[:8] + b"\xff" * 200])
def test_damaged(data: bytes) -> None:
    with pytest.raises(DamagedNetwork):
        read_litert(data)
