"""Predictions for stored photos use only embeddings made by the model's own network."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.errors import OriginalChanged, OriginalMissing, PhotoNotFound
from scene_model.learning.retag import retag
from scene_model.library import edits
from scene_model.library.embeddings.backbone_embeddings import Network, write_embeddings
from scene_model.library.embeddings.embedding_files import file_name, packed
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


def overwrite_embedding(services: Services, photo_id: str) -> None:
    """Replace the photo's embedding by zeros."""
    stored = services.library.embedding(photo_id)
    name = file_name(stored.provenance.backbone, len(stored.values))
    services.library.embeddings.write(name, 0, packed(photo_id, np.zeros(len(stored.values))))
    assert not services.library.embedding(photo_id).values.any()


@pytest.mark.slow
def test_the_same_network_uses_the_stored_embedding(
    services: Services, own: Classifier, photo_id: str
) -> None:
    services.library.original_path(photo_id).unlink()
    stored = predict_stored(services.library, own, photo_id)
    assert stored.head_predictions.photo_class.label == "zermatt"
    assert stored.new_embedding is None


def test_another_network_predicts_from_the_original(
    services: Services, other: Classifier, photo_id: str, flower: bytes
) -> None:
    # If it used the first network's embedding, it would predict from zeros.
    overwrite_embedding(services, photo_id)
    stored = predict_stored(services.library, other, photo_id)
    expected = other.predict(flower)
    assert (
        stored.head_predictions.class_prediction.confidence
        == expected.head_predictions.class_prediction.confidence
    )
    assert stored.new_embedding is not None
    services.library.original_path(photo_id).unlink()
    with pytest.raises(OriginalMissing):
        predict_stored(services.library, other, photo_id)


@pytest.mark.slow
def test_another_network_uses_what_it_made_for_searches(
    services: Services, photo_id: str, other: Classifier
) -> None:
    library = services.library
    values = library.embedding(photo_id).values
    network = Network(other.bundle.backbone_id, len(values))
    write_embeddings(library, network, {photo_id: values})
    library.original_path(photo_id).unlink()
    retag(library, other, photo_id)
    assert library.embedding(photo_id).provenance == other.provenance
    assert np.array_equal(library.embedding(photo_id).values, values)
    with library.database.reader.begin() as connection:
        beside = connection.exec_driver_sql("SELECT count(*) FROM backbone_embeddings").scalar()
    assert beside == 0


def test_an_unrecorded_network_counts_as_another(
    services: Services, own: Classifier, photo_id: str
) -> None:
    sql(services, "UPDATE photos SET backbone = NULL")
    # The bundle id identifies the network as well.
    assert predict_stored(services.library, services.classifier, photo_id).new_embedding is None
    assert predict_stored(services.library, own, photo_id).new_embedding is not None


def test_retagging_replaces_predictions_but_no_decision(
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
    assert library.tagged_by_other_bundles(other.bundle_id) == []
    edits.set_class(library, [photo_id], "garden")
    retag(library, services.classifier, photo_id)
    again = library.photo(photo_id)
    assert (again.photo_class, again.class_source) == ("garden", "human")
    assert set(again.shown_tags) == {"Grandma", "flower"}
    assert library.embedding(photo_id).provenance == services.classifier.provenance


@pytest.mark.slow
def test_shown_tags_are_those_of_the_current_models_heads(
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
    assert services.library.tagged_by_other_bundles(own.bundle_id) == []
    retag(services.library, own, photo_id)
    assert services.library.photo(photo_id).trashed_at is not None


def test_a_photo_that_cannot_be_read_keeps_its_predictions(
    services: Services, other: Classifier, photo_id: str
) -> None:
    before = services.library.photo(photo_id)
    services.library.original_path(photo_id).write_bytes(b"changed")
    with pytest.raises(OriginalChanged):
        retag(services.library, other, photo_id)
    assert services.library.photo(photo_id) == before
    with pytest.raises(PhotoNotFound):
        retag(services.library, other, "0" * 64)


@pytest.mark.slow
def test_predictions_are_replaced_completely_or_not_at_all(
    services: Services, own: Classifier, photo_id: str
) -> None:
    before = services.library.photo(photo_id)
    sql(
        services,
        "CREATE TRIGGER cut_off BEFORE INSERT ON automatic_tags WHEN NEW.head = 'my_folders' "
        "BEGIN SELECT RAISE(ABORT, 'as if killed'); END",
    )
    with pytest.raises(Exception, match="as if killed"):
        retag(services.library, own, photo_id)
    assert services.library.photo(photo_id) == before


@pytest.mark.slow
def test_the_table_has_empty_cells_for_a_photo_that_cannot_be_read(
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


def test_objects_of_a_batch_equal_those_of_single_photos(
    services: Services, other: Classifier, add_photos: Add, photo_id: str, temple: bytes
) -> None:
    library, classifier = services.library, services.classifier
    (other_id,) = add_photos([("temple.jpg", temple)])
    photo_ids = [other_id, photo_id, "0" * 64]
    objects_by_id = objects_of_stored(library, classifier, photo_ids)
    assert set(objects_by_id) == {photo_id, other_id}
    for stored_id, objects in objects_by_id.items():
        single = predict_stored(library, classifier, stored_id).head_predictions.objects
        assert [tag.label for tag in objects] == [tag.label for tag in single]
        assert [tag.score for tag in objects] == pytest.approx([t.score for t in single], abs=1e-6)
    assert objects_of_stored(library, other, photo_ids) == {}, "another network's embeddings"
    overwrite_embedding(services, photo_id)
    sql(services, f"UPDATE photos SET embedding_slot = 7 WHERE id = '{other_id}'")  # noqa: S608
    assert set(objects_of_stored(library, classifier, photo_ids)) == {photo_id}


def test_the_network_runs_only_when_there_is_no_embedding(
    services: Services, other: Classifier, photo_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, predicting_bundles = Classifier.predict, list[str]()

    def counted(self: Classifier, data: bytes) -> Prediction:
        predicting_bundles.append(self.bundle_id)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", counted)
    predict_stored(services.library, services.classifier, photo_id)
    assert predicting_bundles == []
    retag(services.library, other, photo_id)
    predict_stored(services.library, other, photo_id)
    assert predicting_bundles == [other.bundle_id], "its embedding was stored"


def test_another_networks_embedding_replaces_the_stored_one(
    services: Services, other: Classifier, photo_id: str
) -> None:
    before = services.library.embedding(photo_id).values
    overwrite_embedding(services, photo_id)
    retag(services.library, other, photo_id)
    # The two networks of this test differ only in their id.
    assert np.array_equal(services.library.embedding(photo_id).values, before)
