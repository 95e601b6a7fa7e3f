"""How often the predicted places are right, judged by eye."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.bundle import open_bundle
from scene_model.classifier.labels import Label, LabelSet
from tests.bundles import SHIPPED
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


def test_the_committed_list_judges_three_places_of_each_of_300_photos() -> None:
    verdicts = read_verdicts()
    assert set(verdicts.values()) == {"right", "acceptable", "wrong"}
    of_photos = Counter(photo for photo, _ in verdicts)
    assert (len(of_photos), set(of_photos.values())) == (300, {3})
    (places,) = (head for head in open_bundle(SHIPPED).description.heads if head.id == "places")
    assert {label for _, label in verdicts} <= {label.source_name for label in places.labels}


def test_a_place_that_is_judged_twice_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "checks.csv"
    file.write_text("photo,label,verdict\none,beach,right\none,beach,wrong\n", encoding="utf-8")
    with pytest.raises(ValueError, match="beach of photo one is there twice"):
        read_verdicts(file)
