"""Groups and best guesses on the pages, on photos whose predictions were set by hand."""

import json
from typing import Any

import pytest
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from pages.sections.filters import Filter
from pages.widgets.photo_grid import GridStyle, describe, grid_cells
from scene_model.library import edits
from scene_model.library.database.schema import automatic_tags, photos
from scene_model.services import Services
from tests.pages.conftest import click, texts

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
    (matching_id,) = services.library.find(photos.c.name == name)
    return matching_id


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
    tagged = edits.add_tag(grouped.library, [photo_id(grouped, "piano.jpg")], "grand_piano")
    assert tagged.photo_count == 1
    assert cell("piano.jpg")["lines"] == ["perhaps: Grand piano", "piano.jpg", "Holiday"], (
        "not twice"
    )
    assert cell("piano.jpg")["alt"] == "piano.jpg: unsure, perhaps: Grand piano, holiday"
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
    pages = []
    while "No photos left" not in texts(app):
        pages.append(texts(app))
        app.button(key="review_skip").click().run()
    assert len(pages) == len(PREDICTIONS)
    assert [
        text.count("the model is unsure, perhaps: Grand piano.")
        for text in pages
        if "piano.jpg" in text
    ] == [1]
    assert sum("perhaps" in text for text in pages) == 1


def chips(app: AppTest, row: str) -> list[str]:
    """Return the texts of a row of chips; row: "group", "one" (class) or "many" (tags)."""
    assert not app.exception, app.exception
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json or "{}")
        if row in data:
            return [chip["text"] for chip in data[row]["chips"]]
    raise AssertionError(f"no chips of {row}")


def test_groups_are_chips_with_counts_unsure_photos_last(grouped: Services, app: AppTest) -> None:
    app.switch_page("gallery.py").run()
    assert chips(app, "group") == ["All · 4", "Animals · 1", "Water · 1", "Unsure · 2"]
    assert chips(app, "one")[:2] == ["All · 4", "Unsure · 2"]


def test_a_group_is_part_of_query_and_address(grouped: Services, app: AppTest) -> None:
    app.switch_page("gallery.py")
    app.query_params["group"] = "water"
    app.run()
    assert "1 of 4 photos" in texts(app)
    assert app.session_state["gallery"].query == "group:water"
    assert chips(app, "one") == ["All · 1", "Sea · 1"]
    assert chips(app, "group")[0] == "All · 4"
    app.session_state["group_filter"] = "unsure"
    app.run()
    assert "2 of 4 photos" in texts(app)
    assert app.query_params["group"] in ("unsure", ["unsure"])
    app.session_state["class_filter"] = "sea"
    app.run()
    assert "No photos match this filter" in texts(app)
    click(app, "Show all photos")
    assert "4 of 4 photos" in texts(app)
    assert "group" not in app.query_params


def test_a_group_the_model_does_not_have_is_left_out(grouped: Services, app: AppTest) -> None:
    app.switch_page("gallery.py")
    app.query_params["group"] = "nowhere"
    app.run()
    assert "4 of 4 photos" in texts(app)
    assert "group" not in app.query_params


def test_the_group_comes_first_in_the_query() -> None:
    chosen = Filter("sea OR lake", "beach", ("Journey",), "water")
    assert chosen.full_query == "(sea OR lake) group:water class:beach tag:Journey"
    assert chosen.query_without_class == "(sea OR lake) group:water tag:Journey"
    assert chosen.query_without_group == "(sea OR lake) tag:Journey"


def _likely_of_animals() -> None:
    import streamlit as st

    from pages.sections.filters import Filter, likely_queries

    st.session_state["likely"] = likely_queries(Filter(group="animals"))


def test_a_new_group_is_prefetched_without_the_class(grouped: Services) -> None:
    likely = AppTest.from_function(_likely_of_animals, default_timeout=60).run()
    assert not likely.exception, likely.exception
    assert likely.session_state["likely"] == {
        ("animals", "All"): "group:animals",
        ("animals", "animals"): "group:animals class:animals",
        ("All", "All"): "",
        ("water", "All"): "group:water",
        ("unsure", "All"): "group:unsure",
    }


def test_export_by_class_is_preselected_and_groups_can_be_chosen(
    grouped: Services, app: AppTest
) -> None:
    app.switch_page("export.py").run()
    rules = app.segmented_control(key="zip_by")
    assert rules.value == "class"
    assert rules.options[:3] == ["Class", "Group", "Tag"]
    assert "'Folder': 'sea/', 'Photos': 1" in texts(app)
    rules.set_value("group").run()
    shown = texts(app)
    assert "'Folder': 'water/', 'Photos': 1, 'Label': 'Water'" in shown
    assert "'Folder': 'unsure/', 'Photos': 2" in shown
    assert "'Folder': 'sea/'" not in shown
    assert any("by=group" in str(link.proto) for link in app.get("link_button"))
