"""Measure a published bundle, as it is served, on photos that did not train it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import Bundle, FloatArray, open_bundle
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import (
    auroc,
    percent,
    threshold_accepting,
    wilson_interval,
)
from scene_model.classifier.fitting.measuring import embed_int8, head_metrics, speed_metrics
from scene_model.classifier.fitting.splits import Part
from scene_model.classifier.heads import Head, HeadBatchPrediction, heads_of
from scene_model.photos.decode import resize_to_square
from training.albums import measure_albums
from training.calibrate import own_photos
from training.data import HeadTargets, head_targets
from training.labelled import LabelledData, load_data
from training.plots import draw_head_plots
from training.recipe import HeadRecipe, Recipe

EVALUATION_FILE = "evaluation.json"
# The labelled photos that tell which album is right belong to these.
ALBUM_HEADS = {"scenes", "camera", "camsdd", "objects"}
_WORKERS = 2
# At this share of true scenes accepted, the outside score is told in one figure.
ACCEPTED_SCENES = 0.96
_TIMED_PHOTOS = 200


def evaluate(recipe: Recipe, data_dir: Path, out_dir: Path, models_dir: Path) -> dict[str, Any]:
    """Measure ``models_dir/NAME`` on its validation photos; writes and prints the figures.

    ``evaluation.json`` has all of them; what is printed leaves out tables and curves. Plots of
    every measured head go to a folder of its name.
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
    """Figures of every head, the albums, the network's speed and size."""
    metrics, embeddings = measure(bundle, recipe, data, data_dir)
    if set(bundle.head_weights) >= ALBUM_HEADS:
        validation = data.split.indices(data.examples, Part.VALIDATION)
        examples = [data.examples[i] for i in validation]
        metrics["albums"] = measure_albums(bundle, embeddings, examples)
    original = recipe.imagenet_tflite
    reference = plain_network(data_dir / original) if original else None
    metrics["speed"] = speed_metrics(bundle, reference)
    return metrics


def measure(
    bundle: Bundle, recipe: Recipe, data: LabelledData, data_dir: Path
) -> tuple[dict[str, Any], FloatArray]:
    """All figures of the model card, by head, on the validation photos; and their embeddings."""
    examples = [data.examples[i] for i in data.split.indices(data.examples, Part.VALIDATION)]
    embeddings = embed_int8(bundle, examples)
    heads = heads_of(bundle)
    metrics: dict[str, Any] = {}
    for entry in recipe.heads:
        head = heads[entry.id]
        answer = head.predict(embeddings)
        if entry.labels is None:
            original = data_dir / str(recipe.imagenet_tflite)
            metrics[entry.id] = agreement(answer.probabilities, examples, original)
            continue
        targets = head_targets(examples, entry, head.labels, recipe)
        own = own_photos(recipe, entry, examples)
        metrics[entry.id] = head_metrics(
            head, answer_rows(answer, own), targets.allowed[own][:, : len(head.labels)]
        )
        if head.outside_threshold is not None:
            metrics[entry.id]["outside"] = {
                "same_sources": _outside_of(head, answer, targets, own),
                "withheld_sources": _withheld(bundle, recipe, entry, head, data, answer, own),
            }
    return metrics, embeddings


def _short(metrics: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is too long to read on a screen."""
    long = {"per_class", "confusion", "reliability", "coverage"}
    return {
        name: {k: v for k, v in values.items() if k not in long}
        if isinstance(values, dict)
        else values
        for name, values in metrics.items()
    }


def plain_network(file: Path) -> Any:
    """Open a quantized network of its own, one thread; returns what runs it on one photo."""
    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    made = interpreter.get_output_details()[0]["index"]

    def answer(pixels: Any) -> Any:
        interpreter.set_tensor(given, pixels[np.newaxis])
        interpreter.invoke()
        return interpreter.get_tensor(made)[0]

    return answer


def answer_rows(answer: HeadBatchPrediction, rows: npt.NDArray[np.bool_]) -> HeadBatchPrediction:
    """Pick the answers of some photos."""
    return HeadBatchPrediction(answer.probabilities[rows], answer.outside[rows])


def _outside_of(
    head: Head, answer: HeadBatchPrediction, targets: HeadTargets, own: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """How well photos of another world are told apart, from sources that taught it."""
    outside = (targets.weight > 0) & (targets.allowed[:, len(head.labels)] > 0)
    return outside_metrics(head, answer_rows(answer, own), answer_rows(answer, outside))


def _withheld(
    bundle: Bundle,
    recipe: Recipe,
    entry: HeadRecipe,
    head: Head,
    data: LabelledData,
    answer: HeadBatchPrediction,
    own: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """The same on photos of origins that taught this score nothing."""
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
    figures = outside_metrics(
        head, answer_rows(answer, own), head.predict(embed_int8(bundle, examples))
    )
    figures["unseen_by_any_head"] = outside_metrics(
        head, answer_rows(answer, own), head.predict(embed_int8(bundle, unseen))
    )
    figures["origins"] = sorted({origin for _, origin, _ in withheld})
    return figures


def outside_metrics(
    head: Head, inside: HeadBatchPrediction, outside: HeadBatchPrediction
) -> dict[str, Any]:
    """Tell how well true scenes and photos of another world are held apart.

    ``unsure`` and ``accepted`` are as served; ``refused_at_96`` moves the threshold until 96 %
    of the true scenes are accepted.
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


def _outside_score(head: Head, answer: HeadBatchPrediction) -> FloatArray:
    """High for photos of another world: the head's own output for it, else its doubt."""
    if head.outside_threshold is not None:
        return answer.outside
    doubt: FloatArray = 1.0 - answer.probabilities.max(axis=1)
    return doubt


def agreement(scores: FloatArray, examples: list[Example], original: Path) -> dict[str, Any]:
    """Tell how often our five best hold the original ImageNet network's best.

    scores: of the 1,000 classes, shape (N, 1000), probabilities or logits.
    """
    network = plain_network(original)
    order = np.argsort(-scores, axis=1, kind="stable")
    same, among = 0, 0
    for row, example in enumerate(examples):
        best = int(network(resize_to_square(example.pixels, 224))[1:].argmax())
        same += int(order[row, 0] == best)
        among += int(best in order[row, :5])
    return {
        "photos": len(examples),
        "top_1_as_original": percent(same / len(examples)),
        "top_5_holds_original": percent(among / len(examples)),
        "top_5_holds_interval": wilson_interval(among, len(examples)),
    }
