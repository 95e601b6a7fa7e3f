"""The Model page compares another model with the one in use, and then uses it."""

import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.jobs.comparison_run import ComparisonRun
from scene_model.learning.compared_photos import Comparer, PhotoToCompare
from scene_model.learning.model_comparison import ComparedPhoto, FailedPhoto
from scene_model.library import edits
from scene_model.services import Services
from tests.bundles import own_head
from tests.pages.conftest import labels, press, texts

Files = list[tuple[str, bytes]]


@pytest.fixture
def own(models_dir: Path) -> Path:
    """A model of one's own beside the default one; made before the pages start."""
    return own_head(models_dir, "mine", labels=("sea", "trastevere"))


def run_of(app: AppTest) -> ComparisonRun:
    run = app.session_state["comparison_run"]
    assert isinstance(run, ComparisonRun)
    return run


def test_without_another_model_there_is_nothing_to_compare(
    models_dir: Path, opened: Services, app: AppTest
) -> None:
    app.switch_page("model_card.py").run()
    assert "Compare" not in labels(app)


def test_comparing_then_using(
    own: Path, opened: Services, app: AppTest, made_photos: Files
) -> None:
    assert opened.jobs.submit(made_photos[:6]).wait(60)
    app.switch_page("model_card.py").run()
    press(app, "Compare")
    assert "No photo has a class that you chose" in texts(app)
    ids = opened.library.find()
    edits.set_class(opened.library, ids[:4], "sea")
    press(app, "Compare")
    assert run_of(app).wait(60)
    app.run()
    text = texts(app)
    assert "Right 4, unsure 0, wrong 0" in text
    assert "4 photos compared: only mine is right on" in text
    assert "Of 2 photos that you did not decide on, 2 would get another class." in text
    assert "worse than it is" in text
    assert opened.classifier.bundle.class_head == "scenes"
    press(app, "Use mine")
    assert "New photos will be tagged by mine" in texts(app)
    assert opened.classifier.bundle.class_head == "my_folders"


def test_stopping(
    own: Path,
    opened: Services,
    app: AppTest,
    made_photos: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert opened.jobs.submit(made_photos).wait(60)
    edits.set_class(opened.library, opened.library.find(), "sea")
    compare, begun, may_go_on = Comparer.compare, threading.Event(), threading.Event()

    def slow(self: Comparer, photo: PhotoToCompare) -> ComparedPhoto | FailedPhoto:
        begun.set()
        may_go_on.wait(30)
        return compare(self, photo)

    monkeypatch.setattr(Comparer, "compare", slow)
    app.switch_page("model_card.py").run()
    press(app, "Compare")
    assert begun.wait(30)
    app.run()
    assert "Use mine" not in labels(app)
    press(app, "Stop")
    may_go_on.set()
    assert run_of(app).wait(30)
    app.run()
    assert "Stopped after" in texts(app)
    assert 0 < run_of(app).done < len(made_photos)


def test_on_a_labelled_folder(
    own: Path, opened: Services, app: AppTest, tmp_path: Path, flower: bytes
) -> None:
    app.switch_page("model_card.py").run()
    app.selectbox(key="comparison_source").select("A folder of class folders").run()
    for folder, problem in (
        ("", "Enter a folder"),
        ("~nosuchuser/photos", "cannot be read"),
        (str(tmp_path / ("x" * 5_000)), "cannot be read"),
        (str(tmp_path / "nowhere"), "There is no folder"),
    ):
        app.text_input(key="comparison_folder").input(folder).run()
        press(app, "Compare")
        assert problem in texts(app)
    (tmp_path / "photos" / "Flower").mkdir(parents=True)
    (tmp_path / "photos" / "Flower" / "a.jpg").write_bytes(flower)
    (tmp_path / "photos" / "Flower" / "b.jpg").write_bytes(b"no picture")
    app.text_input(key="comparison_folder").input(str(tmp_path / "photos")).run()
    press(app, "Compare")
    assert run_of(app).wait(60)
    app.run()
    assert "1 photo compared" in texts(app)
    assert "1 photo could not be read" in texts(app)
    assert "worse than it is" not in texts(app)


def test_a_model_that_breaks_meanwhile(
    own: Path, opened: Services, app: AppTest, made_photos: Files
) -> None:
    assert opened.jobs.submit(made_photos[:1]).wait(60)
    edits.set_class(opened.library, opened.library.find(), "sea")
    app.switch_page("model_card.py").run()
    (own / "heads.npz").write_bytes(b"half")
    press(app, "Compare")
    assert run_of(app).wait(60)
    app.run()
    assert "SHA-256" in texts(app)
    assert "Use mine" not in labels(app)
