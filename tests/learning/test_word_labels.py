"""Tags from words: what a word would tag, its precision, and saving it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_model.config import Settings
from scene_model.errors import InvalidTag
from scene_model.learning.taught_tags import delete_taught_tag, list_taught
from scene_model.learning.word_labels import MAX_WORDS, propose_labels, save_labels
from scene_model.library import edits
from scene_model.photos.decoders.pool import Decoders
from scene_model.search.sentences.likeness import scores_of
from scene_model.services import Services, open_services
from tests.pictures import encode
from tests.text_pairs import JOINT, colour_pair

pytestmark = pytest.mark.slow
COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}


def open_app(folder: Path, decoders: Decoders) -> Services:
    """A library with three shades of each colour, and the pair in use."""
    app = open_services(
        Settings(library=folder / "library", bundles=folder / "bundles", workers=1),
        decoders=decoders,
    )
    files = []
    for name, colour in COLOURS.items():
        for shade in range(3):
            lighter = tuple(min(255, value + 20 * shade) for value in colour)
            files.append((f"{name}{shade}.jpg", encode(Image.new("RGB", (64, 64), lighter))))
    assert app.jobs.submit(files).wait(60)
    app.search_choice.use("colours")
    assert app.search_choice.start().wait(60)
    return app


@pytest.fixture
def app(tmp_path: Path, decoders: Decoders) -> Iterator[Services]:
    colour_pair(tmp_path / "bundles")
    opened = open_app(tmp_path, decoders)
    yield opened
    opened.close()


def tagged(app: Services, label: str) -> set[str]:
    gallery = app.gallery()
    return {photo.name for photo in app.library.records(gallery.ids(f"tag:{label}"))}


def test_words_tag_what_they_describe(app: Services) -> None:
    model = app.model.search
    assert model is not None
    red, blue, people = propose_labels(app.library, model, ["red", "blue", "people", "red"])
    names = {photo.id: photo.name for photo in app.library.records(app.library.find())}
    assert {names[match.photo_id] for match in red.would_tag} == {
        "red0.jpg",
        "red1.jpg",
        "red2.jpg",
    }
    assert red.sentence == "a photo of red"
    assert len(blue.would_tag) == 3
    assert people.would_tag == ()
    assert (red.decided, red.right) == (0, 0)
    ranked = [match.photo_id for match in red.would_tag]
    _, scores = scores_of(app.library, model, red.sentence)
    assert (scores >= 1).sum() == 3
    assert ranked == [photo.id for photo in app.library.records(ranked)]


def test_the_precision_is_that_of_decisions(app: Services) -> None:
    model = app.model.search
    assert model is not None
    ids = {photo.name: photo.id for photo in app.library.records(app.library.find())}
    edits.add_tag(app.library, [ids["red0.jpg"], ids["blue0.jpg"]], "red")
    edits.add_tag(app.library, [ids["red1.jpg"]], "green")
    edits.set_class(app.library, [ids["red2.jpg"]], "sea")  # says nothing about colours
    red, green = propose_labels(app.library, model, ["red", "green"])
    assert (red.decided, red.right) == (2, 1)
    assert (green.decided, green.right) == (0, 0)
    edits.add_tag(app.library, [ids["red1.jpg"]], "red")
    (red,) = propose_labels(app.library, model, ["red"])
    assert (red.decided, red.right) == (2, 2)


def test_saved_words_are_taught_tags_also_of_new_photos(app: Services) -> None:
    model = app.model.search
    assert model is not None
    proposals = propose_labels(app.library, model, ["red", "blue"])
    assert save_labels(app.library, model, proposals) == 6
    assert tagged(app, "red") == {"red0.jpg", "red1.jpg", "red2.jpg"}
    blue, red = list_taught(app.library, app.classifier, model)
    assert (red.label, red.sentence, red.is_current) == ("red", "a photo of red", True)
    with pytest.raises(InvalidTag, match="“blue”"):
        propose_labels(app.library, model, ["green", "blue"])
    assert app.jobs.submit([("new.jpg", encode(Image.new("RGB", (64, 64), (255, 0, 25))))]).wait(60)
    while (job := app.search_choice.running()) is not None:
        assert job.wait(60)
    assert "new.jpg" in tagged(app, "red")
    delete_taught_tag(app.library, red.label)
    assert tagged(app, "red") == set()
    assert len(tagged(app, "blue")) == 3
    assert blue.label == "blue"


def test_a_projection_is_approximated(tmp_path: Path, decoders: Decoders) -> None:
    projection = np.zeros((JOINT, JOINT), np.float32)
    projection[:3, :3] = np.diag([2.0, 1.0, 1.0])
    colour_pair(tmp_path / "bundles", projection=projection)
    app = open_app(tmp_path, decoders)
    model = app.model.search
    assert model is not None
    (red,) = propose_labels(app.library, model, ["red"])
    _, scores = scores_of(app.library, model, red.sentence)
    assert len(red.would_tag) == (scores >= 1).sum() > 0
    app.close()


def test_too_many_words(app: Services) -> None:
    model = app.model.search
    assert model is not None
    with pytest.raises(InvalidTag, match=str(MAX_WORDS)):
        propose_labels(app.library, model, [f"word {i}" for i in range(MAX_WORDS + 1)])
