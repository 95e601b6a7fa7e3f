"""Evaluation metrics: prediction arrays in, JSON-compatible numbers out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

BINS = 15
_COVERAGE_STEPS = 20
_DRAWS = 1_000


def percent(share: float) -> float:
    """A share in [0, 1] as percent with two decimals."""
    return round(100 * share, 2)


def wilson_interval(right: int, total: int) -> list[float]:
    """95 % interval of a share (Wilson 1927), in percent."""
    if total == 0:
        return [0.0, 100.0]
    z, share = 1.959964, right / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return [percent((middle - spread) / scale), percent((middle + spread) / scale)]


def reliability(
    confidence: FloatArray, right: BoolArray, bins: int = BINS
) -> list[dict[str, float]]:
    """Mean confidence and accuracy of the photos in each of ``bins`` equal-width bins.

    confidence: shape (N,), in [0, 1]. Returns ``{"photos", "confidence", "accuracy"}`` per bin;
    empty bins are omitted.
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = []
    for b in range(bins):
        inside = which == b
        if inside.any():
            rows.append(
                {
                    "photos": int(inside.sum()),
                    "confidence": round(float(confidence[inside].mean()), 4),
                    "accuracy": round(float(right[inside].mean()), 4),
                }
            )
    return rows


def expected_calibration_error(confidence: FloatArray, right: BoolArray, bins: int = BINS) -> float:
    """Mean |confidence − accuracy| over the bins, weighted by photos (Naeini et al. 2015)."""
    total = max(1, len(confidence))
    return sum(
        row["photos"] / total * abs(row["confidence"] - row["accuracy"])
        for row in reliability(confidence, right, bins)
    )


def calibration_error_by_chance(rows: Sequence[Mapping[str, float]]) -> float:
    """Mean calibration error of perfectly calibrated predictions on as many photos.

    Draws, 1,000 times with a fixed seed, whether each photo is right with its confidence as the
    probability. An error near this value is no evidence of a wrong calibration. rows: of
    `reliability`.
    """
    if not rows:
        return 0.0
    photos = np.array([row["photos"] for row in rows], int)
    expected = np.array([row["confidence"] for row in rows])
    drawn = np.random.default_rng(0).binomial(photos, expected, (_DRAWS, len(rows)))
    return float((np.abs(drawn - photos * expected).sum(axis=1) / photos.sum()).mean())


def coverage_curve(confidence: FloatArray, right: BoolArray) -> list[list[float]]:
    """Accuracy of the most confident photos: rows of [coverage, accuracy, lowest confidence].

    Coverage goes from 5 % to 100 % of the photos (El-Yaniv and Wiener 2010).
    """
    if not len(confidence):
        return []
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    rows = []
    for step in range(1, _COVERAGE_STEPS + 1):
        count = max(1, round(len(order) * step / _COVERAGE_STEPS))
        lowest = float(confidence[order[count - 1]])
        rows.append(
            [
                round(count / len(order), 4),
                round(float(hits[count - 1]) / count, 4),
                round(lowest, 4),
            ]
        )
    return rows


def confusion_matrix(
    true: npt.NDArray[np.intp], predicted: npt.NDArray[np.intp], labels: int
) -> npt.NDArray[np.intp]:
    """Count predictions: shape (labels, labels), rows true, columns predicted."""
    counts = np.zeros((labels, labels), np.intp)
    np.add.at(counts, (true, predicted), 1)
    return counts


def per_class(confusion: npt.NDArray[np.intp], labels: tuple[str, ...]) -> dict[str, Any]:
    """Precision, recall and F1 of each label, in percent; None where the denominator is 0."""
    rows: dict[str, Any] = {}
    for index, label in enumerate(labels):
        right = int(confusion[index, index])
        true, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
        rows[label] = {
            "photos": true,
            "precision": percent(right / predicted) if predicted else None,
            "recall": percent(right / true) if true else None,
            "f1": percent(2 * right / (true + predicted)) if true + predicted else None,
        }
    return rows


def auroc(inside: FloatArray, outside: FloatArray) -> float | None:
    """Probability that an out-of-scope photo scores higher than an in-scope one (Mann-Whitney U).

    inside, outside: scores, shape (N,) and (M,), high for "outside". Ties count half. Returns
    None when one of them is empty.
    """
    if not len(inside) or not len(outside):
        return None
    ordered = np.sort(inside)
    lower = np.searchsorted(ordered, outside, side="left")
    lower_or_equal = np.searchsorted(ordered, outside, side="right")
    return round(float((lower + lower_or_equal).mean()) / (2 * len(inside)), 4)


def threshold_accepting(scores: FloatArray, share: float) -> float:
    """The threshold that the given share of the scores does not exceed (a quantile)."""
    return float(np.quantile(scores, share))
