"""`fit`: a model from class folders, without TensorFlow."""

from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.cli.main import main
from scene_model.config import DEFAULT_BUNDLE_DIR, Settings
from scene_model.errors import EXIT_DONE, EXIT_SOME_FAILED, EXIT_USAGE
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import open_services
from tests.pictures import write_class_folders
from tests.tiny_networks import float_rule, headless_bundle, onnx_network, tagging_bundle
from training.__main__ import main as training
from training.recipe import TRAINING_DIR


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bundles"
    monkeypatch.setenv("SCENE_BUNDLES", str(folder))
    return folder


def test_class_folders_become_a_bundle_that_is_offered(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_class_folders(tmp_path / "photos", 12)
    assert main(["fit", str(photos), "--name", "holiday"]) == EXIT_DONE
    assert f"published {bundles / 'holiday'}" in capsys.readouterr().out
    bundle = open_bundle(bundles / "holiday")
    head = bundle.description.heads[0]
    assert (bundle.description.class_head, head.id) == ("holiday", "holiday")
    assert [label.id for label in head.labels] == ["beach", "forest", "old_town"]
    metrics = bundle.description.metrics["holiday"]
    assert metrics["photos"] == 6
    card = (bundles / "holiday" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{metrics['top_1']} %" in card
    opened = open_services(Settings(library=tmp_path / "library"))
    try:
        names = [entry.name for entry in opened.model_choice.bundles()]
        assert {"holiday", DEFAULT_BUNDLE_DIR.name} <= set(names)
        assert names == sorted(names)
        opened.model_choice.use_bundle("holiday")
        assert opened.classifier.bundle_dir == bundles / "holiday"
    finally:
        opened.close()


def test_it_is_the_head_that_training_fits(tmp_path: Path, bundles: Path) -> None:
    photos = write_class_folders(tmp_path / "photos", 6)
    assert main(["fit", str(photos)]) == EXIT_DONE
    own = open_bundle(bundles / "my_folders")
    config = str(TRAINING_DIR / "configs" / "my_folders.toml")
    models = tmp_path / "models"
    models.mkdir()
    (models / DEFAULT_BUNDLE_DIR.name).symlink_to(DEFAULT_BUNDLE_DIR)
    arguments = ["--config", config, "--data", str(photos), "--models", str(models)]
    assert training(["fit", *arguments]) == 0
    trained = open_bundle(models / "my_folders")
    assert trained.description.id == own.description.id
    own_kernel, trained_kernel = (
        bundle.head_weights["my_folders"].kernel for bundle in (own, trained)
    )
    assert np.array_equal(own_kernel, trained_kernel)


def test_a_damaged_photo_is_named_with_its_code(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = write_class_folders(tmp_path / "photos", 6)
    (photos / "Forest" / "00.png").write_bytes(b"no picture at all")
    (photos / "Empty").mkdir()
    assert main(["fit", str(photos)]) == EXIT_SOME_FAILED
    output = capsys.readouterr()
    assert "skipped my_folders/Forest/00.png: not_a_picture: " in output.err
    assert "passed over Empty: holds no pictures" in output.err
    assert "2 left out" in output.out
    assert (bundles / "my_folders" / "bundle.json").is_file()


def test_on_the_network_of_another_model(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str], decoders: Decoders
) -> None:
    photos = write_class_folders(tmp_path / "photos", 12)
    rule = float_rule(layout="NCHW", resize="centre_crop", short_side=9)
    search_only = headless_bundle(bundles / "words", onnx_network(rule), rule, "onnx")
    assert main(["fit", str(photos), "--name", "holiday", "--backbone", "words"]) == EXIT_DONE
    assert "on 6 held back" in capsys.readouterr().out
    own = open_bundle(bundles / "holiday").description
    assert own.backbone_id == search_only.description.backbone_id
    assert (own.format_version, own.input, own.backbone.engine) == (4, rule, "onnx")
    assert [head.id for head in own.heads] == ["holiday"]
    classifier = Classifier.open(bundles / "holiday", PhotoLimits(), 1, decoders)
    prediction = classifier.predict((photos / "Forest" / "00.png").read_bytes())
    assert prediction.head_predictions.photo_class.source in ("holiday", "none")
    # By its folder, and one that has heads: they stay.
    folder = tagging_bundle(tmp_path / "elsewhere" / "moods")
    assert main(["fit", str(photos), "--name", "mine", "--backbone", str(folder)]) == EXIT_DONE
    heads = open_bundle(bundles / "mine").description.heads
    assert [head.id for head in heads] == ["mine", "moods"]
    assert main(["fit", str(photos), "--backbone", "nowhere"]) == 1
    assert "No model bundle in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../up", "cannot be called '../up'"),
        ("scenes", "has one of that name already"),
        (DEFAULT_BUNDLE_DIR.name, "it would replace the one whose network it builds on"),
    ],
)
def test_names_that_are_refused(
    tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    photos = write_class_folders(tmp_path / "photos", 5, side=32)
    assert main(["fit", str(photos), "--name", name]) == EXIT_USAGE
    assert reason in capsys.readouterr().err
    assert not bundles.exists()


def test_no_such_folder(tmp_path: Path, bundles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(tmp_path / "nowhere")]) == EXIT_USAGE
    assert "There is no folder" in capsys.readouterr().err
