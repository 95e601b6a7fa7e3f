"""A kept photo is answered by the network that the heads belong to, and by no other."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.errors import OriginalChanged, OriginalMissing, PhotoNotFound
from scene_model.learning.retag import retag
from scene_model.library import edits
from scene_model.library.embeddings import file_name, packed
from scene_model.library.predictions import objects_of_stored, predict_stored
from scene_model.photos.decode import PhotoLimits
from scene_model.services import Services
from tests.bundles import other_network, own_head

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def own(tmp_path: Path) -> Classifier:
    return Classifier.open(own_head(tmp_path / "own"), PhotoLimits(), interpreters=1)


@pytest.fixture
def other(tmp_path: Path) -> Classifier:
    return Classifier.open(other_network(tmp_path / "other"), PhotoLimits(), interpreters=1)


@pytest.fixture
def photo_id(services: Services, add_photos: Add, flower: bytes) -> str:
    (added,) = add_photos([("dahlia.jpg", flower)])
    return added


def sql(services: Services, statement: str) -> None:
    connection = sqlite3.connect(services.library.folder / "library.db")
    with connection:
        connection.execute(statement)
    connection.close()


def keep_noughts(services: Services, photo_id: str) -> None:
    """Put noughts in the place of what the network saw."""
    kept = services.library.embedding(photo_id)
    name = file_name(kept.provenance.backbone, len(kept.values))
    services.library.embeddings.write(name, 0, packed(photo_id, np.zeros(len(kept.values))))
    assert not services.library.embedding(photo_id).values.any()


def test_the_same_network_is_not_asked_twice(
    services: Services, own: Classifier, photo_id: str
) -> None:
    services.library.original_path(photo_id).unlink()
    found = predict_stored(services.library, own, photo_id)
    assert found.head_predictions.photo_class.label == "zermatt"
    assert found.new_embedding is None


def test_another_network_looks_again(
    services: Services, other: Classifier, photo_id: str, flower: bytes
) -> None:
    # Were its heads asked about what the first network saw, they would answer to noughts.
    keep_noughts(services, photo_id)
    found = predict_stored(services.library, other, photo_id)
    seen = other.predict(flower)
    assert (
        found.head_predictions.class_prediction.confidence
        == seen.head_predictions.class_prediction.confidence
    )
    assert found.new_embedding is not None
    services.library.original_path(photo_id).unlink()
    with pytest.raises(OriginalMissing):
        predict_stored(services.library, other, photo_id)


def test_an_unknown_network_counts_as_another(
    services: Services, own: Classifier, photo_id: str
) -> None:
    sql(services, "UPDATE photos SET backbone = NULL")
    # The bundle itself is known by its name: it had but one network.
    assert predict_stored(services.library, services.classifier, photo_id).new_embedding is None
    assert predict_stored(services.library, own, photo_id).new_embedding is not None


def test_tagging_again_replaces_answers_and_no_decision(
    services: Services, other: Classifier, photo_id: str
) -> None:
    library = services.library
    edits.add_tag(library, [photo_id], "Grandma")
    edits.remove_tag(library, [photo_id], "my_forest")
    retag(library, other, photo_id)
    photo = library.photo(photo_id)
    assert (photo.bundle, photo.class_head, photo.tag_head) == (other.bundle_id, "my_scenes", None)
    assert photo.class_head_label.startswith("my_")
    assert photo.shown_tags == ("Grandma",)
    assert {tag.head for tag in photo.tags} == {"human"}, "no tag of the earlier model is left"
    assert library.embedding(photo_id).provenance == other.provenance
    assert library.tagged_by_others(other.bundle_id) == []
    edits.set_class(library, [photo_id], "garden")
    retag(library, services.classifier, photo_id)
    again = library.photo(photo_id)
    assert (again.photo_class, again.class_source) == ("garden", "human")
    assert set(again.shown_tags) == {"Grandma", "flower"}
    assert library.embedding(photo_id).provenance == services.classifier.provenance


def test_the_face_shows_the_heads_of_the_model_that_answered(
    services: Services, own: Classifier, photo_id: str
) -> None:
    library = services.library
    retag(library, own, photo_id)
    photo = library.photo(photo_id)
    assert set(photo.shown_tags) == {"zermatt", "flower"}
    assert (photo.photo_class, photo.has_class_score) == ("zermatt", True)
    assert photo.class_score == photo.confidence > 0.99
    retag(library, services.classifier, photo_id)
    back = library.photo(photo_id)
    assert back.shown_tags == ("flower",)
    (flower,) = [tag for tag in back.tags if (tag.head, tag.label) == ("camera", "flower")]
    assert back.class_score == flower.score, "a camera scene's class is as sure as its tag"
    edits.set_class(library, [photo_id], "garden")
    retag(library, own, photo_id)
    assert (library.photo(photo_id).class_score, services.gallery().count("score>=1")) == (1.0, 1)
    edits.set_class(library, [photo_id], None)
    assert library.photo(photo_id).class_score == library.photo(photo_id).confidence


def test_a_trashed_photo_stays_in_the_trash(
    services: Services, own: Classifier, photo_id: str
) -> None:
    edits.move_to_trash(services.library, [photo_id])
    assert services.library.tagged_by_others(own.bundle_id) == []
    retag(services.library, own, photo_id)
    assert services.library.photo(photo_id).trashed_at is not None


def test_what_cannot_be_looked_at_keeps_what_it_had(
    services: Services, other: Classifier, photo_id: str
) -> None:
    before = services.library.photo(photo_id)
    services.library.original_path(photo_id).write_bytes(b"changed")
    with pytest.raises(OriginalChanged):
        retag(services.library, other, photo_id)
    assert services.library.photo(photo_id) == before
    with pytest.raises(PhotoNotFound):
        retag(services.library, other, "0" * 64)


def test_half_written_answers_are_none(services: Services, own: Classifier, photo_id: str) -> None:
    before = services.library.photo(photo_id)
    sql(
        services,
        "CREATE TRIGGER cut_off BEFORE INSERT ON automatic_tags WHEN NEW.head = 'my_folders' "
        "BEGIN SELECT RAISE(ABORT, 'as if killed'); END",
    )
    with pytest.raises(Exception, match="as if killed"):
        retag(services.library, own, photo_id)
    assert services.library.photo(photo_id) == before


def test_the_table_goes_on_where_a_photo_cannot_be_looked_at(
    services: Services, add_photos: Add, photo_id: str, temple: bytes
) -> None:
    (other_id,) = add_photos([("temple.jpg", temple)])
    sql(services, f"UPDATE photos SET backbone = 'another' WHERE id = '{photo_id}'")  # noqa: S608
    services.library.original_path(photo_id).unlink()
    lines = list(services.exports.csv_lines([photo_id, other_id]))
    assert len(lines) == 3
    assert "dahlia.jpg" in lines[1]
    assert ",,,,,,,,,," in lines[1]
    assert ",,,,,,,,,," not in lines[2]


def test_objects_of_many_are_those_of_each(
    services: Services, other: Classifier, add_photos: Add, photo_id: str, temple: bytes
) -> None:
    library, classifier = services.library, services.classifier
    (other_id,) = add_photos([("temple.jpg", temple)])
    asked = [other_id, photo_id, "0" * 64]
    kept = objects_of_stored(library, classifier, asked)
    assert set(kept) == {photo_id, other_id}
    for known, objects in kept.items():
        alone = predict_stored(library, classifier, known).head_predictions.objects
        assert [tag.label for tag in objects] == [tag.label for tag in alone]
        assert [tag.score for tag in objects] == pytest.approx([t.score for t in alone], abs=1e-6)
    assert objects_of_stored(library, other, asked) == {}, "another network saw them"
    keep_noughts(services, photo_id)
    sql(services, f"UPDATE photos SET embedding_slot = 7 WHERE id = '{other_id}'")  # noqa: S608
    assert set(objects_of_stored(library, classifier, asked)) == {photo_id}


def test_looking_is_what_costs(
    services: Services, other: Classifier, photo_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, inference_queue = Classifier.predict, []

    def counted(self: Classifier, data: bytes) -> Prediction:
        inference_queue.append(self.bundle_id)
        return look(self, data)

    monkeypatch.setattr(Classifier, "predict", counted)
    services.predict_stored(photo_id)
    assert inference_queue == []
    retag(services.library, other, photo_id)
    predict_stored(services.library, other, photo_id)
    assert inference_queue == [other.bundle_id], "what it saw is kept"


def test_what_another_network_saw_replaces_what_was_kept(
    services: Services, other: Classifier, photo_id: str
) -> None:
    kept = services.library.embedding(photo_id).values
    keep_noughts(services, photo_id)
    retag(services.library, other, photo_id)
    # The two networks of this test differ in nothing but their name.
    assert np.array_equal(services.library.embedding(photo_id).values, kept)
