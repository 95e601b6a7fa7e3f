"""Groups and best guesses on the pages, on photos whose predictions were set by hand."""

from typing import Any

import pytest
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from pages.widgets.photo_grid import GridStyle, describe, grid_cells
from scene_model.library import edits
from scene_model.library.schema import automatic_tags, photos
from scene_model.services import Services
from tests.pages.conftest import texts

pytestmark = pytest.mark.slow

PIANO = "grand piano, grand"
SNAKE = "garter snake, grass snake"
_UNSURE = {"auto_class": "unsure", "auto_class_source": "none", "auto_class_score": 0.0}
PREDICTIONS: dict[str, dict[str, Any]] = {
    "piano.jpg": _UNSURE
    | {"auto_group": "unsure", "auto_group_score": 0.2, "guess": PIANO, "guess_score": 0.31},
    "old.jpg": _UNSURE | {"auto_group": None, "guess": None, "guess_score": None},
    "snake.jpg": {
        "auto_class": "animals",
        "auto_class_source": "objects",
        "auto_class_score": 0.72,
        "auto_group": "animals",
        "auto_group_score": 0.93,
    },
    "sea.jpg": {
        "auto_class": "sea",
        "auto_class_source": "scenes",
        "auto_class_score": 0.97,
        "auto_group": "water",
        "auto_group_score": 0.88,
    },
}


@pytest.fixture
def grouped(opened: Services, made_photos: list[tuple[str, bytes]]) -> Services:
    """A library of the photos of PREDICTIONS."""
    contents = (data for _, data in made_photos)
    opened.jobs.submit(list(zip(PREDICTIONS, contents, strict=False))).wait(60)
    with opened.library.database.writer.begin() as connection:
        for name, columns in PREDICTIONS.items():
            connection.execute(photos.update().where(photos.c.name == name).values(columns))
        connection.execute(
            insert(automatic_tags),
            {"photo_id": photo_id(opened, "snake.jpg"), "head": "objects", "label": SNAKE}
            | {"score": 0.72, "bundle": "test"},
        )
    return opened


def photo_id(services: Services, name: str) -> str:
    (found,) = services.library.find(photos.c.name == name)
    return found


def open_dialog(app: AppTest, services: Services, name: str) -> str:
    """Return the texts of a photo's dialog, with its tables as HTML."""
    app.switch_page("gallery.py")
    app.query_params["photo"] = photo_id(services, name)
    app.run()
    return texts(app) + "".join(str(table.proto.body) for table in app.get("html"))


def test_the_grid_says_what_an_unsure_photo_may_show(grouped: Services) -> None:
    def cell(name: str) -> dict[str, Any]:
        photo = grouped.library.photo(photo_id(grouped, name))
        (made,) = grid_cells([photo], grouped.vocabulary, GridStyle())
        assert made["alt"] == describe(photo, grouped.vocabulary)
        return made

    piano = cell("piano.jpg")
    assert piano["title"] == "Unsure"
    assert piano["lines"][:2] == ["perhaps: Grand piano", "piano.jpg"]
    assert piano["alt"].startswith("piano.jpg: unsure, perhaps: Grand piano")
    for name in ("old.jpg", "sea.jpg"):
        assert cell(name)["lines"][0] == name
        assert "perhaps" not in cell(name)["alt"]


def test_the_dialog_says_what_an_unsure_photo_may_show(grouped: Services, app: AppTest) -> None:
    shown = open_dialog(app, grouped, "piano.jpg")
    assert "No model was confident; perhaps: Grand piano." in shown
    assert "Group: Unsure" in shown
    assert "perhaps" not in open_dialog(app, grouped, "old.jpg")


def test_the_dialog_shows_group_and_object(grouped: Services, app: AppTest) -> None:
    shown = open_dialog(app, grouped, "snake.jpg")
    assert "Set by an object in the photo (Garter snake), 72% confidence." in shown
    assert "Group: Animals, 93%" in shown
    assert "All label sets together" in shown
    edits.set_class(grouped.library, [photo_id(grouped, "snake.jpg")], "sea")
    shown = open_dialog(app, grouped, "snake.jpg")
    assert "Group: Water" in shown
    assert "93%" not in shown
    assert "The group of the class" in shown


def test_one_added_photo_shows_guess_and_group(grouped: Services, app: AppTest) -> None:
    def show(name: str) -> str:
        data = grouped.library.original_bytes(photo_id(grouped, name))
        job = grouped.jobs.submit([(name, data)])
        assert job.wait(60)
        app.session_state["job_id"] = job.id
        app.switch_page("classify.py").run()
        return texts(app)

    shown = show("piano.jpg")
    assert "Best guess Grand piano" in shown
    assert "Confidence 31.0%" in shown
    assert "Unsure, perhaps: Grand piano." in shown
    shown = show("sea.jpg")
    assert "Scene Sea" in shown
    assert "Group: Water, 88%" in shown


def test_review_says_what_an_unsure_photo_may_show(grouped: Services, app: AppTest) -> None:
    app.switch_page("review.py").run()
    seen = []
    while "No photos left" not in texts(app):
        seen.append(texts(app))
        app.button(key="review_skip").click().run()
    assert len(seen) == len(PREDICTIONS)
    assert [
        text.count("Unsure, perhaps: Grand piano.") for text in seen if "piano.jpg" in text
    ] == [1]
    assert sum("perhaps" in text for text in seen) == 1
