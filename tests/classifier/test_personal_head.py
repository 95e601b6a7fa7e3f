"""A head learns what a person corrected, and stays as it was where nobody did."""

import numpy as np
import pytest

from scene_model.classifier.bundle import FloatArray, HeadWeights
from scene_model.classifier.heads import Head
from scene_model.classifier.labels import Label, LabelSet
from scene_model.classifier.personal_head import (
    Correction,
    cross_validate,
    predicted_outputs,
    retrain,
)

SIZE = 16


def head(outside: float | None = None) -> Head:
    """Three labels, each by one number of the embedding; a fourth output for none of them."""
    outputs = 3 if outside is None else 4
    kernel = np.zeros((SIZE, outputs), np.float32)
    kernel[range(outputs), range(outputs)] = 4.0
    labels = LabelSet(tuple(Label(i, i, i) for i in ("lake", "sea", "street")))
    weights = HeadWeights(kernel, np.zeros(outputs, np.float32))
    return Head("made", "Made", labels, weights, 1.5, 0.5, outside, 0.15)


def embeddings_near(place: int, count: int, seed: int, mark: int | None = None) -> FloatArray:
    """Photos that the made head calls by one label; mark: what else they share."""
    made = np.random.default_rng(seed).normal(0.0, 0.1, (count, SIZE)).astype(np.float32)
    made[:, place] += 1.0
    if mark is not None:
        made[:, mark] += 1.0
    return made


def test_what_is_corrected_is_learned_and_the_rest_stays() -> None:
    # Lakes with one more thing in common are seas to this person.
    corrected = np.concatenate([embeddings_near(0, 25, 1, mark=9), embeddings_near(2, 5, 2)])
    decisions = [Correction((1,))] * 25 + [Correction((2,))] * 5
    anchors = np.concatenate(
        [embeddings_near(0, 60, 3), embeddings_near(1, 60, 4), embeddings_near(2, 60, 5)]
    )
    figures = cross_validate(head(), corrected, decisions, anchors)
    assert (figures.corrections, figures.before) == (30, 5)
    assert figures.after >= 28
    trained = retrain(head(), corrected, decisions, anchors)
    assert (predicted_outputs(trained, embeddings_near(0, 40, 6, mark=9)) == 1).mean() > 0.9
    for place in range(3):
        assert (predicted_outputs(trained, embeddings_near(place, 40, 7)) == place).mean() > 0.95
    again = retrain(head(), corrected, decisions, anchors)
    assert np.array_equal(again.weights.kernel, trained.weights.kernel)


def test_what_cannot_be_learned_shows_no_gain() -> None:
    random = np.random.default_rng(0)
    decisions = [Correction((int(random.integers(3)),)) for _ in range(40)]
    figures = cross_validate(
        head(), embeddings_near(0, 40, 1), decisions, embeddings_near(0, 60, 2)
    )
    assert figures.after < 28, "each held-back photo is asked of a head that never saw it"


def test_what_is_refused_is_not_said_again() -> None:
    corrected = embeddings_near(0, 20, 1, mark=9)
    trained = retrain(head(), corrected, [Correction(refused=(0,))] * 20, embeddings_near(1, 40, 2))
    assert (predicted_outputs(trained, embeddings_near(0, 40, 3, mark=9)) != 0).mean() > 0.9


def test_none_of_the_labels_is_an_answer() -> None:
    with_outside = head(outside=0.5)
    corrected = embeddings_near(0, 20, 1, mark=9)
    anchors = np.concatenate([embeddings_near(0, 40, 2), embeddings_near(1, 40, 3)])
    trained = retrain(with_outside, corrected, [Correction((3,))] * 20, anchors)
    assert (predicted_outputs(trained, embeddings_near(0, 40, 4, mark=9)) == 3).mean() > 0.9
    assert (predicted_outputs(trained, embeddings_near(0, 40, 5)) == 0).mean() > 0.9


def test_no_photo_holds_it_where_all_are_decided() -> None:
    none = np.empty((0, SIZE), np.float32)
    trained = retrain(head(), embeddings_near(0, 20, 1), [Correction((1,))] * 20, none)
    assert (predicted_outputs(trained, embeddings_near(0, 20, 2)) == 1).all()


@pytest.mark.parametrize(
    ("correction", "decisions", "agrees"),
    [
        (Correction((1,), (0,)), 1, True),
        (Correction((1, 2)), 2, True),
        (Correction((1,)), 0, False),
        (Correction(refused=(0,)), 1, True),
        (Correction(refused=(0,)), 0, False),
    ],
)
def test_agreeing(correction: Correction, decisions: int, agrees: bool) -> None:
    assert correction.agrees(decisions) is agrees
