"""Figures of merit: arrays of answers in, plain numbers out."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

BINS = 15
_COVERAGE_STEPS = 20


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
    """Mean confidence and accuracy of the photos in each of equal-width bins; empty ones left out.

    confidence: shape (N,), in [0, 1]. Returns ``{"photos", "confidence", "accuracy"}`` a bin.
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
    """Mean distance of confidence and accuracy over the bins (Naeini et al. 2015)."""
    total = max(1, len(confidence))
    return sum(
        row["photos"] / total * abs(row["confidence"] - row["accuracy"])
        for row in reliability(confidence, right, bins)
    )


def coverage_curve(confidence: FloatArray, right: BoolArray) -> list[list[float]]:
    """Accuracy of the surest photos: rows of [share answered, accuracy, least confidence].

    From the surest twentieth to all photos (El-Yaniv and Wiener 2010).
    """
    if not len(confidence):
        return []
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    rows = []
    for step in range(1, _COVERAGE_STEPS + 1):
        count = max(1, round(len(order) * step / _COVERAGE_STEPS))
        least = float(confidence[order[count - 1]])
        rows.append(
            [
                round(count / len(order), 4),
                round(float(hits[count - 1]) / count, 4),
                round(least, 4),
            ]
        )
    return rows


def confusion_matrix(
    expected: npt.NDArray[np.intp], predicted: npt.NDArray[np.intp], labels: int
) -> npt.NDArray[np.intp]:
    """Count answers: shape (labels, labels), rows true, columns answered."""
    counts = np.zeros((labels, labels), np.intp)
    np.add.at(counts, (expected, predicted), 1)
    return counts


def per_class(confusion: npt.NDArray[np.intp], labels: tuple[str, ...]) -> dict[str, Any]:
    """Precision, recall and F1 of each label, in percent; None where nothing was to be counted."""
    rows: dict[str, Any] = {}
    for index, label in enumerate(labels):
        right = int(confusion[index, index])
        true, answered = int(confusion[index].sum()), int(confusion[:, index].sum())
        rows[label] = {
            "photos": true,
            "precision": percent(right / answered) if answered else None,
            "recall": percent(right / true) if true else None,
            "f1": percent(2 * right / (true + answered)) if true + answered else None,
        }
    return rows


def auroc(inside: FloatArray, outside: FloatArray) -> float | None:
    """Chance that a photo of another world scores higher than one of this (Mann-Whitney U).

    inside, outside: scores, shape (N,) and (M,), high for "outside". Ties count half. None when
    one of them is empty.
    """
    if not len(inside) or not len(outside):
        return None
    ordered = np.sort(inside)
    below = np.searchsorted(ordered, outside, side="left")
    up_to = np.searchsorted(ordered, outside, side="right")
    return round(float((below + up_to).mean()) / (2 * len(inside)), 4)


def threshold_accepting(scores: FloatArray, share: float) -> float:
    """The threshold that a given share of scores does not exceed."""
    return float(np.quantile(scores, share))
