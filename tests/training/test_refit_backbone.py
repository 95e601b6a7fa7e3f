"""Our label sets on another network, from small archives of labelled photos."""

import zipfile
from pathlib import Path

import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.classifier.fitting.splits import Part, Split
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from tests.bundles import SHIPPED, copy_shipped
from tests.pictures import encode, textured
from tests.tiny_networks import EMBEDDING, float_rule, headless_bundle, onnx_network
from training import labelled
from training.__main__ import main
from training.recipe import TRAINING_DIR

pytestmark = pytest.mark.slow

CONFIG = TRAINING_DIR / "configs" / "scene_mobilenet_v2.toml"
CLASSES = (
    ("scenes6", ("forest", "sea")),
    ("camsdd_train", ("Dog", "Beach")),
    ("camera36", ("Dog", "Beach")),
)
PHOTOS = 10


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Archives of dark and bright pictures in two classes each."""
    folder = tmp_path / "photos" / "data"
    folder.mkdir(parents=True)
    parts: dict[str, Part] = {}
    for file, classes in CLASSES:
        with zipfile.ZipFile(folder / f"{file}.zip", "w") as archive:
            for index, label in enumerate(classes):
                for number in range(PHOTOS):
                    picture = textured(64, 64, seed=100 * index + number)
                    light = picture.point(lambda v, i=index: v // 2 + 127 * i)
                    archive.writestr(f"{label}/{number}.webp", encode(light, "WEBP"))
                    if number < 4:
                        part = Part.VALIDATION if number % 2 else Part.CALIBRATION
                        parts[f"{file.removesuffix('_train')}/{label}/{number}.webp"] = part
            if file == "camera36":
                archive.writestr("manifest.csv", "file,label,also\n")
    monkeypatch.setattr(labelled, "read_split", lambda _: Split(parts))
    return tmp_path / "photos"


def test_the_label_sets_on_a_tiny_network(
    data: Path, tmp_path: Path, decoders: Decoders, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    copy_shipped(models)
    rule = float_rule(layout="NCHW")
    headless_bundle(models / "tiny", onnx_network(rule), rule, "onnx")

    def refit(name: str) -> int:
        options = ("--data", data, "--models", models, "--backbone", models / "tiny")
        return main(["refit", "--config", str(CONFIG), *map(str, options), "--name", name])

    assert refit("tiny") == 2
    assert "would replace a bundle that is read" in capsys.readouterr().err
    assert refit("scenes_on_tiny") == 0
    folder = models / "scenes_on_tiny"
    assert f"published {folder}" in capsys.readouterr().out
    description = open_bundle(folder).description
    shipped = open_bundle(SHIPPED).description
    assert description.backbone_id == open_bundle(models / "tiny").description.backbone_id
    assert description.backbone.embedding_size == EMBEDDING
    assert [head.id for head in description.heads] == [head.id for head in shipped.heads]
    assert description.heads[4].labels == shipped.heads[4].labels
    assert (description.class_head, description.tag_head) == ("scenes", "camera")
    assert description.training["answers_of"] == shipped.id
    # Dark and bright is all that the tiny network sees, and all that there is to tell.
    assert description.metrics["scenes"]["top_1"] == 100
    assert description.metrics["objects"]["photos"] == 12
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# scenes_on_tiny\n")
    assert "100.0 %" in card
    classifier = Classifier.open(folder, PhotoLimits(), 1, decoders)
    bright = encode(textured(64, 64, seed=7).point(lambda v: v // 2 + 127))
    predictions = classifier.predict(bright).head_predictions
    assert predictions.class_prediction.label == "sea"
    assert len(predictions.objects) == len(predictions.places) == 5
    assert [path.name for path in sorted(models.iterdir())] == [
        "scene_mobilenet_v2",
        "scenes_on_tiny",
        "tiny",
    ]
