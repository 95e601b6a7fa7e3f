"""Metrics compared with values computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.classifier.fitting.measures import (
    auroc,
    calibration_error_by_chance,
    confusion_matrix,
    coverage_curve,
    expected_calibration_error,
    per_class,
    reliability,
    threshold_accepting,
    wilson_interval,
)


def test_interval_of_a_share() -> None:
    low, high = wilson_interval(94, 100)
    assert (low, high) == pytest.approx((87.5, 97.2), abs=0.1)
    assert wilson_interval(0, 0) == [0.0, 100.0]


def test_calibration_error_is_the_distance_of_confidence_and_accuracy() -> None:
    confidence = np.array([0.9] * 10, np.float32)
    right = np.array([True] * 9 + [False])
    assert expected_calibration_error(confidence, right) == pytest.approx(0.0, abs=1e-6)
    assert expected_calibration_error(confidence, ~right) == pytest.approx(0.8, abs=1e-6)
    (row,) = reliability(confidence, right)
    assert row == {"photos": 10, "confidence": 0.9, "accuracy": 0.9}


def test_calibration_error_by_chance_shrinks_with_photos() -> None:
    few, many = (
        calibration_error_by_chance([{"photos": count, "confidence": 0.8, "accuracy": 0.0}])
        for count in (100, 10_000)
    )
    # The mean distance of a binomial share from its expectation: sqrt(2 p (1 - p) / (pi n)).
    assert few == pytest.approx(0.0319, abs=0.002)
    assert many == pytest.approx(0.00319, abs=0.0002)
    assert calibration_error_by_chance([{"photos": 50, "confidence": 1.0}]) == 0.0
    assert calibration_error_by_chance([]) == 0.0


def test_coverage_starts_with_the_most_confident() -> None:
    confidence = np.linspace(0, 1, 100, dtype=np.float32)
    right = confidence > 0.5
    curve = coverage_curve(confidence, right)
    assert curve[0][:2] == [0.05, 1.0]
    assert curve[-1][:2] == [1.0, 0.5]
    assert all(a[1] >= b[1] for a, b in zip(curve, curve[1:], strict=False))


def test_precision_recall_f1() -> None:
    true = np.array([0, 0, 0, 1, 1], np.intp)
    predicted = np.array([0, 0, 1, 1, 0], np.intp)
    confusion = confusion_matrix(true, predicted, 3)
    assert confusion.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    figures = per_class(confusion, ("sea", "forest", "glacier"))
    assert figures["sea"] == {"photos": 3, "precision": 66.67, "recall": 66.67, "f1": 66.67}
    assert figures["forest"]["f1"] == 50.0
    assert figures["glacier"] == {"photos": 0, "precision": None, "recall": None, "f1": None}


def test_auroc_of_separate_and_tied_scores() -> None:
    inside, outside = np.array([0.1, 0.2], np.float32), np.array([0.8, 0.9], np.float32)
    assert auroc(inside, outside) == 1.0
    assert auroc(outside, inside) == 0.0
    assert auroc(inside, inside) == 0.5
    assert auroc(inside, outside[:0]) is None


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
    st.lists(st.integers(0, 5), min_size=1, max_size=12),
)
def test_auroc_counts_pairs(inside: list[int], outside: list[int]) -> None:
    pairs = [(o > i) + 0.5 * (o == i) for i in inside for o in outside]
    area = auroc(np.array(inside, np.float32), np.array(outside, np.float32))
    assert area == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)


def test_threshold_accepts_the_given_share() -> None:
    scores = np.arange(100, dtype=np.float32)
    assert (scores <= threshold_accepting(scores, 0.96)).mean() == pytest.approx(0.96, abs=0.01)
