"""Measure a published bundle, as it is served, on photos outside the training set."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import (
    auroc,
    percent,
    threshold_accepting,
    wilson_interval,
)
from scene_model.classifier.fitting.measuring import embed_examples, head_metrics, speed_metrics
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.heads import Head, HeadBatchPrediction, heads_of
from scene_model.photos.resize import resize_to_square
from training.albums import measure_albums
from training.calibrate import own_photos
from training.data import HeadTargets, head_targets
from training.labelled import LabelledData, load_data
from training.plots import draw_head_plots
from training.recipe import HeadRecipe, Recipe
from training.teachers import TEACHER_SIDE, Teacher, litert_network, teacher_of

EVALUATION_FILE = "evaluation.json"
# The albums are measured when the bundle has these heads.
ALBUM_HEADS = {"scenes", "camera", "camsdd", "objects"}
_WORKERS = 2
# The share of true scenes accepted at which `refused_at_96` is measured.
ACCEPTED_SCENES = 0.96
_TIMED_PHOTOS = 200


def evaluate(recipe: Recipe, data_dir: Path, out_dir: Path, models_dir: Path) -> dict[str, Any]:
    """Measure ``models_dir/NAME`` on its validation photos; writes and prints the metrics.

    ``evaluation.json`` has all of them; the printed ones omit tables and curves. Plots of each
    measured head are written to a folder named after it.
    """
    bundle = open_bundle(models_dir / recipe.name)
    data = load_data(recipe, data_dir)
    metrics = measure_all(bundle, recipe, data, data_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / EVALUATION_FILE).write_text(json.dumps(metrics, indent=1), encoding="utf-8")
    for head in bundle.description.heads:
        if "confusion" in metrics.get(head.id, {}):
            names = [label.name for label in head.labels]
            draw_head_plots(out_dir / head.id, head.name, names, metrics[head.id])
    print(json.dumps(_short(metrics), indent=1))
    return metrics


def measure_all(
    bundle: Bundle, recipe: Recipe, data: LabelledData, data_dir: Path
) -> dict[str, Any]:
    """Metrics of every head and of the albums, and the network's speed and size."""
    metrics, embeddings = measure(bundle, recipe, data, data_dir)
    if set(bundle.head_weights) >= ALBUM_HEADS:
        validation = data.split.indices(data.examples, Part.VALIDATION)
        examples = [data.examples[i] for i in validation]
        metrics["albums"] = measure_albums(bundle, embeddings, examples)
    original = recipe.imagenet_tflite
    reference = litert_network(data_dir / original) if original else None
    metrics["speed"] = speed_metrics(bundle, reference)
    return metrics


def measure(
    bundle: Bundle, recipe: Recipe, data: LabelledData, data_dir: Path
) -> tuple[dict[str, Any], FloatArray]:
    """Metrics by head on the validation photos, and the embeddings of these photos."""
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.VALIDATION)]
    embeddings = embed_examples(bundle, examples)
    heads = heads_of(bundle)
    metrics: dict[str, Any] = {}
    for entry in recipe.heads:
        head = heads[entry.id]
        prediction = head.predict(embeddings)
        if (teacher := teacher_of(recipe, entry, data_dir)) is not None:
            metrics[entry.id] = agreement(prediction.probabilities, examples, teacher)
            continue
        targets = head_targets(examples, entry, head.labels, recipe)
        own = own_photos(recipe, entry, examples)
        metrics[entry.id] = head_metrics(
            head, select_photos(prediction, own), targets.allowed[own][:, : len(head.labels)]
        )
        if head.outside_threshold is not None:
            metrics[entry.id]["outside"] = {
                "same_sources": _same_sources(head, prediction, targets, own),
                "withheld_sources": _withheld(bundle, recipe, entry, head, data, prediction, own),
            }
    return metrics, embeddings


def _short(metrics: dict[str, Any]) -> dict[str, Any]:
    """Remove tables and curves, which are too long to print."""
    long = {"per_class", "confusion", "reliability", "coverage"}
    return {
        name: {k: v for k, v in values.items() if k not in long}
        if isinstance(values, dict)
        else values
        for name, values in metrics.items()
    }


def select_photos(
    prediction: HeadBatchPrediction, mask: npt.NDArray[np.bool_]
) -> HeadBatchPrediction:
    """Return the predictions of the photos in a mask of shape (N,)."""
    return HeadBatchPrediction(prediction.probabilities[mask], prediction.outside[mask])


def _same_sources(
    head: Head, prediction: HeadBatchPrediction, targets: HeadTargets, own: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """Out-of-scope metrics on validation photos of sources that trained the outside score."""
    outside = (targets.weight > 0) & (targets.allowed[:, len(head.labels)] > 0)
    return outside_metrics(head, select_photos(prediction, own), select_photos(prediction, outside))


def _withheld(
    bundle: Bundle,
    recipe: Recipe,
    entry: HeadRecipe,
    head: Head,
    data: LabelledData,
    prediction: HeadBatchPrediction,
    own: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """Out-of-scope metrics on photos of origins that did not train the outside score."""
    withheld = [
        (m.source, origin, label)
        for m in recipe.mappings
        if m.head == entry.id
        for origin in m.withheld_origins
        for label, targets in m.targets.items()
        if targets == ("outside",)
    ]
    examples = [e for e in data.examples if (e.source, e.origin, e.label) in set(withheld)]
    unseen = [e for e in examples if data.split.part(e.name) is Part.VALIDATION]
    inside = select_photos(prediction, own)
    metrics = outside_metrics(head, inside, head.predict(embed_examples(bundle, examples)))
    metrics["unseen_by_any_head"] = outside_metrics(
        head, inside, head.predict(embed_examples(bundle, unseen))
    )
    metrics["origins"] = sorted({origin for _, origin, _ in withheld})
    return metrics


def outside_metrics(
    head: Head, inside: HeadBatchPrediction, outside: HeadBatchPrediction
) -> dict[str, Any]:
    """Measure how well a head separates its own scenes from out-of-scope photos.

    ``unsure`` and ``accepted`` use the bundle's threshold; ``refused_at_96`` uses the threshold
    that accepts 96 % of the true scenes.
    """
    scores = (_outside_score(head, inside), _outside_score(head, outside))
    if not len(scores[0]) or not len(scores[1]):
        return {"photos": len(scores[1])}
    threshold = threshold_accepting(scores[0], ACCEPTED_SCENES)
    return {
        "photos": len(scores[1]),
        "unsure": percent(float(head.is_unsure(outside).mean())),
        "accepted": percent(float((~head.is_unsure(inside)).mean())),
        "refused_at_96": percent(float((scores[1] > threshold).mean())),
        "auroc": auroc(*scores),
    }


def _outside_score(head: Head, prediction: HeadBatchPrediction) -> FloatArray:
    """High for out-of-scope photos: the head's outside output, or 1 − its confidence."""
    if head.outside_threshold is not None:
        return prediction.outside
    uncertainty: FloatArray = 1.0 - prediction.probabilities.max(axis=1)
    return uncertainty


def agreement(scores: FloatArray, examples: list[Example], teacher: Teacher) -> dict[str, Any]:
    """Measure how often our top five contain the top class of a head's teacher.

    scores: probabilities or logits of the head's labels, shape (N, labels).
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    same, among = 0, 0
    for row, example in enumerate(examples):
        best = int(teacher(resize_to_square(example.pixels, TEACHER_SIDE)).argmax())
        same += int(order[row, 0] == best)
        among += int(best in order[row, :5])
    return {
        "photos": len(examples),
        "top_1_as_original": percent(same / len(examples)),
        "top_5_holds_original": percent(among / len(examples)),
        "top_5_holds_interval": wilson_interval(among, len(examples)),
    }
