"""A batch of photos gets the same predictions as each photo alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import ClassifiedPhoto, Classifier, HeadPredictions
from scene_model.classifier.labels import OBJECTS
from scene_model.photos.decode import PhotoLimits
from tests.bundles import other_network, own_head

# A sum of float32 products is rounded differently in a batch and alone.
ROUNDING = 5e-5


def predict_each(classifier: Classifier, embeddings: FloatArray) -> list[HeadPredictions]:
    return [classifier.predict_embedding(embedding) for embedding in embeddings]


def classified(predictions: list[HeadPredictions]) -> list[ClassifiedPhoto]:
    return [
        ClassifiedPhoto(
            photo.photo_class.label,
            frozenset(tag.label for tags in photo.stored_tags.values() for tag in tags),
        )
        for photo in predictions
    ]


def check_same(batch: list[HeadPredictions], single: list[HeadPredictions]) -> None:
    """Same labels and flags; scores up to the rounding of the matrix product."""
    for first, second in zip(batch, single, strict=True):
        for in_batch, by_itself in (
            (first.photo_class, second.photo_class),
            (first.fallback_class, second.fallback_class),
        ):
            assert (in_batch.label, in_batch.source) == (by_itself.label, by_itself.source)
            assert in_batch.score == pytest.approx(by_itself.score, abs=ROUNDING)
        assert first.guess.label == second.guess.label
        assert (first.group is None) == (second.group is None)
        if first.group is not None and second.group is not None:
            assert (first.group.label, first.group.unsure) == (
                second.group.label,
                second.group.unsure,
            )
        for head_id, prediction in first.by_head.items():
            alone = second.by_head[head_id]
            assert (prediction.label, prediction.unsure) == (alone.label, alone.unsure)
            assert np.allclose(prediction.probabilities, alone.probabilities, atol=ROUNDING)
            for tags, tags_alone in (
                (prediction.tags, alone.tags),
                (first.stored_tags[head_id], second.stored_tags[head_id]),
            ):
                assert [tag.label for tag in tags] == [tag.label for tag in tags_alone]
                assert [tag.score for tag in tags] == pytest.approx(
                    [tag.score for tag in tags_alone], abs=ROUNDING
                )
        check_same_objects(first, second)


def check_same_objects(first: HeadPredictions, second: HeadPredictions) -> None:
    """The same scores in order; either of two labels with equal scores may come first."""
    scores = [tag.score for tag in first.objects]
    assert scores == pytest.approx([tag.score for tag in second.objects], abs=ROUNDING)
    if not scores:
        assert OBJECTS not in first.by_head
        return
    names = second.batch.by_head[OBJECTS].tag_names
    alone: dict[str, list[float]] = {}  # "crane" is a bird and a machine
    for name, score in zip(names, second.by_head[OBJECTS].probabilities.tolist(), strict=True):
        alone.setdefault(name, []).append(score)
    for tag in first.objects:
        assert any(tag.score == pytest.approx(score, abs=ROUNDING) for score in alone[tag.label])


@pytest.mark.slow
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.05, 8.0))
@settings(max_examples=25, deadline=None, derandomize=True)  # no score at a threshold by chance
def test_random_embeddings(classifier: Classifier, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    size = classifier.bundle.backbone.embedding_size
    embeddings = np.maximum(rng.normal(0, scale, (40, size)), 0).astype(np.float32)
    batch, single = classifier.predict_embeddings(embeddings), predict_each(classifier, embeddings)
    assert batch.classified_photos() == classified(single)
    check_same(batch.photos(), single)


@pytest.mark.parametrize("make_bundle", [own_head, other_network])
def test_other_bundles(
    tmp_path: Path, make_bundle: Callable[[Path], Path], temple: bytes, flower: bytes
) -> None:
    classifier = Classifier.open(make_bundle(tmp_path), PhotoLimits(), interpreters=1)
    embeddings = np.stack([classifier.predict(data).embedding for data in (temple, flower)])
    batch, single = classifier.predict_embeddings(embeddings), predict_each(classifier, embeddings)
    assert batch.classified_photos() == classified(single)
    check_same(batch.photos(), single)


def test_real_photos(classifier: Classifier, temple: bytes, flower: bytes) -> None:
    embeddings = np.stack([classifier.predict(data).embedding for data in (temple, flower)])
    batch, single = classifier.predict_embeddings(embeddings), predict_each(classifier, embeddings)
    assert batch.classified_photos() == classified(single)
    check_same(batch.photos(), single)
    assert "flower" in batch.classified_photos()[1].labels


def test_empty_batch(classifier: Classifier) -> None:
    size = classifier.bundle.backbone.embedding_size
    batch = classifier.predict_embeddings(np.empty((0, size), np.float32))
    assert batch.classified_photos() == []
    assert batch.photos() == []
