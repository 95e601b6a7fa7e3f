"""From folders to a bundle that the app can use, through the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from scene_model.config import DEFAULT_BUNDLE_DIR
from scene_model.photos.decode import PhotoLimits
from tests.pictures import write_class_folders
from training.__main__ import main
from training.recipe import TRAINING_DIR

pytestmark = pytest.mark.slow

CONFIG = str(TRAINING_DIR / "configs" / "my_folders.toml")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the shipped bundle in it."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(DEFAULT_BUNDLE_DIR, folder / DEFAULT_BUNDLE_DIR.name)
    return folder


def fit(data: Path, models: Path, *more: str) -> int:
    return main(["fit", "--config", CONFIG, "--data", str(data), "--models", str(models), *more])


@pytest.fixture(scope="module")
def holiday(class_folders: Path, models: Path) -> Path:
    """The bundle that the class folders become."""
    assert fit(class_folders, models, "--name", "holiday_2026") == 0
    return models / "holiday_2026"


def test_folders_become_a_bundle_that_knows_them(class_folders: Path, holiday: Path) -> None:
    bundle = open_bundle(holiday)
    assert bundle.description.class_head == "holiday_2026"
    assert [h.id for h in bundle.description.heads][0] == "holiday_2026"
    metrics = bundle.description.metrics["holiday_2026"]
    assert metrics["photos"] == 18
    assert metrics["top_1"] > 80
    card = (holiday / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{metrics['top_1']} %" in card

    classifier = Classifier.open(holiday, PhotoLimits(), 1)
    prediction = classifier.predict((class_folders / "Old Town" / "03.png").read_bytes())
    assert prediction.head_predictions.class_prediction.label == "old_town"
    assert prediction.head_predictions.photo_class.source == "holiday_2026"
    # The shipped heads say what they said before.
    shipped = Classifier.open(DEFAULT_BUNDLE_DIR, PhotoLimits(), 1)
    before = shipped.predict_embedding(prediction.embedding).by_head["camera"].probabilities
    assert np.allclose(
        prediction.head_predictions.by_head["camera"].probabilities, before, atol=1e-3
    )


def test_the_same_folders_give_the_same_head(
    class_folders: Path, models: Path, holiday: Path
) -> None:
    assert fit(class_folders, models, "--name", "again") == 0
    again = open_bundle(models / "again").head_weights["again"]
    assert np.array_equal(again.kernel, open_bundle(holiday).head_weights[holiday.name].kernel)


def test_bad_folders_end_with_a_sentence(
    tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tmp_path / "nowhere", models) == 2
    assert "There is no folder" in capsys.readouterr().err
    data = write_class_folders(tmp_path / "mine", photos=5, side=32)
    for number in range(5):
        (data / "Beach" / f"0{number}.png").write_bytes(b"no picture at all")
    assert fit(data, models) == 2
    assert "Only 0 photos of 'Beach' can be read" in capsys.readouterr().err
    assert fit(data, models, "--name", "scenes") == 2
    assert "has one of that name already" in capsys.readouterr().err
    assert fit(data, models, "--name", "../up") == 2
    assert "cannot be called '../up'" in capsys.readouterr().err
    assert sorted(p.name for p in models.iterdir() if p.name.startswith(".")) == []


def test_a_damaged_photo_leaves_the_rest(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_class_folders(tmp_path / "mine", photos=12)
    (data / "Forest" / "00.png").write_bytes(b"no picture at all")
    assert fit(data, models, "--name", "damaged") == 0
    assert "skipped my_folders/Forest/00.png" in capsys.readouterr().out


def test_evaluate_any_folder_with_any_bundle(
    class_folders: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--data", str(class_folders), "--out", str(tmp_path / "out")]
    shipped = models / DEFAULT_BUNDLE_DIR.name
    assert main([*arguments, "--bundle", str(shipped), "--head", "camera"]) == 0
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    # "Old Town" is no camera scene: its photos count as out of scope.
    assert report["folders"] == {"Beach": "beach", "Forest": "forest"}
    assert report["out_of_scope_folders"] == {"Old Town": 40}
    assert report["measured"]["photos"] == 80
    assert 0 <= report["measured"]["outside"]["other_folders"]["auroc"] <= 1
    for plot in ("confusion.png", "reliability.png", "coverage.png"):
        assert (tmp_path / "out" / plot).stat().st_size > 1000
    assert "first label right" in capsys.readouterr().out
    assert main([*arguments, "--bundle", str(shipped), "--head", "dreams"]) == 2
    assert "has no head 'dreams'" in capsys.readouterr().err
    assert main(["evaluate", "--data", str(class_folders)]) == 2


def test_linear_head_weighs_small_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 300 + [1] * 10, np.intp)
    embeddings = rng.normal(0, 1, (310, 8)).astype(np.float32)
    embeddings[:, 0] += 3 * labels
    weights = fit_linear_head(embeddings, one_hot(labels, 2))
    predicted = (embeddings @ weights.kernel + weights.bias).argmax(axis=1)
    assert (predicted[300:] == 1).mean() >= 0.8
    assert (predicted[:300] == 0).mean() >= 0.95
