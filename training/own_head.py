"""A head of one's own classes on a published backbone, by a recipe: with plots and a model card."""

import tempfile
from pathlib import Path

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.bundle_description import BundleDescription
from scene_model.classifier.fitting.bundle_files import write_description
from scene_model.classifier.fitting.calibration import HeadCalibration
from scene_model.classifier.fitting.examples import data_manifest_hash
from scene_model.classifier.fitting.head_fit import check_enough, check_head_id, fit_head
from scene_model.classifier.fitting.measuring import FEW_TIMED_PHOTOS, speed_metrics
from scene_model.classifier.fitting.own_classes import (
    copy_network_and_heads,
    describe_bundle,
    kept_metrics,
    result_lines,
)
from training.bundle_files import finish, head_entry
from training.calibrate import calibrate
from training.evaluate import measure
from training.labelled import load_data
from training.recipe import Recipe


def fit_own_head(recipe: Recipe, data_dir: Path, models_dir: Path) -> Path:
    """Train the recipe's head on a published bundle's backbone and publish both as a new bundle.

    Returns the new bundle's folder. Raises UnusableFolders or BundleError.
    """
    (head,) = recipe.heads
    shipped = open_bundle(models_dir / str(recipe.on_bundle))
    check_head_id(head.id, shipped)
    data = load_data(recipe, data_dir)
    labels = data.label_sets[head.id]
    check_enough(data.examples, labels)
    fitted = fit_head(shipped, data.examples, data.split, labels, recipe.seed)
    training = {
        "recipe": recipe.model_dump(mode="json"),
        "data_manifest_sha256": data_manifest_hash(data.examples),
    }
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".new-") as scratch:
        folder = Path(scratch) / recipe.name
        folder.mkdir()
        copy_network_and_heads(folder, shipped, head.id, fitted)

        def describe(calibration: HeadCalibration) -> BundleDescription:
            own = head_entry(head, labels, calibration)
            description = describe_bundle(
                folder,
                shipped,
                own,
                recipe.name,
                training,
                recipe.licence or shipped.description.licence,
                recipe.attributions,
            )
            write_description(folder, description)
            return description

        describe(HeadCalibration())
        calibrations = calibrate(recipe, data, open_bundle(folder), fitted.calibration_embeddings)
        description = describe(calibrations[head.id])
        measured, _ = measure(open_bundle(folder), recipe, data, data_dir)
        speed = speed_metrics(open_bundle(folder), photo_count=FEW_TIMED_PHOTOS)
        metrics = kept_metrics(shipped) | measured | {"speed": speed}
        target = finish(folder, description, metrics, [], recipe, models_dir)
    for line in result_lines(labels, len(data.examples), metrics[head.id], len(data.skipped)):
        print(line)
    return target
