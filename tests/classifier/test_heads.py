"""What every head must keep: probabilities, confidence, and doubt that only grows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scene_model.classifier.classify import Classifier
from scene_model.classifier.heads import Head, HeadBatchPrediction, softmax
from scene_model.errors import UnknownHead

HEADS = ("scenes", "camera", "camsdd", "places", "objects")


@pytest.fixture(params=HEADS)
def head(request: pytest.FixtureRequest, classifier: Classifier) -> Head:
    return classifier.head(request.param)


class TestEveryHead:
    def test_probabilities(self, head: Head) -> None:
        embeddings = np.random.default_rng(0).random((7, len(head.weights.kernel)), np.float32) * 3
        answer = head.predict(embeddings)
        assert answer.probabilities.shape == (7, len(head.labels))
        assert np.allclose(answer.probabilities.sum(axis=1), 1, atol=1e-5)
        assert ((answer.outside >= 0) & (answer.outside <= 1)).all()

    def test_one_at_a_time_is_as_all_at_once(self, head: Head) -> None:
        embeddings = np.random.default_rng(1).random((4, len(head.weights.kernel)), np.float32)
        together = head.predict(embeddings).probabilities
        for row in range(4):
            alone = head.predict(embeddings[row : row + 1]).probabilities[0]
            assert np.allclose(alone, together[row], atol=1e-5)

    def test_all_of_the_embedding_counts_that_has_weights(self, head: Head) -> None:
        embeddings = np.random.default_rng(2).random((3, len(head.weights.kernel)), np.float32)
        logits = (embeddings @ head.weights.kernel + head.weights.bias) / head.temperature
        expected = softmax(logits[:, : len(head.labels)])
        assert np.allclose(head.predict(embeddings).probabilities, expected, atol=1e-6)

    def test_labels_have_names(self, head: Head) -> None:
        for label in head.labels.labels:
            assert label.id
            assert label.name[0].isupper() or not label.name[0].isalpha()


def test_label_sets(classifier: Classifier) -> None:
    assert classifier.head("scenes").labels.ids == (
        "buildings",
        "forest",
        "glacier",
        "mountain",
        "sea",
        "street",
    )
    assert [len(classifier.head(name).labels) for name in HEADS] == [6, 36, 30, 365, 1000]


def test_unknown_head_names_those_there_are(classifier: Classifier) -> None:
    with pytest.raises(UnknownHead, match="scenes, camera, camsdd, places, objects"):
        classifier.head("moods")


@given(
    confidence=st.floats(0, 1),
    outside=st.floats(0, 1),
    low=st.floats(0, 1),
    high=st.floats(0, 1),
)
def test_a_higher_threshold_never_makes_a_photo_surer(
    classifier: Classifier, confidence: float, outside: float, low: float, high: float
) -> None:
    import dataclasses

    low, high = sorted((low, high))
    scenes = classifier.head("scenes")
    lenient = dataclasses.replace(scenes, confidence_threshold=low)
    strict = dataclasses.replace(scenes, confidence_threshold=high)
    probabilities = np.zeros((1, 6), np.float32)
    probabilities[0, 2] = confidence
    answer = HeadBatchPrediction(probabilities, np.array([outside], np.float32))
    assert strict.is_unsure(answer)[0] >= lenient.is_unsure(answer)[0]
    best = int(probabilities[0].argmax())
    of_others = tuple(high if label == best else low for label in range(6))
    mixed = dataclasses.replace(lenient, own_thresholds=of_others)
    assert mixed.is_unsure(answer)[0] == strict.is_unsure(answer)[0]
