"""The files of a bundle: describe them, and move a finished one to its place."""

import datetime
import hashlib
import shutil
from pathlib import Path
from typing import Any

from scene_model.classifier.bundle import (
    BUNDLE_FILE,
    MODEL_CARD_FILE,
    BundleDescription,
    BundleFile,
    HeadEntry,
    LabelEntry,
)
from scene_model.classifier.labels import LabelSet
from training.calibrate import HeadCalibration
from training.model_card import draw_plots, write_model_card
from training.recipe import HeadRecipe, Recipe

HEAD_NAMES = {"scenes": "Six scenes", "camera": "Camera scenes", "camsdd": "CamSDD scenes"}
# A calibrated answer below this is more likely wrong than right.
CONFIDENCE_THRESHOLD = 0.5
BACKBONE_FILE, FLOAT_FILE, HEADS_FILE = "backbone.tflite", "float_weights.npz", "heads.npz"


def finish(
    folder: Path,
    description: BundleDescription,
    metrics: dict[str, Any],
    history: list[dict[str, Any]],
    recipe: Recipe,
    models_dir: Path,
) -> Path:
    """Write figures, plots and card into a bundle's folder and move it to its place."""
    description = description.model_copy(update={"metrics": metrics})
    write_description(folder, description)
    draw_plots(folder / "plots", description, history)
    write_model_card(folder / MODEL_CARD_FILE, description, recipe)
    target = models_dir / recipe.name
    earlier = folder.parent / "earlier"
    if target.exists():
        target.rename(earlier)
    try:
        folder.rename(target)
    except OSError:
        if earlier.exists():
            earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
    print(f"published {target}")
    return target


def head_entry(head: HeadRecipe, labels: LabelSet, calibration: HeadCalibration) -> HeadEntry:
    """Describe a head as bundle.json does."""
    return HeadEntry(
        id=head.id,
        name=head.name or HEAD_NAMES.get(head.id, head.id.replace("_", " ").capitalize()),
        labels=tuple(
            LabelEntry(
                id=label.id,
                name=label.name,
                source_name=label.source_name,
                aliases=label.aliases,
                translations=label.translations,
            )
            for label in labels.labels
        ),
        temperature=calibration.temperature,
        confidence_threshold=CONFIDENCE_THRESHOLD,
        outside_threshold=calibration.outside_threshold,
        second_tag_floor=calibration.second_tag_floor,
    )


def write_description(folder: Path, description: BundleDescription) -> None:
    """Write bundle.json."""
    (folder / BUNDLE_FILE).write_text(
        description.model_dump_json(indent=1) + "\n", encoding="utf-8"
    )


def bundle_file(folder: Path, name: str) -> BundleFile:
    """Name a file of a bundle with its SHA-256."""
    return BundleFile(file=name, sha256=sha256(folder / name))


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
