"""Stacks on the pages: one tile, tools for the selection, and the open photo."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library.stacks.stack_rows import all_stacks
from scene_model.services import Services
from tests.pages.conftest import labels, notice_text, press, texts
from tests.pictures import encode, textured

NAMES = ("a.jpg", "a-edited.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def filled(opened: Services) -> dict[str, str]:
    """Four photos, the first two in one stack; returns their ids by name."""
    job = opened.jobs.submit(
        (name, encode(textured(160, 120, seed=seed))) for seed, name in enumerate(NAMES)
    )
    job.wait(60)
    return {photo.name: photo.id for photo in opened.library.records(job.progress().photo_ids)}


def cells(app: AppTest) -> dict[str, Any]:
    """What the browser is sent for each tile of the grid, by name."""
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    pages = next(data["pages"] for data in sent if "pages" in data)
    return {cell["name"]: cell for page in pages.values() for cell in page["photos"]}


def lightbox_photos(app: AppTest) -> list[dict[str, Any]]:
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    return next(data["photos"] for data in sent if "heard" in data and "opening" in data)


def select(app: AppTest, *ids: str) -> None:
    app.session_state["gallery"].select(list(ids))
    app.run()


def test_the_gallery_shows_a_stack_as_one(filled: dict[str, str], app: AppTest) -> None:
    app.switch_page("gallery.py").run()
    assert set(cells(app)) == {"a-edited.jpg", "b.jpg", "c.jpg"}
    assert cells(app)["a-edited.jpg"]["stack_mark"] == {
        "short": "Edited · 2",
        "text": "Edited, 2 photos",
    }
    assert cells(app)["b.jpg"]["stack_mark"] is None
    assert "4 of 4 photos · shown as 3, stacks as one" in texts(app)
    press(app, "Select all 4")
    assert "3 selected · 4 photos" in texts(app)


def test_edits_of_a_tile_are_for_its_whole_stack(
    filled: dict[str, str], app: AppTest, opened: Services
) -> None:
    app.switch_page("gallery.py").run()
    select(app, filled["a-edited.jpg"])
    press(app, "Trash")
    assert "2 photos" in notice_text(app)
    assert set(cells(app)) == {"b.jpg", "c.jpg"}
    press(app, "Undo")
    assert set(cells(app)) == {"a-edited.jpg", "b.jpg", "c.jpg"}
    # A tile that is not the pick is for itself alone.
    app.session_state["gallery"].select([filled["a.jpg"]])
    assert app.session_state["gallery"].selected_photos() == [filled["a.jpg"]]
    assert opened.gallery().ids("name:a.jpg") == [filled["a.jpg"]]


def test_the_search_shows_tiles_too(filled: dict[str, str], app: AppTest) -> None:
    app.switch_page("search.py")
    app.query_params["q"] = "is:stacked"
    app.run()
    assert set(cells(app)) == {"a-edited.jpg"}
    assert "2 photos · shown as 1, stacks as one" in texts(app)


def test_the_open_photo_shows_its_stack(
    filled: dict[str, str], app: AppTest, opened: Services
) -> None:
    app.switch_page("gallery.py")
    app.query_params["photo"] = filled["a.jpg"]
    app.run()
    assert "Edited, 2 photos" in texts(app)
    shown = {photo["name"]: photo for photo in lightbox_photos(app)}
    assert set(shown) == {"a.jpg", "b.jpg", "c.jpg"}, "in the place of its tile"
    assert [member["name"] for member in shown["a.jpg"]["stack"]] == ["a-edited.jpg", "a.jpg"]
    press(app, "Put on top")
    assert all_stacks(opened.library)[0].pick == filled["a.jpg"]
    press(app, "Show apart")
    assert all_stacks(opened.library) == []
    assert "Move 2 photos to trash" not in labels(app)


def test_the_open_stack_goes_to_the_trash_whole_or_in_part(
    filled: dict[str, str], app: AppTest, opened: Services
) -> None:
    app.switch_page("gallery.py")
    app.query_params["photo"] = filled["a-edited.jpg"]
    app.run()
    press(app, "Move only this one to trash")
    assert opened.gallery().count("") == 3
    opened_ids = {filled["a.jpg"], filled["b.jpg"], filled["c.jpg"]}
    assert set(opened.gallery().tile_ids("")) == opened_ids
    press(app, "Undo")
    app.query_params["photo"] = filled["a.jpg"]
    app.run()
    press(app, "Move 2 photos to trash")
    assert set(opened.gallery().ids("")) == {filled["b.jpg"], filled["c.jpg"]}


def test_selected_photos_are_stacked(
    filled: dict[str, str], app: AppTest, opened: Services
) -> None:
    app.switch_page("gallery.py").run()
    select(app, filled["c.jpg"], filled["b.jpg"])
    press(app, "Stack")
    assert all_stacks(opened.library)[1].photo_ids == (filled["c.jpg"], filled["b.jpg"])
    assert cells(app)["c.jpg"]["stack_mark"] == {"short": "2", "text": "Stack, 2 photos"}
    assert "b.jpg" not in cells(app)
    press(app, "Show apart")
    assert {"b.jpg", "c.jpg"} <= set(cells(app))
