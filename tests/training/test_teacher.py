"""A head that learns the predictions of a network for Places365."""

import json
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.photos.decode import MinimumSize, PhotoLimits, decode_photo
from scene_model.photos.resize import resize_to_square
from tests.conftest import SHARED
from tests.training.recipes import small_recipe, write_recipe
from training.__main__ import main
from training.recipe import TRAINING_DIR, HeadRecipe, Stage, read_label_set

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

PLACES = HeadRecipe(id="places", labels="places.toml", teacher="teacher.npz")


def random_teacher(file: Path) -> None:
    """Write random weights with the names and shapes of `places365_squeezenet.npz`."""
    from training.squeezenet import FIRES, PLACES

    rng = np.random.default_rng(5)
    arrays: dict[str, np.typing.NDArray[np.float16]] = {}

    def add(name: str, *shape: int) -> int:
        kernel = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        arrays[f"{name}/kernel"] = kernel.astype(np.float16)
        arrays[f"{name}/bias"] = rng.normal(0, 0.1, shape[-1]).astype(np.float16)
        return shape[-1]

    channels = add("conv1", 3, 3, 3, 64)
    for number, (squeezed, expanded) in enumerate(FIRES, start=2):
        add(f"fire{number}/squeeze1x1", 1, 1, channels, squeezed)
        add(f"fire{number}/expand1x1", 1, 1, squeezed, expanded)
        channels = 2 * add(f"fire{number}/expand3x3", 3, 3, squeezed, expanded)
    add("conv10", 1, 1, channels, PLACES)
    np.savez(file, **arrays)  # type: ignore[arg-type]


def test_the_teacher_knows_a_pagoda(temple: bytes) -> None:
    from training.teachers import teacher_of

    if not (SHARED / "weights").is_dir():
        pytest.skip("../shared/weights with the weights for Places365 is missing")
    head = PLACES.model_copy(update={"teacher": "weights/places365_squeezenet.npz"})
    teacher = teacher_of(small_recipe("small_cnn"), head, SHARED)
    assert teacher is not None
    photo = decode_photo(temple, PhotoLimits(), MinimumSize(short_side=224))
    logits = teacher(resize_to_square(photo.pixels, 224))
    labels = read_label_set(TRAINING_DIR / "label_sets" / "places.toml")
    exponentials = np.exp(logits - logits.max())
    assert labels.source_names[int(logits.argmax())] == "pagoda"
    assert exponentials.max() / exponentials.sum() > 0.9


def test_a_head_learns_from_its_teacher(class_folders: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for folder in class_folders.iterdir():
        (data / folder.name).symlink_to(folder)
    random_teacher(data / PLACES.teacher)  # type: ignore[operator]
    recipe = small_recipe(
        "small_cnn", stages=(Stage(input_size=64, epochs=2, batch_size=16),), tag_head=None
    )
    recipe = recipe.model_copy(update={"heads": (*recipe.heads, PLACES)})
    config = write_recipe(tmp_path / "tiny.toml", recipe)
    arguments = ["--config", str(config), "--data", str(data)]
    models, run = tmp_path / "models", tmp_path / "run"
    models.mkdir()
    assert main(["fit", *arguments, "--models", str(models), "--out", str(run)]) == 0

    first, last = json.loads((run / "history.json").read_text(encoding="utf-8"))
    assert last["loss_places"] < first["loss_places"]
    bundle = open_bundle(models / "tiny")
    assert bundle.head_weights["places"].kernel.shape == (64, 365)
    metrics = bundle.description.metrics["places"]
    assert metrics["photos"] == 18
    assert 0 <= metrics["top_1_as_original"] <= metrics["top_5_holds_original"] <= 100
    card = (models / "tiny" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "`places` was trained by distillation from `teacher.npz`" in card
