"""Places judged by eye, and from which confidence on a place is sure."""

import numpy as np

from scene_model.classifier.labels import Label, LabelSet
from training.places_checks import SURE_SHARE, check_places, read_verdicts

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
    assert checked.sure_from() == 1.0, "four photos are too few"


def test_a_place_is_sure_from_the_confidence_on_from_which_they_fit_often_enough() -> None:
    confidences = np.linspace(0.26, 0.98, 200).astype(np.float32)
    rest = (1 - confidences) / 3
    probabilities = np.stack([confidences, rest, rest, rest], axis=1)
    photos = [f"{number}" for number in range(200)]
    verdicts = {
        (photo, "a"): "right" if confidence >= 0.6 or number % 2 else "wrong"
        for number, (photo, confidence) in enumerate(zip(photos, confidences, strict=True))
    }
    least = check_places(photos, probabilities, LABELS, verdicts).sure_from()
    fits = np.array([verdicts[photo, "a"] == "right" for photo in photos])
    assert fits[confidences >= least].mean() >= SURE_SHARE
    assert fits[confidences >= least - 0.05].mean() < SURE_SHARE


def test_the_committed_list_names_a_photo_and_a_label_once() -> None:
    verdicts = read_verdicts()
    assert set(verdicts.values()) <= {"right", "acceptable", "wrong"}
    assert all(len(photo) == 64 for photo, _ in verdicts)
