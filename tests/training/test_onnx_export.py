"""The exported ONNX file computes what the network in the bundle computes."""

from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.classifier.engines.onnx import open_session
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from training.__main__ import main
from training.onnx_export import export_onnx, onnx_network
from training.recipe import TrainingError

pytestmark = pytest.mark.slow


@pytest.mark.tensorflow
@pytest.mark.parametrize("side", [50])
def test_the_graph_computes_what_keras_computes(side: int) -> None:
    from training.architectures import build_backbone, named_weights, scale_pixels

    network = build_backbone("mobilenet_v2_branches", side)
    rng = np.random.default_rng(0)
    weights = {
        # Biases are zero before training: give them a part in the result.
        name: array + rng.normal(0, 0.05, array.shape).astype(np.float32) * name.endswith("bias")
        for name, array in named_weights(network).items()
    }
    for layer in network.layers:
        for weight in layer.weights:
            weight.assign(weights[f"{layer.name}/{weight.name}"])
    session = open_session(onnx_network("mobilenet_v2_branches", weights, side), "made")
    photo = rng.integers(0, 256, (1, side, side, 3), np.uint8)
    (exported,) = session.run(None, {"photo": photo})
    expected = network(scale_pixels(photo)).numpy()
    assert exported.shape == expected.shape == (1, 2560)
    assert expected.std() > 0
    np.testing.assert_allclose(exported, expected, rtol=1e-3, atol=1e-4)


def test_the_shipped_model_as_onnx(
    tmp_path: Path,
    classifier: Classifier,
    decoders: Decoders,
    temple: bytes,
    flower: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["export-onnx", str(DEFAULT_BUNDLE_DIR), "--models", str(tmp_path)]) == 0
    folder = tmp_path / "scene_mobilenet_v2_onnx"
    assert capsys.readouterr().out == f"published {folder}\n"
    exported = Classifier.open(folder, PhotoLimits(), 1, decoders)
    exported.check()
    assert exported.bundle.training["exported_from"] == classifier.bundle_id
    # Its embeddings are others than those of the int8 network, which the shipped file holds.
    assert not exported.can_read(classifier.provenance)
    for photo in (temple, flower):
        ours, shipped = (c.predict(photo).head_predictions for c in (exported, classifier))
        assert ours.photo_class.label == shipped.photo_class.label
        assert ours.class_prediction.label == shipped.class_prediction.label


def test_what_cannot_be_exported(tmp_path: Path, models_dir: Path) -> None:
    # The copy has no float weights.
    with pytest.raises(TrainingError, match="has no float weights"):
        export_onnx(models_dir / DEFAULT_BUNDLE_DIR.name, tmp_path)
    with pytest.raises(TrainingError, match="this network is vgg16"):
        onnx_network("vgg16", {}, 224)
    assert list(tmp_path.glob("*onnx*")) == []
    assert open_bundle(models_dir / DEFAULT_BUNDLE_DIR.name).description.float_weights is not None
