"""Measure a bundle's heads, as they are served, on labelled photos."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import Bundle, FloatArray
from scene_model.classifier.engines.opened import open_engine
from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.measures import (
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    per_class,
    percent,
    reliability,
    wilson_interval,
)
from scene_model.classifier.heads import Head, HeadBatchPrediction
from scene_model.classifier.tagging import tags_by_rule
from scene_model.photos.colours import Pixels

_WORKERS = 2
_TIMED_PHOTOS, _UNTIMED_PHOTOS = 200, 10
# Somebody waits while their own head is fitted, and its network was measured before.
FEW_TIMED_PHOTOS = 40


def embed_examples(bundle: Bundle, examples: list[Example]) -> FloatArray:
    """Embed photos with the bundle's network: shape (N, embedding_size), float32."""
    if not examples:
        return np.zeros((0, bundle.description.backbone.embedding_size), np.float32)
    engine = open_engine(bundle, _WORKERS)
    with ThreadPoolExecutor(_WORKERS) as pool:
        embedded = pool.map(lambda e: engine.embed(e.pixels), examples)
        return np.stack(list(embedded))


def head_metrics(
    head: Head, prediction: HeadBatchPrediction, allowed: FloatArray
) -> dict[str, Any]:
    """Metrics of one head on labelled photos.

    allowed: shape (N, labels); the largest entry of a row is the photo's label, every entry
    above 0 is a right tag.
    """
    if not len(allowed):
        return {"photos": 0}
    probabilities = prediction.probabilities
    main = allowed.argmax(axis=1)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    first = order[:, 0]
    right = first == main
    confidence = probabilities.max(axis=1)
    unsure = head.is_unsure(prediction)
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


def speed_metrics(
    bundle: Bundle,
    reference: Callable[[Pixels], object] | None = None,
    photo_count: int = _TIMED_PHOTOS,
) -> dict[str, Any]:
    """Time the network without decoding, with one interpreter and one thread.

    reference: runs a 224×224 ImageNet network, timed in the same loop. photo_count: more than
    the ten that only warm up.
    """
    rule = bundle.description.input
    engine = open_engine(bundle, 1)
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (rule.height, rule.width, 3), np.uint8) for _ in range(8)]
    network_s: list[float] = []
    original_s: list[float] = []
    # Alternate, so that other load on the machine slows both.
    for number in range(photo_count):
        network_s.append(_timed(lambda: engine.embed_resized(photos[number % 8])))  # noqa: B023 - runs at once
        if reference is not None and (rule.width, rule.height) == (224, 224):
            original_s.append(_timed(lambda: reference(photos[number % 8])))  # noqa: B023
    warm = network_s[_UNTIMED_PHOTOS:]
    metrics: dict[str, Any] = {
        "network_ms_median": round(1000 * float(np.median(warm)), 2),
        "network_ms_p95": round(1000 * float(np.quantile(warm, 0.95)), 2),
        "photos_per_s_per_core": round(1 / float(np.median(warm)), 1),
        "size_bytes": served_bytes(bundle),
    }
    if original_s:
        metrics["original_photos_per_s_per_core"] = round(
            1 / float(np.median(original_s[_UNTIMED_PHOTOS:])), 1
        )
    return metrics


def served_bytes(bundle: Bundle) -> int:
    """Size of a bundle's files without the float weights, which serving does not read."""
    weights = bundle.description.float_weights
    unused = {weights.file} if weights else set()
    return sum(
        file.stat().st_size
        for file in bundle.folder.rglob("*")
        if file.is_file() and file.name not in unused
    )


def _timed(run: Any) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _tag_metrics(
    head: Head, probabilities: FloatArray, allowed: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    order = np.argsort(-probabilities, axis=1, kind="stable")
    rows = np.arange(len(order))
    tags = [tags_by_rule(p, head.labels, head.second_tag_floor) for p in probabilities]
    right = [
        allowed[i, head.labels.index(t.label)]
        for i, photo_tags in enumerate(tags)
        for t in photo_tags
    ]
    among_two = allowed[rows[:, None], order[:, :2]].any(axis=1)
    return {
        "top_1_any_tag": percent(float(allowed[rows, order[:, 0]].mean())),
        "top_2_any_tag": percent(float(among_two.mean())),
        "tags_right": percent(float(np.mean(right))) if right else None,
        "tags_per_photo": round(len(right) / len(tags), 2),
        "unknown": percent(float(np.mean([not photo_tags for photo_tags in tags]))),
    }
