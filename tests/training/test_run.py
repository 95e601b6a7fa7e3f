"""The shipped recipe on small data: fit, publish, serve."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.engines.litert import LitertEngine
from scene_model.classifier.fitting.splits import Part, Split
from tests.conftest import SHARED
from tests.pictures import encode, textured
from training.recipe import TRAINING_DIR, Stage, read_recipe
from training.tag_rule import TagVerdict

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def weights_dir() -> Path:
    if not (SHARED / "weights").is_dir():
        pytest.skip("../shared/weights with the ImageNet weights is missing")
    return SHARED / "weights"


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Path:
    """Zips with bright and dark pictures in two classes each, instead of the real data."""
    root = tmp_path_factory.mktemp("data")
    (root / "data").mkdir()
    for file, classes in (
        ("scenes6", ("forest", "sea")),
        ("camsdd_train", ("Dog", "Beach")),
        ("camera36", ("Dog", "Beach")),
    ):
        with zipfile.ZipFile(root / "data" / f"{file}.zip", "w") as archive:
            for index, label in enumerate(classes):
                for number in range(12):
                    picture = textured(64, 64, seed=100 * index + number)
                    light = picture.point(lambda v, i=index: v // 2 + 127 * i)
                    archive.writestr(f"{label}/{number}.webp", encode(light, "WEBP"))
            if file == "camera36":
                archive.writestr("manifest.csv", "file,label,also\n")
    (root / "weights").symlink_to(weights_dir)
    return root


def test_joint_run_is_trained_published_and_served(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import decisions, labelled
    from training.decisions import redecide
    from training.fit import fit
    from training.publish import publish

    names = [
        f"{source}/{label}/{number}.webp"
        for source, label in (
            ("scenes6", "forest"),
            ("scenes6", "sea"),
            ("camsdd", "Dog"),
            ("camsdd", "Beach"),
            ("camera36", "Dog"),
            ("camera36", "Beach"),
        )
        for number in range(4)
    ]
    parts = {n: Part.VALIDATION if i % 2 else Part.CALIBRATION for i, n in enumerate(names)}
    monkeypatch.setattr(labelled, "read_split", lambda _: Split(parts))
    base = read_recipe(TRAINING_DIR / "configs" / "scene_blend.toml")
    made = base.model_copy(
        update={
            "name": "scene_mobilenet_v2",
            "stages": (
                Stage(input_size=64, epochs=1, batch_size=16, int8_aware=True),
                Stage(input_size=64, epochs=1, batch_size=16, int8_aware=True, consistency=1.0),
            ),
            "input_size": 64,
            "representative_photos": 8,
            "starting_weights": "file:weights/mobilenet_v2_imagenet_int8.tflite",
        }
    )
    run_dir = tmp_path / "run"
    fit(made, small_data, run_dir, tmp_path / "models")
    history = json.loads((run_dir / "history.json").read_text(encoding="utf-8"))
    assert [record["epoch"] for record in history] == [1, 2]
    assert "loss_consistency" in history[1]

    # One head is refitted on the int8 network's embeddings; the others are as trained.
    refitted = [
        h.model_copy(update={"refit": 0.1 if h.id == "camera" else None}) for h in made.heads
    ]
    made = made.model_copy(update={"heads": tuple(refitted)})
    # An earlier bundle is replaced completely.
    stale = tmp_path / "models" / made.name / "stale.txt"
    shutil.copytree(TRAINING_DIR.parent / "models" / made.name, stale.parent)
    stale.write_text("of the bundle before", encoding="utf-8")
    folder = publish(made, small_data, run_dir, tmp_path / "models")
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["scene_mobilenet_v2"]
    assert not stale.exists()
    with np.load(run_dir / "heads.npz") as run, np.load(folder / "heads.npz") as published:
        same = {
            h.id: np.allclose(run[f"{h.id}/kernel"], published[f"{h.id}/kernel"], atol=1e-2)
            for h in made.heads
        }
    assert same == {"scenes": True, "camera": False, "camsdd": True, "objects": True}
    bundle = open_bundle(folder)
    described = bundle.description
    assert described.training["recipe"]["seed"] == made.seed
    assert (described.class_head, described.tag_head) == ("scenes", "camera")
    assert 0 <= described.metrics["scenes"]["top_1"] <= 100
    assert set(described.metrics["float"]) == {"scenes", "camera", "camsdd", "objects"}
    assert described.metrics["speed"]["photos_per_s_per_core"] > 0
    groups = described.metrics["groups"]
    assert set(groups["sources"]) == set(groups["without_source"]) == {s.id for s in made.sources}
    for figures in (*groups["sources"].values(), groups["mean"]):
        assert figures["right"] + figures["unsure"] + figures["wrong"] == pytest.approx(1.0)
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# scene_mobilenet_v2")
    assert "## Groups" in card
    for plot in ("training_curves", "confusion_scenes", "reliability", "coverage"):
        assert f"plots/{plot}.png" in card
        assert (folder / "plots" / f"{plot}.png").stat().st_size > 1000
    embedding = LitertEngine(bundle, 1).embed(np.zeros((64, 64, 3), np.uint8))
    assert embedding.shape == (1280,)

    # Decided once more, with some of these photos judged: the weights stay.
    before = (folder / "heads.npz").read_bytes()
    judged = _judge_tags(small_data, bundle.description.heads[-1].labels[0].source_name)
    monkeypatch.setattr(decisions, "read_verdicts", lambda: judged)
    redecide(made, small_data, tmp_path / "models")
    decided = open_bundle(folder)
    assert (folder / "heads.npz").read_bytes() == before
    assert decided.description.id != described.id
    assert decided.decisions.groups == bundle.decisions.groups
    assert set(decided.decisions.tags) == {"objects"}
    assert decided.description.metrics["tags_objects"]["judged"] == len(judged)
    assert "## Which tags show" in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def _judge_tags(data_dir: Path, label: str) -> list[TagVerdict]:
    """Say that an object is right on every second photo of an archive."""
    with zipfile.ZipFile(data_dir / "data" / "camsdd_train.zip") as archive:
        photos = [hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()]
    return [TagVerdict(photo, "objects", label, i % 2 == 0) for i, photo in enumerate(photos)]
