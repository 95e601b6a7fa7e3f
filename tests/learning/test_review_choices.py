"""What a review offers: the most probable labels of all heads, and which of them is sure."""

from dataclasses import replace

import numpy as np
import pytest

from scene_model.classifier.classify import Classifier, HeadPredictions
from scene_model.learning.review_choices import Choice, review_choices, with_stored_guess
from scene_model.services import Services
from tests.conftest import ASSETS


@pytest.fixture(scope="module")
def predictions(classifier: Classifier) -> HeadPredictions:
    return classifier.predict((ASSETS / "flower.jpg").read_bytes()).head_predictions


def with_probable(
    predictions: HeadPredictions, classifier: Classifier, probable: dict[str, tuple[str, float]]
) -> HeadPredictions:
    """Return predictions in which one label of some heads is probable, and no other is."""
    by_head = {}
    for head_id, prediction in predictions.by_head.items():
        labels = classifier.heads[head_id].labels
        values = np.full(len(labels), 0.001, np.float32)
        label, probability = probable.get(head_id, (labels.ids[0], 0.01))
        values[labels.index(label)] = probability
        by_head[head_id] = replace(
            prediction,
            probabilities=values,
            label=label,
            confidence=probability,
            outside=None if prediction.outside is None else 0.0,
            unsure=probability < 0.5,
        )
    changed = HeadPredictions(predictions.batch, predictions.row)
    vars(changed)["by_head"] = by_head  # as if it had been computed
    return changed


def test_labels_of_all_heads_are_offered(
    classifier: Classifier, predictions: HeadPredictions
) -> None:
    probable = {
        "scenes": ("sea", 0.3),
        "places": ("airfield", 0.6),
        "objects": (classifier.heads["objects"].labels.ids[0], 0.5),
        "camera": ("cat", 0.4),
    }
    choices = review_choices(with_probable(predictions, classifier, probable), classifier.heads)
    tench = classifier.heads["objects"].labels.source_names[0]
    assert [choice.label for choice in choices[:4]] == ["airfield", tench, "cat", "sea"]
    assert [choice.is_sure for choice in choices[:4]] == [True, True, False, False]
    assert [choice.is_likely for choice in choices[:5]] == [True] * 4 + [False]


def test_the_same_label_of_two_heads_is_offered_once(
    classifier: Classifier, predictions: HeadPredictions
) -> None:
    probable = {"camsdd": ("flower", 0.3), "camera": ("flower", 0.7)}
    choices = review_choices(with_probable(predictions, classifier, probable), classifier.heads)
    assert choices[0] == Choice("flower", float(np.float32(0.7)), is_sure=True)
    assert [choice.label for choice in choices].count("flower") == 1


def test_nothing_is_likely(classifier: Classifier, predictions: HeadPredictions) -> None:
    choices = review_choices(with_probable(predictions, classifier, {}), classifier.heads)
    assert not any(choice.is_likely for choice in choices)


def test_the_stored_guess_comes_first_if_it_is_likely(services: Services, flower: bytes) -> None:
    services.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    (photo,) = services.library.records(services.library.find())
    sea, cat = Choice("sea", 0.6, is_sure=True), Choice("cat", 0.3, is_sure=False)
    unsure = replace(photo, photo_class="unsure", guess="cat", guess_score=0.3)
    assert with_stored_guess([sea, cat], unsure) == [cat, sea]
    assert with_stored_guess([sea], unsure) == [cat, sea]
    assert with_stored_guess([sea, cat], replace(unsure, guess="dog", guess_score=0.1)) == [
        sea,
        cat,
    ]
    assert with_stored_guess([sea, cat], photo) == [sea, cat], "its class is not unsure"
