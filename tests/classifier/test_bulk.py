"""Many photos at once are called what each alone is called."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_model.classifier.bulk import FiledPhoto, predict_many
from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.classify import Classifier
from scene_model.photos.decode import PhotoLimits
from tests.bundles import other_network, own_head


def one_by_one(classifier: Classifier, embeddings: FloatArray) -> list[FiledPhoto]:
    answers = [classifier.predict_embedding(embedding) for embedding in embeddings]
    return [
        FiledPhoto(
            answer.photo_class.label,
            frozenset(tag.label for tags in answer.kept_tags.values() for tag in tags),
        )
        for answer in answers
    ]


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.05, 8.0))
@settings(max_examples=25, deadline=None)
def test_as_each_alone(classifier: Classifier, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    size = classifier.bundle.backbone.embedding_size
    embeddings = np.maximum(rng.normal(0, scale, (40, size)), 0).astype(np.float32)
    assert predict_many(classifier, embeddings) == one_by_one(classifier, embeddings)


@pytest.mark.parametrize("make", [own_head, other_network])
def test_of_other_bundles(tmp_path: Path, make: object, temple: bytes, flower: bytes) -> None:
    assert callable(make)
    made = Classifier.open(make(tmp_path), PhotoLimits(), interpreters=1)
    embeddings = np.stack([made.predict(temple).embedding, made.predict(flower).embedding])
    called = predict_many(made, embeddings)
    assert called == one_by_one(made, embeddings)
    assert len({photo.photo_class for photo in called} | {"zermatt"}) >= 1


def test_of_real_photos(classifier: Classifier, temple: bytes, flower: bytes) -> None:
    embeddings = np.stack([classifier.predict(data).embedding for data in (temple, flower)])
    temple_called, flower_called = predict_many(classifier, embeddings)
    assert [temple_called, flower_called] == one_by_one(classifier, embeddings)
    assert "flower" in flower_called.labels


def test_of_none(classifier: Classifier) -> None:
    size = classifier.bundle.backbone.embedding_size
    assert predict_many(classifier, np.empty((0, size), np.float32)) == []
