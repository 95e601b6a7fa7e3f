"""How a head's numbers are to be read: its temperature and thresholds."""

from dataclasses import dataclass

import numpy as np

from scene_model.classifier.bundle import FloatArray

DEFAULT_TAG_FLOOR = 0.15
# With fewer photos the temperature would be too uncertain; the defaults are used.
MIN_CALIBRATION_PHOTOS = 30
# A prediction with a calibrated confidence below this is more likely wrong than right.
CONFIDENCE_THRESHOLD = 0.5


@dataclass(frozen=True)
class HeadCalibration:
    """A head's temperature and thresholds, as stored in bundle.json."""

    temperature: float = 1.0
    outside_threshold: float | None = None
    second_tag_floor: float = DEFAULT_TAG_FLOOR


def best_temperature(logits: FloatArray, targets: FloatArray) -> float:
    """Temperature in [0.25, 4] of least cross-entropy, by golden-section search (Guo 2017)."""

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        log_probabilities = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(targets * log_probabilities).sum(axis=1).mean())

    low, high, ratio = np.log(0.25), np.log(4.0), (np.sqrt(5) - 1) / 2
    while high - low > 1e-3:
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return float(np.exp((low + high) / 2))
