"""Every architecture learns and is published as int8 with the float network's predictions."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.classify import Classifier
from scene_model.photos.decode import PhotoLimits
from tests.pictures import textured
from tests.training.recipes import small_recipe, write_recipe
from training.__main__ import main
from training.recipe import TRAINING_DIR, Stage

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

CHANCE = 100 / 3


def random_weights(architecture: str, file: Path, seed: int = 3) -> None:
    """Write random weights (He 2015) as a weights file."""
    from training.architectures import build_backbone, named_weights

    rng = np.random.default_rng(seed)
    arrays = {
        name: rng.normal(0, np.sqrt(2 / np.prod(w.shape[:-1])), w.shape).astype(np.float32)
        if w.ndim > 1
        else w
        for name, w in named_weights(build_backbone(architecture)).items()
    }
    # VGG16 expects pixels of 0 to 255.
    if architecture == "vgg16":
        arrays["block1_conv1/kernel"] /= 64
    np.savez(file, **arrays)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["mobilenet_v2_160", "vgg16", "scene_cnn", "small_cnn"])
def test_an_architecture_learns_and_is_published(
    name: str, class_folders: Path, tmp_path: Path
) -> None:
    changes: dict[str, object] = {}
    if name == "vgg16":
        # Tests do not download Keras's weights; they use a file instead.
        random_weights("vgg16", tmp_path / "vgg16.npz")
        changes["starting_weights"] = f"file:{tmp_path / 'vgg16.npz'}"
        changes["backbone_learning_rate"] = 2e-4
    if name != "small_cnn":
        # The deep ones learn as much from smaller pictures, in a quarter of the time.
        changes["input_size"] = 32
        changes["stages"] = (Stage(input_size=32, epochs=4, batch_size=16),)
    recipe = small_recipe(name, **changes)
    config = write_recipe(tmp_path / "tiny.toml", recipe)
    models = tmp_path / "models"
    models.mkdir()
    shipped = TRAINING_DIR.parent / "models" / "scene_mobilenet_v2"
    (models / shipped.name).symlink_to(shipped)
    arguments = ["--config", str(config), "--data", str(class_folders), "--models", str(models)]
    assert main(["fit", *arguments, "--out", str(tmp_path / "run")]) == 0

    bundle = open_bundle(models / "tiny")
    assert bundle.description.backbone.architecture == recipe.architecture
    assert bundle.description.tag_head is None
    metrics = bundle.description.metrics
    low, _ = metrics["my_folders"]["top_1_interval"]
    assert low > CHANCE, metrics["my_folders"]["top_1"]
    assert (models / "tiny" / "plots" / "training_curves.png").stat().st_size > 1000
    # The app opens the bundle although it has no camera scenes.
    classifier = Classifier.open(models / "tiny", PhotoLimits(), 1)
    prediction = classifier.predict((class_folders / "Beach" / "01.png").read_bytes())
    assert prediction.head_predictions.tag_prediction is None
    assert set(prediction.head_predictions.by_head) == {"my_folders"}


def test_a_killed_run_is_resumed(class_folders: Path, tmp_path: Path) -> None:
    recipe = small_recipe("small_cnn", publish_after_fit=False)
    config = write_recipe(tmp_path / "tiny.toml", recipe)
    command = [sys.executable, "-m", "training", "fit", "--config", str(config)]
    command += ["--data", str(class_folders), "--out", str(tmp_path / "run")]
    history = tmp_path / "run" / "history.json"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        command, cwd=TRAINING_DIR.parent, env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not list((tmp_path / "run").glob("check*/checkpoint")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    epochs_before = len(json.loads(history.read_text(encoding="utf-8")))
    assert not (tmp_path / "run" / "float_weights.npz").exists()

    resumed = subprocess.run(  # noqa: S603 - our own interpreter
        command, cwd=TRAINING_DIR.parent, env=environment, capture_output=True, text=True
    )
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming after epoch " in resumed.stdout
    epochs = [record["epoch"] for record in json.loads(history.read_text(encoding="utf-8"))]
    assert epochs == list(range(1, recipe.total_epochs + 1))
    assert epochs_before < len(epochs)
    assert (tmp_path / "run" / "float_weights.npz").is_file()


@pytest.mark.parametrize(
    ("weights", "error_text"),
    [
        (None, "starting_weights is missing"),
        ("magic", "starting_weights is 'magic'"),
        ("bundle:nowhere", "cannot be read"),
        ("file:nowhere.npz", "cannot be read"),
    ],
)
def test_missing_starting_weights_error_names_the_choices(
    weights: str | None,
    error_text: str,
    class_folders: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = small_recipe("mobilenet_v2_160", starting_weights=weights)
    config = write_recipe(tmp_path / "tiny.toml", recipe)
    arguments = ["--config", str(config), "--data", str(class_folders)]
    assert main(["fit", *arguments, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error_text in error
    for choice in ("`bundle:scene_mobilenet_v2`", "`file:PATH`", "`keras`"):
        assert choice in error


def test_a_network_starts_from_published_float_weights() -> None:
    from training.architectures import build_backbone, named_weights
    from training.starting_weights import start

    network = build_backbone("mobilenet_v2", hidden=(32,))
    recipe = small_recipe("mobilenet_v2_160", hidden=(32,))
    models = TRAINING_DIR.parent / "models"
    heads = start(network, recipe, Path(), Path(), models)
    with np.load(models / "scene_mobilenet_v2" / "float_weights.npz") as arrays:
        stored = arrays["Conv_1/kernel"].astype(np.float32)
    assert np.array_equal(named_weights(network)["Conv_1/kernel"], stored)
    with np.load(models / "scene_mobilenet_v2" / "heads.npz") as arrays:
        assert np.array_equal(heads["scenes/kernel"], arrays["scenes/kernel"])


def test_blended_weights_are_a_weighted_mean(tmp_path: Path) -> None:
    from training.architectures import build_backbone, named_weights
    from training.publish import trained_network
    from training.starting_weights import load_weights

    for name in ("run/float_weights.npz", "other.npz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        random_weights("small_cnn", tmp_path / name, seed=len(name))
    network = build_backbone("small_cnn")
    parts = []
    for name in ("run/float_weights.npz", "other.npz"):
        load_weights(tmp_path / name, network)
        parts.append(named_weights(network)["conv_0/kernel"])
    recipe = small_recipe("small_cnn", blend="other.npz", blend_share=0.25)
    blended = named_weights(trained_network(recipe, tmp_path, tmp_path / "run"))
    assert np.allclose(blended["conv_0/kernel"], 0.75 * parts[0] + 0.25 * parts[1], atol=1e-6)


def test_divide_splits_a_network_and_names_its_blocks() -> None:
    from training.architectures import build_backbone, divide, scale_pixels

    network = build_backbone("mobilenet_v2")
    lower, upper = divide(network, "block_13")
    pixels = scale_pixels(np.asarray(textured(64, 64, seed=4))[np.newaxis])
    whole = np.asarray(network(pixels, training=False))
    assert np.allclose(np.asarray(upper(lower(pixels, training=False), training=False)), whole)
    with pytest.raises(ValueError, match="does not have. It has .*block_13"):
        divide(network, "block_99")


def test_int8_embeddings_match_the_float_network() -> None:
    from ai_edge_litert.interpreter import Interpreter

    from training.architectures import build_backbone, scale_pixels
    from training.int8 import quantize
    from training.starting_weights import load_weights

    backbone = build_backbone("mobilenet_v2")
    shipped = TRAINING_DIR.parent / "models" / "scene_mobilenet_v2"
    load_weights(shipped / "float_weights.npz", backbone)
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
