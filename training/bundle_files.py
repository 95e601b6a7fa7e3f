"""Describe the files of a bundle and move a finished bundle to the models folder."""

from pathlib import Path
from typing import Any

from scene_model.classifier.bundle import MODEL_CARD_FILE
from scene_model.classifier.bundle_description import BundleDescription, HeadEntry
from scene_model.classifier.fitting.bundle_files import (
    describe_head,
    put_in_place,
    write_description,
)
from scene_model.classifier.fitting.calibration import HeadCalibration
from scene_model.classifier.labels import LabelSet
from training.model_card import draw_plots, write_model_card
from training.recipe import HeadRecipe, Recipe

HEAD_NAMES = {"scenes": "Six scenes", "camera": "Camera scenes", "camsdd": "CamSDD scenes"}
BACKBONE_FILE, FLOAT_FILE = "backbone.tflite", "float_weights.npz"


def finish(
    folder: Path,
    description: BundleDescription,
    metrics: dict[str, Any],
    history: list[dict[str, Any]],
    recipe: Recipe,
    models_dir: Path,
) -> Path:
    """Write figures, plots and model card into a bundle's folder; move it to ``models_dir/NAME``.

    An earlier bundle of that name is replaced, and restored when the move fails. Returns the
    new folder.
    """
    description = description.model_copy(update={"metrics": metrics})
    write_description(folder, description)
    draw_plots(folder / "plots", description, history)
    write_model_card(folder / MODEL_CARD_FILE, description, recipe)
    target = models_dir / recipe.name
    put_in_place(folder, target)
    print(f"published {target}")
    return target


def head_entry(head: HeadRecipe, labels: LabelSet, calibration: HeadCalibration) -> HeadEntry:
    """Build a head's entry of bundle.json."""
    name = head.name or HEAD_NAMES.get(head.id, head.id.replace("_", " ").capitalize())
    return describe_head(head.id, name, labels, calibration)
