"""Calibration recovers known temperatures and floors."""

import numpy as np
import pytest

from scene_model.classifier.fitting.calibration import best_temperature
from scene_model.classifier.labels import Label, LabelSet
from training.calibrate import second_tag_floor

LABELS = LabelSet(tuple(Label(x, x, x) for x in ("sea", "forest", "street")))


def test_temperature_of_overconfident_logits_is_recovered() -> None:
    rng = np.random.default_rng(0)
    calibrated = rng.normal(0, 1.5, (4000, 6)).astype(np.float32)
    shares = np.exp(calibrated) / np.exp(calibrated).sum(axis=1, keepdims=True)
    drawn = np.array([rng.choice(6, p=p / p.sum()) for p in shares.astype(np.float64)])
    targets = np.eye(6, dtype=np.float32)[drawn]
    assert best_temperature(calibrated * 2.5, targets) == pytest.approx(2.5, rel=0.1)


def test_floor_is_the_lowest_that_keeps_enough_tags_right() -> None:
    # Ten photos of sea; the second tag, always wrong, has 0.11 to 0.20.
    second = np.arange(11, 21) / 100
    probabilities = np.stack([0.8 - second, second, np.full(10, 0.2)], axis=1).astype(np.float32)
    probabilities[:, 2] = 0.01
    allowed = np.zeros((10, 3), np.bool_)
    allowed[:, 0] = True
    assert second_tag_floor(probabilities, allowed, LABELS, 0.5) == 0.05
    # Ten of eleven tags are right: one wrong tag is allowed.
    assert second_tag_floor(probabilities, allowed, LABELS, 0.9) == pytest.approx(0.2, abs=0.011)
    assert second_tag_floor(probabilities, ~allowed, LABELS, 0.9) == 0.45
