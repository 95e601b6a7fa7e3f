"""How often the predicted places are right, judged by eye.

``places_checks.csv`` lists held-back photos by content hash, with their three most
probable places of Places365 and a verdict: ``right``, ``acceptable`` (the photo could show such a
place) or ``wrong``.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.fitting.measures import percent
from scene_model.classifier.labels import LabelSet
from training.recipe import TRAINING_DIR

CHECKS_FILE = TRAINING_DIR / "places_checks.csv"
_TOP = 3

Verdicts = Mapping[tuple[str, str], str]
"""(content hash of the photo, label's source name) → verdict."""


@dataclass(frozen=True)
class CheckedPlaces:
    """The places of N judged photos. A label without a verdict counts as wrong.

    is_right: whether the first label is right, shape (N,). first_fits, one_fits: whether the first
    label, or one of the first three, is right or acceptable, shape (N,). unjudged: number of labels
    without a verdict.
    """

    is_right: npt.NDArray[np.bool_]
    first_fits: npt.NDArray[np.bool_]
    one_fits: npt.NDArray[np.bool_]
    unjudged: int

    def figures(self) -> dict[str, Any]:
        """Return the figures of the model card, in percent of the photos."""
        return {
            "photos": len(self.is_right),
            "first_right": percent(float(self.is_right.mean())),
            "first_fits": percent(float(self.first_fits.mean())),
            "one_of_three_fits": percent(float(self.one_fits.mean())),
            "unjudged": self.unjudged,
        }


def read_verdicts(file: Path = CHECKS_FILE) -> dict[tuple[str, str], str]:
    """Read the list of judged places; raises ValueError if it judges a place of a photo twice."""
    verdicts: dict[tuple[str, str], str] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if (row["photo"], row["label"]) in verdicts:
                raise ValueError(f"{file}: {row['label']} of photo {row['photo']} is there twice.")
            verdicts[row["photo"], row["label"]] = row["verdict"]
    return verdicts


def check_places(
    photos: list[str], probabilities: FloatArray, labels: LabelSet, verdicts: Verdicts
) -> CheckedPlaces:
    """Judge the predicted places of photos. probabilities: shape (photos, labels)."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :_TOP]
    given = [
        [verdicts.get((photo, labels[int(index)].source_name)) for index in row]
        for photo, row in zip(photos, ranked, strict=True)
    ]
    fits = np.array([[verdict in ("right", "acceptable") for verdict in row] for row in given])
    return CheckedPlaces(
        np.array([row[0] == "right" for row in given]),
        fits[:, 0],
        np.logical_or.reduce(fits, axis=1),
        sum(verdict is None for row in given for verdict in row),
    )
