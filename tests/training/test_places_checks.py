"""Places judged by eye: how often they fit."""

import numpy as np

from scene_model.classifier.labels import Label, LabelSet
from training.places_checks import check_places, read_verdicts

LABELS = LabelSet(tuple(Label(id=name, name=name, source_name=name) for name in "abcd"))


def test_the_first_place_and_one_of_three() -> None:
    verdicts = {
        ("one", "a"): "right",
        ("one", "b"): "wrong",
        ("one", "c"): "wrong",
        ("two", "b"): "wrong",
        ("two", "c"): "acceptable",
        ("three", "d"): "acceptable",
        ("four", "d"): "right",
    }
    probabilities = np.array(
        [
            [0.7, 0.2, 0.1, 0.0],
            [0.0, 0.5, 0.3, 0.2],
            [0.0, 0.1, 0.3, 0.6],
            [0.4, 0.3, 0.2, 0.1],
        ],
        np.float32,
    )
    checked = check_places(["one", "two", "three", "four"], probabilities, LABELS, verdicts)
    assert checked.figures() == {
        "photos": 4,
        "first_right": 25.0,
        "first_fits": 50.0,
        "one_of_three_fits": 75.0,
        "unjudged": 6,
    }


def test_the_committed_list_names_a_photo_and_a_label_once() -> None:
    verdicts = read_verdicts()
    assert set(verdicts.values()) <= {"right", "acceptable", "wrong"}
    assert all(len(photo) == 64 for photo, _ in verdicts)
