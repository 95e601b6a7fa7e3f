"""Measure a published bundle, as it is served, on photos that did not train it."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from scene_model.classifier.bundle import Bundle, open_bundle
from scene_model.classifier.engine import Engine
from scene_model.classifier.heads import Head, HeadAnswer, heads_of
from scene_model.classifier.tagging import tags_by_rule
from scene_model.photos.decode import resize_to_square
from training.data import Example, FloatArray, HeadTargets, head_targets, load_examples
from training.recipe import TRAINING_DIR, Recipe
from training.splits import Part, read_split

_ECE_BINS = 15
_WORKERS = 2


def evaluate(recipe: Recipe, data_dir: Path, out_dir: Path, models_dir: Path) -> dict[str, Any]:
    """Measure ``models_dir/NAME`` on the validation lists; prints and writes evaluation.json."""
    bundle = open_bundle(models_dir / recipe.name)
    examples, _ = load_examples(recipe, data_dir)
    indices = read_split(TRAINING_DIR / "splits").indices(examples, Part.VALIDATION)
    validation = [examples[i] for i in indices]
    metrics = measure(bundle, recipe, validation, data_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metrics, indent=1)
    (out_dir / "evaluation.json").write_text(text, encoding="utf-8")
    print(text)
    return metrics


def measure(
    bundle: Bundle, recipe: Recipe, examples: list[Example], data_dir: Path
) -> dict[str, Any]:
    """All figures of the model card, by head."""
    embeddings = embed_int8(bundle, examples)
    heads = heads_of(bundle)
    metrics: dict[str, Any] = {}
    for entry in recipe.heads:
        head = heads[entry.id]
        answer = head.answer(embeddings)
        if entry.labels is None:
            metrics[entry.id] = _agreement(answer, examples, data_dir / recipe.imagenet_tflite)
            continue
        targets = head_targets(examples, entry, head.labels, recipe)
        own_sources = {s.id for s in recipe.sources if s.head == entry.id}
        own = np.array([e.source in own_sources for e in examples])
        metrics[entry.id] = _labelled_metrics(head, answer, targets, own)
        if head.outside_threshold is not None:
            metrics[entry.id] |= _outside_metrics(head, answer, targets, own)
    return metrics


def embed_int8(bundle: Bundle, examples: list[Example]) -> FloatArray:
    """Embeddings by the served network: shape (N, embedding_size), float32."""
    engine = Engine(bundle, _WORKERS)
    side = bundle.description.input.width
    with ThreadPoolExecutor(_WORKERS) as pool:
        embedded = pool.map(lambda e: engine.embed(resize_to_square(e.pixels, side)), examples)
        return np.stack(list(embedded))


def wilson_interval(right: int, total: int) -> list[float]:
    """95 % interval of a share (Wilson 1927), in percent."""
    if total == 0:
        return [0.0, 100.0]
    z, share = 1.959964, right / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return [round(100 * (middle - spread) / scale, 2), round(100 * (middle + spread) / scale, 2)]


def expected_calibration_error(
    confidence: FloatArray, right: npt.NDArray[np.bool_], bins: int = _ECE_BINS
) -> float:
    """Mean distance of confidence and accuracy over equal-width bins (Naeini et al. 2015)."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            error += float(inside.mean()) * abs(
                float(confidence[inside].mean()) - float(right[inside].mean())
            )
    return error


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _labelled_metrics(
    head: Head, answer: HeadAnswer, targets: HeadTargets, own: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    probabilities = answer.probabilities[own]
    allowed = targets.allowed[own][:, : len(head.labels)] > 0
    main = targets.allowed[own].argmax(axis=1)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    first = order[:, 0]
    right = first == main
    confidence = probabilities.max(axis=1)
    unsure = np.array(
        [
            head.is_unsure(float(c), float(o))
            for c, o in zip(confidence, answer.outside[own], strict=True)
        ]
    )
    tags = [tags_by_rule(p, head.labels, head.second_tag_floor) for p in probabilities]
    tags_right = [
        allowed[i, head.labels.index(tag.label)] for i, found in enumerate(tags) for tag in found
    ]
    rows = np.arange(len(order))
    confusion = np.zeros((len(head.labels), len(head.labels)), int)
    np.add.at(confusion, (main, first), 1)
    return {
        "photos": int(own.sum()),
        "top_1": _percent(float(right.mean())),
        "top_1_interval": wilson_interval(int(right.sum()), len(right)),
        "top_1_any_tag": _percent(float(allowed[rows, first].mean())),
        "top_2_any_tag": _percent(
            float((allowed[rows, order[:, 0]] | allowed[rows, order[:, 1]]).mean())
        ),
        "top_3": _percent(float((order[:, :3] == main[:, None]).any(axis=1).mean())),
        "calibration_error": round(expected_calibration_error(confidence, right), 4),
        "sure": _percent(float((~unsure).mean())),
        "top_1_of_sure": _percent(float(right[~unsure].mean())) if (~unsure).any() else None,
        "tags_right": _percent(float(np.mean(tags_right))) if tags_right else None,
        "tags_per_photo": round(len(tags_right) / len(tags), 2),
        "unknown": _percent(float(np.mean([not found for found in tags]))),
        "confusion": confusion.tolist(),
    }


def _outside_metrics(
    head: Head, answer: HeadAnswer, targets: HeadTargets, own: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """How well photos of another world are told apart (all sources' validation photos)."""
    outside = targets.allowed[:, len(head.labels)] > 0
    confidence = answer.probabilities.max(axis=1)
    unsure = np.array(
        [
            head.is_unsure(float(c), float(o))
            for c, o in zip(confidence, answer.outside, strict=True)
        ]
    )
    return {
        "outside_photos": int(outside.sum()),
        "outside_unsure": _percent(float(unsure[outside].mean())) if outside.any() else None,
        "inside_accepted": _percent(float((~unsure[own]).mean())),
    }


def _agreement(answer: HeadAnswer, examples: list[Example], original: Path) -> dict[str, Any]:
    """How often our five best hold the original ImageNet network's best."""
    interpreter = Interpreter(str(original), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    made = interpreter.get_output_details()[0]["index"]
    order = np.argsort(-answer.probabilities, axis=1, kind="stable")
    same, among = 0, 0
    for row, example in enumerate(examples):
        interpreter.set_tensor(given, resize_to_square(example.pixels, 224)[np.newaxis])
        interpreter.invoke()
        best = int(interpreter.get_tensor(made)[0][1:].argmax())
        same += int(order[row, 0] == best)
        among += int(best in order[row, :5])
    return {
        "photos": len(examples),
        "top_1_as_original": _percent(same / len(examples)),
        "top_5_holds_original": _percent(among / len(examples)),
    }
