"""The search model on the pages Model, Search and Teach."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from pages.state.session import get_services
from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.model import Model
from scene_model.library import edits
from scene_model.library.database.schema import photos
from scene_model.photos.content import Content
from scene_model.services import Services
from tests.pages.conftest import texts
from tests.pictures import encode
from tests.text_pairs import colour_pair


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pair to choose; made before the pages start."""
    monkeypatch.setenv("SCENE_BUNDLES", str(tmp_path / "bundles"))
    colour_pair(tmp_path / "bundles")
    return tmp_path / "bundles"


@pytest.fixture
def filled(bundles: Path, opened: Services) -> Services:
    """Three pictures: two red, one blue; no search model is in use."""
    colours = {"p1.jpg": (250, 10, 10), "p2.jpg": (10, 10, 250), "p3.jpg": (240, 40, 40)}
    files = [(name, encode(Image.new("RGB", (64, 64), c))) for name, c in colours.items()]
    assert opened.jobs.submit(files).wait(60)
    opened.search_choice.use(None)
    return opened


def click(app: AppTest, key: str) -> AppTest:
    next(button for button in app.button if button.key == key).click().run()
    return app


def test_a_search_model_is_chosen_computed_and_removed(filled: Services, app: AppTest) -> None:
    app.switch_page("model_card.py").run()
    assert "| Search in your own words | none |" in texts(app)
    next(box for box in app.selectbox if box.key == "search_model").select("colours").run()
    assert "3 photos cannot be found by a sentence yet" in texts(app)
    click(app, "start_embedding")
    for job in filled.jobs.running():
        job.wait(60)
    app.run()
    assert "| Search in your own words | colours | 3 of 3 photos" in texts(app)
    click(app, "remove_embeddings")
    assert "The embeddings were removed" in texts(app)
    assert "| Search in your own words | colours | 0 of 3 photos |" in texts(app)


def test_embeddings_of_a_model_before_are_listed_and_removed(
    filled: Services, app: AppTest
) -> None:
    filled.search_choice.use("colours")
    filled.search_choice.start().wait(60)
    filled.search_choice.use(None)
    app.switch_page("model_card.py").run()
    assert "| Not in use | colours | 3 photos, " in texts(app)
    (stored,) = filled.search_choice.stored()
    click(app, f"remove_embeddings_{stored.network}")
    assert "The embeddings were removed" in texts(app)
    assert "Not in use" not in texts(app)
    assert filled.search_choice.stored() == []


def test_photos_own_embeddings_cannot_be_removed(filled: Services, app: AppTest) -> None:
    filled.search_choice.use("colours")
    filled.search_choice.start().wait(60)
    search = filled.model.search
    assert search is not None
    with filled.library.database.writer.begin() as connection:
        file = f"{search.backbone}-{search.size}"
        connection.execute(
            update(photos).values(
                backbone=search.backbone, embedding_file=file, embedding_slot=photos.c.number + 9
            )
        )
    app.switch_page("model_card.py").run()
    assert not [b for b in app.button if b.key and b.key.startswith("remove_embeddings")]


def test_a_cancelled_job_starts_again_only_when_asked(filled: Services, app: AppTest) -> None:
    filled.search_choice.use("colours")
    current, may_go_on = filled.model, threading.Event()
    assert current.search is not None
    encode = current.search.encode
    assert encode is not None

    def encode_late(content: Content) -> FloatArray:
        assert may_go_on.wait(60)
        return encode(content)

    slow = replace(current.search, encode=encode_late)
    current.swap(Model(current.classifier, current.vocabulary, current.albums, slow))
    job = filled.search_choice.start()
    app.switch_page("model_card.py").run()
    assert "Computing embeddings for the search" in texts(app)
    click(app, f"cancel_{job.id}")
    may_go_on.set()
    assert job.wait(60)
    app.run()
    assert filled.search_choice.embed_new() is None
    assert "Cancelled" in texts(app)
    assert any(button.key == "start_embedding" for button in app.button)


def test_a_photo_restored_from_the_trash_is_found(filled: Services, app: AppTest) -> None:
    ids = filled.library.find()
    edits.move_to_trash(filled.library, ids)
    filled.search_choice.use("colours")
    app.switch_page("gallery.py").run()
    click(app, "open_trash")
    click(app, "trash_restore_all")
    while (job := filled.search_choice.running()) is not None:
        assert job.wait(60)
    assert filled.gallery().count('"a red thing"') == 2


def test_the_search_says_what_photos_are_ranked_by(filled: Services, app: AppTest) -> None:
    filled.search_choice.use("colours")
    filled.search_choice.start().wait(60)
    app.switch_page("search.py").run()
    app.text_input(key="q").set_value('"a red thing"').run()
    assert "Ranked by likeness to “a red thing”" in texts(app)
    assert "2 photos" in texts(app)
    for query in ("a red thing in the evening", 'of "a red thing"'):
        app.text_input(key="q").set_value(query).run()
        assert "Ranked by likeness" in texts(app)
        assert "Ignored words" not in texts(app), query


def test_without_a_model_one_sentence_says_what_it_would_bring(
    filled: Services, app: AppTest
) -> None:
    app.switch_page("search.py").run()
    app.text_input(key="q").set_value("happy faces").run()
    assert "A model that reads sentences would also find" in texts(app)
    app.text_input(key="q").set_value("taken:1999").run()
    assert "A model that reads sentences" not in texts(app)


def test_words_become_tags(filled: Services, app: AppTest) -> None:
    app.switch_page("teach.py").run()
    assert "Tags from words" not in texts(app)
    filled.search_choice.use("colours")
    filled.search_choice.start().wait(60)
    app.run()
    app.text_area(key="words_typed").set_value("red\npeople")
    next(b for b in app.button if b.label == "Show what they would tag").click().run()
    assert [box.label for box in app.checkbox if box.key and box.key.startswith("word_")] == [
        "**red**: 2 photos",
        "**People**: 0 photos",
    ]
    click(app, "save_words")
    assert "1 tag saved: 2 photos tagged" in texts(app)
    assert get_services().gallery().count("tag:red") == 2
    assert "from the words “a photo of red”" in texts(app)
