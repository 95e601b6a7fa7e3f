"""Choosing a model: stored with the library, the same for all sessions, refused during jobs."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.classifier.albums.matching import albums_of
from scene_model.classifier.classify import Classifier, Prediction
from scene_model.config import Settings
from scene_model.errors import BundleDamaged, BundleNotFound, InvalidSetting, JobRunning
from scene_model.library.records import PhotoRecord, photo_facts
from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.library.store import Library
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import Services, open_services
from tests.bundles import other_network, own_head
from tests.library.rows import Row, put

Files = list[tuple[str, bytes]]


@pytest.fixture
def settings(models_dir: Path, tmp_path: Path) -> Settings:
    own_head(models_dir, "mine")
    return Settings(library=tmp_path / "library", workers=2)


@pytest.fixture
def app(settings: Settings) -> Iterator[Services]:
    opened = open_services(settings)
    yield opened
    opened.close()


def test_new_photos_use_the_model_chosen(app: Services, temple: bytes, flower: bytes) -> None:
    app.jobs.submit([("temple.jpg", temple)]).wait(60)
    session = app.gallery()  # open since before the change
    app.model_choice.use_bundle("mine")
    app.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    by_name = {photo.name: photo for photo in app.library.records(app.library.find())}
    assert by_name["dahlia.jpg"].photo_class == "zermatt"
    assert by_name["temple.jpg"].class_head == "scenes"
    assert session.vocabulary.ids_for("Zermatt") == {"zermatt"}
    assert session.count("Zermatt") == 1


def test_the_choice_survives_a_restart(settings: Settings) -> None:
    first = open_services(settings)
    first.model_choice.use_bundle("mine")
    chosen = first.classifier.bundle_id
    first.close()
    second = open_services(settings)
    assert (second.classifier.bundle_id, second.problem) == (chosen, None)
    second.model_choice.use_bundle("scene_mobilenet_v2")
    second.close()
    third = open_services(settings)
    assert third.classifier.bundle.class_head == "scenes"
    third.close()


def test_a_bundle_named_by_the_settings_wins(settings: Settings, models_dir: Path) -> None:
    first = open_services(settings)
    first.model_choice.use_bundle("mine")
    first.close()
    named = settings.model_copy(update={"bundle": other_network(models_dir, "named")})
    assert named.names_a_bundle
    assert not settings.names_a_bundle
    second = open_services(named)
    assert second.classifier.bundle.class_head == "my_scenes"
    second.close()


@pytest.mark.slow
def test_a_damaged_choice_is_reported_and_the_default_is_used(
    settings: Settings, models_dir: Path
) -> None:
    first = open_services(settings)
    first.model_choice.use_bundle("mine")
    first.close()
    (models_dir / "mine" / "heads.npz").write_bytes(b"half")
    second = open_services(settings)
    assert second.classifier.bundle.class_head == "scenes"
    assert type(second.problem) is BundleDamaged
    second.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nowhere", "..", "", "../models/mine", "mine/"])
def test_a_model_that_cannot_be_used_changes_nothing(app: Services, name: str) -> None:
    before = app.classifier
    with pytest.raises(BundleNotFound):
        app.model_choice.use_bundle(name)
    assert app.classifier is before
    assert app.library.choice("bundle") is None


@pytest.mark.slow
def test_refused_while_photos_are_tagged(
    app: Services, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, go_on = Classifier.predict, threading.Event()

    def slow(self: Classifier, data: bytes) -> Prediction:
        go_on.wait(30)
        return predict(self, data)

    monkeypatch.setattr(Classifier, "predict", slow)
    job = app.jobs.submit([("temple.jpg", temple)])
    with pytest.raises(JobRunning, match="Photos are being tagged"):
        app.model_choice.use_bundle("mine")
    assert (app.classifier.bundle.class_head, app.library.choice("bundle")) == ("scenes", None)
    go_on.set()
    assert job.wait(60)
    app.model_choice.use_bundle("mine")
    assert app.classifier.bundle.class_head == "my_folders"


@pytest.mark.slow
def test_the_models_that_can_be_chosen(app: Services, models_dir: Path) -> None:
    choice = app.model_choice
    assert [bundle.name for bundle in choice.bundles()] == ["mine", "scene_mobilenet_v2"]
    other_network(models_dir, "new_one")  # published while the program runs
    assert "new_one" in [bundle.name for bundle in choice.bundles()]


@pytest.mark.slow
def test_a_model_without_objects_makes_a_table_without(
    app: Services, models_dir: Path, flower: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    app.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    ids = app.library.find()
    assert ",,,,,,,,,," not in "".join(app.exports.csv_lines(ids))
    other_network(models_dir, "whole")
    app.model_choice.use_bundle("whole")
    app.library.original_path(ids[0]).unlink()  # no original is needed either
    with caplog.at_level(logging.WARNING):
        assert ",,,,,,,,,," in "".join(app.exports.csv_lines(ids))
    assert not caplog.records, "a model without objects is not an error"


@pytest.mark.slow
def test_labels_of_an_earlier_model_can_be_searched(
    app: Services, models_dir: Path, temple: bytes
) -> None:
    other_network(models_dir, "whole", sees_outside=False)
    app.model_choice.use_bundle("whole")
    app.jobs.submit([("temple.jpg", temple)]).wait(60)
    app.model_choice.use_bundle("scene_mobilenet_v2")
    gallery = app.gallery()
    assert gallery.vocabulary.display_name("my_buildings") == "My buildings"
    for query in ('"my buildings"', 'class:"My buildings"', "tag:my_buildings"):
        assert gallery.count(query) == 1, query
    assert gallery.count('"my street"') == 0


def albums(services: Services, photo: PhotoRecord) -> list[str]:
    placements = albums_of(photo_facts(photo), services.model.albums)
    return [placement.album for placement in placements]


def test_albums_follow_tags_people_and_an_edited_file(
    tmp_path: Path, flower: bytes, temple: bytes
) -> None:
    rules = tmp_path / "albums.toml"
    rules.write_text(
        '[[album]]\nid = "garden"\nname = "Garden"\n[[album.rule]]\ntags = ["flower"]\n'
        '[[album]]\nid = "friends"\nname = "Friends"\nunknowable = "who knows"\n',
        encoding="utf-8",
    )
    settings = Settings(library=tmp_path / "library", workers=2, albums=rules)
    app = open_services(settings)
    app.jobs.submit([("dahlia.jpg", flower), ("temple.jpg", temple)]).wait(60)
    photos = {photo.name: photo for photo in app.library.records(app.library.find())}
    assert albums(app, photos["dahlia.jpg"]) == ["garden"]
    assert albums(app, photos["temple.jpg"]) == []
    app.gallery().add_tag([photos["temple.jpg"].id], "friends")
    app.gallery().set_class([photos["temple.jpg"].id], "flower")
    (temple_now,) = app.library.records([photos["temple.jpg"].id])
    assert albums(app, temple_now) == ["garden", "friends"]
    app.close()


def test_invalid_album_rules_are_reported_at_the_start(tmp_path: Path) -> None:
    rules = tmp_path / "albums.toml"
    rules.write_text('[[album]]\nid = "x"\nname = "X"\ntagz = []\n', encoding="utf-8")
    with pytest.raises(InvalidSetting, match="unknown key 'tagz'"):
        open_services(Settings(library=tmp_path / "library", albums=rules))


def test_shipped_albums_serve_a_model_without_camera_scenes(
    models_dir: Path, tmp_path: Path
) -> None:
    folder = other_network(models_dir)
    app = open_services(Settings(library=tmp_path / "library", bundle=folder, workers=1))
    assert app.model.albums.find("Pets") is not None
    app.close()


@pytest.mark.usefixtures("own_decoders")
def test_decoders_end_with_the_services_that_opened_them(
    settings: Settings, decoders: Decoders, temple: bytes
) -> None:
    for given in (None, decoders):
        services = open_services(settings, decoders=given)
        services.classifier.predict(temple)
        assert services.library.decoders.process_ids
        services.close()
        assert bool(services.library.decoders.process_ids) is (given is not None)


def test_photos_of_an_earlier_version_are_stacked_at_the_start(
    tmp_path: Path, decoders: Decoders
) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    with Library(settings.library) as library:
        put(library, [Row("a.jpg"), Row("a-edited.jpg")])
    opened = open_services(settings, resume=False, decoders=decoders)
    assert all_stacks(opened.library) == [], "another process does it"
    opened.close()
    opened = open_services(settings, decoders=decoders)
    deadline = time.monotonic() + 60
    while not all_stacks(opened.library):  # in the background
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [len(stack.photo_ids) for stack in all_stacks(opened.library)] == [2]
    opened.close()
