"""A head of one's own classes on a published backbone: seconds, and no TensorFlow."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from scene_model.classifier.bundle import Bundle, HeadWeights, open_bundle
from scene_model.classifier.engine import Engine
from scene_model.classifier.heads import softmax
from scene_model.classifier.labels import LabelSet
from scene_model.classifier.linear_head import fit_linear_head, one_hot
from scene_model.photos.decode import Pixels, resize_to_square
from training.augment import random_view
from training.bundle_files import (
    HEADS_FILE,
    bundle_file,
    finish,
    head_entry,
    now,
    write_description,
)
from training.calibrate import HeadCalibration, calibrate, calibration_examples
from training.data import Example, FloatArray, data_manifest_hash
from training.evaluate import embed_int8, measure, speed_metrics
from training.folders import MIN_PHOTOS, UnusableFolders
from training.labelled import LabelledData, load_data
from training.recipe import HeadRecipe, Recipe
from training.splits import Part

# Beside the whole photo and its mirror image: random crops, so that a head from few photos
# is not one of their frames.
_RANDOM_VIEWS = 2
_PENALTIES = (1e-4, 1e-3, 1e-2)
_WORKERS = 2


def fit_own_head(recipe: Recipe, data_dir: Path, models_dir: Path) -> Path:
    """Train the recipe's head on a published bundle's backbone and publish both as a new bundle.

    Returns the new bundle's folder. Raises UnusableFolders or BundleError.
    """
    (head,) = recipe.heads
    shipped = open_bundle(models_dir / str(recipe.on_bundle))
    _check_head_id(head, shipped)
    data = load_data(recipe, data_dir)
    labels = data.label_sets[head.id]
    train = [data.examples[i] for i in data.split.indices(data.examples, Part.TRAIN)]
    _check_enough(data, labels)
    held_out = calibration_examples(data)
    calibration_embeddings = embed_int8(shipped, held_out)
    weights = _fit(
        _views(shipped, train, recipe.seed),
        np.array([_label_index(e, labels) for e in train], np.intp),
        calibration_embeddings,
        np.array([_label_index(e, labels) for e in held_out], np.intp),
        len(labels),
    )
    with tempfile.TemporaryDirectory(dir=models_dir, prefix=".new-") as scratch:
        folder = Path(scratch) / recipe.name
        folder.mkdir()
        _write_files(folder, shipped, head, weights)
        _describe(folder, shipped, recipe, data, HeadCalibration())
        bundle = open_bundle(folder)
        found = calibrate(recipe, data, bundle, calibration_embeddings)
        description = _describe(folder, shipped, recipe, data, found[head.id])
        metrics, _ = measure(open_bundle(folder), recipe, data, data_dir)
        kept = {h.id: shipped.description.metrics.get(h.id, {}) for h in shipped.description.heads}
        metrics = kept | metrics | {"speed": speed_metrics(open_bundle(folder), None)}
        target = finish(folder, description, metrics, [], recipe, models_dir)
    _say_result(head, metrics, data)
    return target


def _check_head_id(head: HeadRecipe, shipped: Bundle) -> None:
    if head.id in shipped.head_weights:
        raise UnusableFolders(
            f"The head cannot be called {head.id!r}: {shipped.description.name} has one of that "
            "name already. Choose another --name."
        )


def _check_enough(data: LabelledData, labels: LabelSet) -> None:
    """Unreadable photos may have left a class with too few."""
    for label in labels.labels:
        count = sum(1 for e in data.examples if e.label == label.source_name)
        if count < MIN_PHOTOS:
            raise UnusableFolders(
                f"Only {count} photos of {label.name!r} can be read; a class needs at least "
                f"{MIN_PHOTOS}. Replace the damaged ones or take the folder out."
            )


def _label_index(example: Example, labels: LabelSet) -> int:
    return [label.source_name for label in labels.labels].index(example.label)


def _views(bundle: Bundle, examples: list[Example], seed: int) -> FloatArray:
    """Embeddings of several views a photo: shape (N, views, embedding size)."""
    engine = Engine(bundle, _WORKERS)
    side = bundle.description.input.width

    def embed(numbered: tuple[int, Example]) -> FloatArray:
        number, example = numbered
        rng = np.random.default_rng([seed, number])
        whole = resize_to_square(example.pixels, side)
        views: list[Pixels] = [whole, np.ascontiguousarray(whole[:, ::-1])]
        views += [random_view(example.pixels, side, rng) for _ in range(_RANDOM_VIEWS)]
        return np.stack([engine.embed(view) for view in views])

    with ThreadPoolExecutor(_WORKERS) as pool:
        return np.stack(list(pool.map(embed, enumerate(examples))))


def _fit(
    views: FloatArray,
    labels: Any,
    held_out: FloatArray,
    held_out_labels: Any,
    label_count: int,
) -> HeadWeights:
    """Fit with several penalties and keep the one that calibration photos like best."""
    embeddings = views.reshape(-1, views.shape[-1])
    targets = one_hot(np.repeat(labels, views.shape[1]), label_count)
    fitted = [fit_linear_head(embeddings, targets, p) for p in _PENALTIES]
    if not len(held_out):
        return fitted[1]

    def loss(weights: HeadWeights) -> float:
        probabilities = softmax(held_out @ weights.kernel + weights.bias)
        of_wanted = probabilities[np.arange(len(held_out)), held_out_labels]
        return float(-np.log(np.maximum(of_wanted, 1e-9)).mean())

    return min(fitted, key=loss)


def _write_files(folder: Path, shipped: Bundle, head: HeadRecipe, weights: HeadWeights) -> None:
    shutil.copyfile(shipped.backbone_path, folder / shipped.description.backbone.file)
    heads = shipped.head_weights | {head.id: weights}
    arrays = {
        f"{head_id}/{part}": values.astype(np.float16)
        for head_id, one in heads.items()
        for part, values in (("kernel", one.kernel), ("bias", one.bias))
    }
    np.savez_compressed(folder / HEADS_FILE, **arrays)  # type: ignore[arg-type]


def _describe(
    folder: Path,
    shipped: Bundle,
    recipe: Recipe,
    data: LabelledData,
    calibration: HeadCalibration,
) -> Any:
    (head,) = recipe.heads
    own = head_entry(head, data.label_sets[head.id], calibration)
    description = shipped.description.model_copy(
        update={
            "name": recipe.name,
            "created_at": now(),
            "heads_file": bundle_file(folder, HEADS_FILE),
            "heads": (own, *shipped.description.heads),
            "class_head": head.id,
            "float_weights": None,
            "metrics": {},
            "training": {
                "recipe": recipe.model_dump(mode="json"),
                "data_manifest_sha256": data_manifest_hash(data.examples),
                "on_bundle": shipped.description.id,
            },
            "licence": recipe.licence or shipped.description.licence,
            "attributions": (*recipe.attributions, *shipped.description.attributions),
        }
    )
    write_description(folder, description)
    return description


def _say_result(head: HeadRecipe, metrics: dict[str, Any], data: LabelledData) -> None:
    m = metrics[head.id]
    if not m["photos"]:
        print(f"{len(data.label_sets[head.id])} classes; too few photos to hold some back.")
        return
    low, high = m["top_1_interval"]
    print(
        f"{len(data.label_sets[head.id])} classes, {len(data.examples):,} photos; on "
        f"{m['photos']:,} held back {m['top_1']} % right (95 % interval {low}-{high} %)."
    )
    print("Choose it on the app's page “Model”, or set SCENE_BUNDLE to its folder.")
    worst = sorted(
        (v["f1"], k) for k, v in m["per_class"].items() if v["f1"] is not None and v["f1"] < 80
    )
    if worst:
        print("Weakest: " + ", ".join(f"{label} (F1 {f1} %)" for f1, label in worst[:5]))
    if data.skipped:
        print(f"{len(data.skipped)} left out; each is named above.")
