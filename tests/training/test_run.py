"""A small run through the real path: fit, resume, publish, serve."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.engine import Engine
from tests.conftest import SHARED
from tests.pictures import encode, textured
from training.evaluate import expected_calibration_error, wilson_interval
from training.publish import best_temperature, quantize


def test_temperature_of_overconfident_logits_is_found() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 1.5, (4000, 6)).astype(np.float32)
    shares = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    drawn = np.array([rng.choice(6, p=p / p.sum()) for p in shares.astype(np.float64)])
    targets = np.eye(6, dtype=np.float32)[drawn]
    assert best_temperature(honest * 2.5, targets) == pytest.approx(2.5, rel=0.1)


def test_figures() -> None:
    low, high = wilson_interval(94, 100)
    assert low < 94 < high
    assert (low, high) == pytest.approx((87.5, 97.2), abs=0.1)
    confidence = np.array([0.9] * 10, np.float32)
    right = np.array([True] * 9 + [False])
    assert expected_calibration_error(confidence, right) == pytest.approx(0.0, abs=1e-6)
    assert expected_calibration_error(confidence, ~right) == pytest.approx(0.8, abs=1e-6)


@pytest.fixture(scope="module")
def weights_dir() -> Path:
    if not (SHARED / "weights").is_dir():
        pytest.skip("the ImageNet weights of ../shared/weights are not here")
    return SHARED / "weights"


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Path:
    """Bright and dark pictures in two of the six classes, in place of the real zips."""
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


def test_fit_resume_publish(
    small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import fit, publish
    from training.recipe import TRAINING_DIR, Stage, read_recipe
    from training.splits import Part, Split

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
    monkeypatch.setattr(fit, "read_split", lambda _: Split(parts))
    base = read_recipe(TRAINING_DIR / "configs" / "joint.toml")
    made = base.model_copy(
        update={
            "stages": (
                Stage(input_size=64, epochs=1, batch_size=16),
                Stage(input_size=64, epochs=1, batch_size=16, consistency=1.0),
            ),
            "input_size": 64,
            "representative_photos": 8,
        }
    )
    run_dir = tmp_path / "run"

    class Killed(Exception):
        pass

    epoch = fit.Trainer._epoch

    def killed_in_the_second(self: fit.Trainer, number: int, stage: Stage) -> dict[str, float]:
        if number == 1:
            raise Killed
        return epoch(self, number, stage)

    monkeypatch.setattr(fit.Trainer, "_epoch", killed_in_the_second)
    with pytest.raises(Killed):
        fit.fit(made, small_data, run_dir)
    monkeypatch.setattr(fit.Trainer, "_epoch", epoch)
    fit.fit(made, small_data, run_dir)
    history = json.loads((run_dir / "history.json").read_text(encoding="utf-8"))
    assert [record["epoch"] for record in history] == [1, 2]
    assert "loss_consistency" in history[1]

    folder = publish.publish(made, small_data, run_dir, tmp_path / "models")
    bundle = open_bundle(folder)
    assert bundle.description.training["recipe"]["seed"] == made.seed
    assert 0 <= bundle.description.metrics["scenes"]["top_1"] <= 100
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8").startswith("# joint")
    assert (folder / "plots" / "training_curves.png").stat().st_size > 1000
    embedding = Engine(bundle, 1).embed(np.zeros((64, 64, 3), np.uint8))
    assert embedding.shape == (1280,)


def test_quantized_network_says_what_the_float_one_says(weights_dir: Path) -> None:
    import tempfile

    from ai_edge_litert.interpreter import Interpreter

    from training.architectures import load_imagenet_tflite, mobilenet_v2, scale_pixels

    backbone = mobilenet_v2(96)
    load_imagenet_tflite(backbone, weights_dir / "mobilenet_v2_imagenet_int8.tflite")
    photos = [np.asarray(textured(96, 96, seed=i)) for i in range(12)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.tflite"
        file.write_bytes(quantize(backbone, 96, photos))
        interpreter = Interpreter(str(file), num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], photos[0][np.newaxis])
        interpreter.invoke()
        quantized = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    exact = np.asarray(backbone(scale_pixels(photos[0][np.newaxis]), training=False))[0]
    cosine = float(quantized @ exact / np.linalg.norm(quantized) / np.linalg.norm(exact))
    assert cosine > 0.97
