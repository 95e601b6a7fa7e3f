"""Measure a published bundle, as it is served, on photos that did not train it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import Bundle, open_bundle
from scene_model.classifier.engine import Engine
from scene_model.classifier.heads import Head, HeadBatchPrediction, heads_of
from scene_model.classifier.tagging import tags_by_rule
from scene_model.photos.decode import resize_to_square
from training.albums import measure_albums
from training.calibrate import own_photos
from training.data import Example, FloatArray, HeadTargets, head_targets
from training.labelled import LabelledData, load_data
from training.measures import (
    auroc,
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    per_class,
    percent,
    reliability,
    threshold_accepting,
    wilson_interval,
)
from training.plots import draw_head_plots
from training.recipe import HeadRecipe, Recipe
from training.splits import Part

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
    original = data_dir / recipe.imagenet_tflite if recipe.imagenet_tflite else None
    metrics["speed"] = speed_metrics(bundle, original)
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


def embed_int8(bundle: Bundle, examples: list[Example]) -> FloatArray:
    """Embeddings by the served network: shape (N, embedding_size), float32."""
    engine = Engine(bundle, _WORKERS)
    side = bundle.description.input.width
    if not examples:
        return np.zeros((0, bundle.description.backbone.embedding_size), np.float32)
    with ThreadPoolExecutor(_WORKERS) as pool:
        embedded = pool.map(lambda e: engine.embed(resize_to_square(e.pixels, side)), examples)
        return np.stack(list(embedded))


def head_metrics(head: Head, answer: HeadBatchPrediction, allowed: FloatArray) -> dict[str, Any]:
    """Figures of one head on photos whose labels are known.

    allowed: shape (N, labels); the largest entry of a row is the photo's label, every entry
    above 0 a tag that is right.
    """
    if not len(allowed):
        return {"photos": 0}
    probabilities = answer.probabilities
    main = allowed.argmax(axis=1)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    first = order[:, 0]
    right = first == main
    confidence = probabilities.max(axis=1)
    unsure = head.is_unsure(answer)
    confusion = confusion_matrix(main, first, len(head.labels))
    return {
        "photos": len(main),
        "top_1": percent(float(right.mean())),
        "top_1_interval": wilson_interval(int(right.sum()), len(right)),
        "top_3": percent(float((order[:, :3] == main[:, None]).any(axis=1).mean())),
        "top_5": percent(float((order[:, :5] == main[:, None]).any(axis=1).mean())),
        "calibration_error": round(expected_calibration_error(confidence, right), 4),
        "sure": percent(float((~unsure).mean())),
        "top_1_of_sure": percent(float(right[~unsure].mean())) if (~unsure).any() else None,
        **_tag_metrics(head, probabilities, allowed > 0),
        "per_class": per_class(confusion, head.labels.ids),
        "confusion": confusion.tolist(),
        "reliability": reliability(confidence, right),
        "coverage": coverage_curve(confidence, right),
    }


def speed_metrics(bundle: Bundle, original: Path | None) -> dict[str, Any]:
    """Time the network alone, one interpreter, one thread; and the original one beside it.

    original: a quantized 224×224 ImageNet network to compare with, or None.
    """
    side = bundle.description.input.width
    engine = Engine(bundle, 1)
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(8)]
    ours: list[float] = []
    theirs: list[float] = []
    reference = None if original is None else _plain_network(original)
    # By turns, so that whatever else the machine does slows both.
    for number in range(_TIMED_PHOTOS):
        ours.append(_timed(lambda: engine.embed(photos[number % 8])))  # noqa: B023 - runs at once
        if reference is not None and side == 224:
            theirs.append(_timed(lambda: reference(photos[number % 8])))  # noqa: B023
    warm = ours[10:]
    figures: dict[str, Any] = {
        "network_ms_median": round(1000 * float(np.median(warm)), 2),
        "network_ms_p95": round(1000 * float(np.quantile(warm, 0.95)), 2),
        "photos_per_s_per_core": round(1 / float(np.median(warm)), 1),
        "size_bytes": served_bytes(bundle),
    }
    if theirs:
        figures["original_photos_per_s_per_core"] = round(1 / float(np.median(theirs[10:])), 1)
    return figures


def served_bytes(bundle: Bundle) -> int:
    """Bytes of all that serving reads: everything but the float weights."""
    weights = bundle.description.float_weights
    unused = {weights.file} if weights else set()
    return sum(
        file.stat().st_size
        for file in bundle.folder.rglob("*")
        if file.is_file() and file.name not in unused
    )


def _short(metrics: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is too long to read on a screen."""
    long = {"per_class", "confusion", "reliability", "coverage"}
    return {
        name: {k: v for k, v in values.items() if k not in long}
        if isinstance(values, dict)
        else values
        for name, values in metrics.items()
    }


def _timed(run: Any) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _plain_network(file: Path) -> Any:
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


def _tag_metrics(
    head: Head, probabilities: FloatArray, allowed: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    order = np.argsort(-probabilities, axis=1, kind="stable")
    rows = np.arange(len(order))
    tags = [tags_by_rule(p, head.labels, head.second_tag_floor) for p in probabilities]
    right = [allowed[i, head.labels.index(t.label)] for i, found in enumerate(tags) for t in found]
    among_two = allowed[rows[:, None], order[:, :2]].any(axis=1)
    return {
        "top_1_any_tag": percent(float(allowed[rows, order[:, 0]].mean())),
        "top_2_any_tag": percent(float(among_two.mean())),
        "tags_right": percent(float(np.mean(right))) if right else None,
        "tags_per_photo": round(len(right) / len(tags), 2),
        "unknown": percent(float(np.mean([not found for found in tags]))),
    }


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
    network = _plain_network(original)
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
