"""The pages without a browser: their texts and controls."""

import json
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from pages.sections.filters import Filter
from pages.sections.photo.position import QueryPosition
from pages.state.session import get_services
from scene_model.gallery import Gallery
from scene_model.library import edits
from scene_model.services import Services
from tests.library.rows import Row, put
from tests.pages.conftest import field_data, press, texts

Files = list[tuple[str, bytes]]


def uploader_key(app: AppTest) -> str:
    return next(str(element.key) for element in app.get("file_uploader"))


def page_links(app: AppTest) -> list[str]:
    return [str(link.proto.label) for link in app.main.get("page_link")]


def in_lightbox(app: AppTest) -> dict[str, Any]:
    """What the browser knows about the open photo and those around it."""
    sent = (json.loads(element.proto.json or "{}") for element in app.get("bidi_component"))
    return next(data for data in sent if "opening" in data)


def drop(app: AppTest, files: Files) -> AppTest:
    """Drop files and wait until they are tagged."""
    key = uploader_key(app)
    app.file_uploader(key=key).set_value([(name, data, "image/jpeg") for name, data in files])
    app.run()
    for job in get_services().jobs.running():
        assert job.wait(60)
    return app.run()


def test_first_visit_shows_how_it_works(app: AppTest) -> None:
    app.run()
    assert "Put your photos in order" in texts(app)
    assert "add photos above" in texts(app)


def test_counts_after_an_upload_add_up(app: AppTest, temple: bytes, flower: bytes) -> None:
    drop(app.run(), [("temple.jpg", temple)])
    files = [("again.jpg", temple), ("dahlia.jpg", flower), ("broken.jpg", b"no picture")]
    drop(app, files)
    assert "2 of 3 photos tagged, 1 of them already in the library, 1 skipped" in texts(app)


def test_files_freed_before_the_browser_knows_are_passed_over(
    app: AppTest, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryUploadedFileManager, "get_files", lambda *_, **__: [])
    app.run()
    app.file_uploader(key=uploader_key(app)).set_value([("temple.jpg", temple, "image/jpeg")])
    app.run()
    assert not app.exception
    assert not get_services().jobs.running()
    assert "How it works" in texts(app)


def test_one_photo_shows_class_and_chart(app: AppTest, temple: bytes) -> None:
    drop(app.run(), [("temple.jpg", temple)])
    text = texts(app)
    assert "1 of 1 photo tagged" in text
    assert "Scene " in text
    assert "Confidence " in text
    assert "temple.jpg" in text
    assert len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart")) == 1
    assert isinstance(app.session_state["gallery"], Gallery)


def test_one_photo_shows_its_class_and_the_unsure_head(app: AppTest, flower: bytes) -> None:
    drop(app.run(), [("dahlia.jpg", flower)])
    assert [metric.value for metric in app.metric][0] == "Flower"
    assert "“Six scenes” is unsure" in texts(app)
    (chart,) = [*app.get("arrow_vega_lite_chart"), *app.get("vega_lite_chart")]
    assert "Camera scenes: probability" in chart.proto.spec, "the head that decided the class"
    tabs = [tab.label for tab in app.tabs]
    assert tabs.index("Camera scenes") < tabs.index("Six scenes")
    assert page_links(app) == ["Open the gallery", "Review unsure photos", "Export"]
    assert not app.warning


def test_many_photos_and_invalid_files(app: AppTest, made_photos: Files) -> None:
    first_key = uploader_key(app.run())
    drop(app, [*made_photos, ("notes.jpg", b"text"), ("<b>empty</b>.jpg", b"")])
    text = texts(app)
    assert "12 of 14 photos tagged, 2 skipped" in text
    assert "'File': 'notes.jpg'" in text
    assert "empty_file" in text
    assert "2 skipped" in app.warning[0].value
    kinds = [element.type for element in app.main]
    pictures = max(i for i, kind in enumerate(kinds) if kind == "bidi_component")
    # The summary of new photos above has links of its own, once it is drawn.
    link = kinds.index("page_link", kinds.index("warning"))
    assert link < kinds.index("dataframe") < pictures
    # A new, empty uploader: the files of the old one were freed.
    assert uploader_key(app) != first_key
    # The result is still shown after a visit to another page.
    app.switch_page("gallery.py").run()
    assert "12 of 12 photos" in texts(app)
    app.switch_page("classify.py").run()
    assert "2 skipped" in texts(app)


def test_empty_pages_show_the_next_step(app: AppTest) -> None:
    app.run()
    for page, expected in (
        ("gallery.py", "No photos yet"),
        ("export.py", "No photos to export yet"),
        ("search.py", "Examples:"),
        ("model_card.py", "scene_mobilenet_v2"),
    ):
        app.switch_page(page).run()
        assert expected in texts(app), page


def test_gallery_filter_and_undo(
    opened: Services, app: AppTest, temple: bytes, flower: bytes
) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    app.switch_page("gallery.py").run()
    assert "2 of 2 photos" in texts(app)
    app.session_state["class_filter"] = "flower"
    app.run()
    assert "1 of 2 photos" in texts(app)
    gallery = app.session_state["gallery"]
    gallery.select(gallery.ids())
    app.run()
    assert "**1 selected**" in texts(app)
    next(b for b in app.button if b.label == "Trash").click().run()
    assert opened.library.count() == 1
    next(b for b in app.button if b.label == "Undo").click().run()
    assert opened.library.count() == 2


def test_photo_dialog_shows_class_and_tags(opened: Services, app: AppTest, flower: bytes) -> None:
    opened.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    (photo_id,) = opened.library.find()
    app.switch_page("gallery.py")
    app.query_params["photo"] = photo_id
    app.run()
    assert "dahlia.jpg" in texts(app)
    assert field_data(app, "Class")["value_text"] == "Flower"
    edits.set_class(opened.library, [photo_id], "forest")
    edits.add_tag(opened.library, [photo_id], "Grandma")
    app.run()
    assert field_data(app, "Class")["value_text"] == "Forest"
    tags = field_data(app, "Tags")
    assert "Grandma (yours)" in [tag["text"] for tag in tags["chosen"]]
    assert not {"Grandma", "flower"} & {option["value"] for option in tags["options"]}
    app.query_params["photo"] = "0" * 64
    app.session_state["open_photo"] = "0" * 64
    assert not in_lightbox(app)["error"]
    app.run()
    assert "has no photo" in texts(app)
    assert in_lightbox(app)["error"], "the browser opens the drawer"


def test_photo_dialog_sets_favourite_and_rating(
    opened: Services, app: AppTest, flower: bytes
) -> None:
    opened.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    (photo_id,) = opened.library.find()

    def stored() -> tuple[bool, int]:
        photo = opened.library.photo(photo_id)
        return photo.favourite, photo.rating

    app.switch_page("gallery.py")
    app.query_params["photo"] = photo_id
    app.run()
    assert "Not rated." in texts(app)
    ratings = [b for b in app.button if str(b.key).startswith("dialog_rating_")]
    assert [b.label for b in ratings][::5] == ["1 star", "Clear rating"], "it is no label of them"
    assert "primary" not in [b.proto.type for b in ratings]
    press(app, "Add to favourites")
    press(app, "4 stars")
    assert stored() == (True, 4)
    assert "Rating: 4 of 5." in texts(app)
    press(app, "Remove from favourites")
    press(app, "Clear rating")
    assert stored() == (False, 0)
    assert [edits.undo(opened.library) is not None for _ in range(5)] == [True] * 4 + [False]


def test_search(opened: Services, app: AppTest, temple: bytes, flower: bytes) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    app.switch_page("search.py").run()
    app.text_input(key="q").set_value("flower").run()
    assert "1 photo" in texts(app)
    app.text_input(key="q").set_value("submarine").run()
    assert "No photos match" in texts(app)
    app.text_input(key="q").set_value("(flower").run()
    assert "closing bracket" in texts(app)
    app.text_input(key="q").set_value("").run()
    next(b for b in app.button if b.label == "sea").click().run()
    assert app.text_input(key="q").value == "sea"


def test_export_preview(opened: Services, app: AppTest, flower: bytes) -> None:
    opened.jobs.submit([("=dahlia.jpg", flower)]).wait(60)
    app.switch_page("export.py").run()
    text = texts(app)
    assert "'Name': \"'=dahlia.jpg\"" in text
    for_people, all_columns = (frame.value for frame in list(app.dataframe)[:2])
    assert list(for_people)[:6] == ["Name", "Class", "Group", "Confidence", "Tags", "Taken"]
    assert for_people["Class"].tolist() == ["Flower"]
    assert list(all_columns)[0] == "ID"
    assert "'Folder': 'flower/', 'Photos': 1" in text
    app.text_input(key="export_q").set_value("class:sea").run()
    assert "No photos match" in texts(app)
    app.text_input(key="export_q").set_value("a:b").run()
    assert "not a field" in texts(app)


def test_filter_as_one_query() -> None:
    chosen = Filter("sea OR lake", "text_document", ("old town", "Journey"))
    assert chosen.full_query == '(sea OR lake) class:text_document tag:"old town" tag:Journey'
    assert chosen.query_without_class == '(sea OR lake) tag:"old town" tag:Journey'
    assert Filter().full_query == ""
    assert Filter("sea").full_query == "sea"


def test_url_matches_the_shown_filter(
    opened: Services, app: AppTest, temple: bytes, flower: bytes
) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    app.switch_page("gallery.py")
    app.query_params["class"] = "flower"
    app.query_params["sort"] = "-name"
    app.run()
    assert "1 of 2 photos" in texts(app)
    assert str(app.session_state["gallery"].sort) == "-name"
    app.session_state["class_filter"] = "All"
    app.run()
    assert "class" not in app.query_params
    app.session_state["tag_filter"] = ["flower"]
    app.run()
    assert app.query_params.get("tag") in ("flower", ["flower"])
    app.text_input(key="gallery_q").set_value("(dahlia").run()
    assert "closing bracket" in texts(app)
    app.text_input(key="gallery_q").set_value("submarine").run()
    assert "No photos match this filter" in texts(app)
    next(b for b in app.button if b.label == "Show all photos").click().run()
    assert "2 of 2 photos" in texts(app)


def test_the_browser_knows_the_photos_around_an_open_one(
    opened: Services, app: AppTest, made_photos: Files
) -> None:
    opened.jobs.submit(made_photos[:3]).wait(60)
    app.switch_page("gallery.py").run()
    ids = app.session_state["gallery"].ids("")
    app.session_state["open_photo"] = ids[1]
    app.session_state["open_photo_position"] = QueryPosition("", 1)
    app.run()
    data = in_lightbox(app)
    assert data["id"] == ids[1]
    assert data["count"] == 3
    assert [(photo["index"], photo["id"]) for photo in data["photos"]] == list(enumerate(ids))
    app.button(key="dialog_trash").click().run()
    assert app.session_state["open_photo"] == ids[2], "the next photo is shown"
    assert opened.library.count() == 2
    data = in_lightbox(app)
    assert (data["id"], data["count"]) == (ids[2], 2)


def test_a_link_to_a_photo_knows_its_place(
    opened: Services, app: AppTest, made_photos: Files
) -> None:
    opened.jobs.submit(made_photos[:3]).wait(60)
    app.switch_page("gallery.py").run()
    ids = app.session_state["gallery"].ids("")
    app.query_params["photo"] = ids[2]
    app.run()
    data = in_lightbox(app)
    assert (data["id"], data["count"]) == (ids[2], 3)
    assert data["photos"][-1]["index"] == 2
    del app.query_params["photo"]
    app.run()
    assert "open_photo" not in app.session_state, "Back closes it"


def test_a_closed_photo_gives_the_gallery_its_keys_back(
    opened: Services, app: AppTest, made_photos: Files
) -> None:
    opened.jobs.submit(made_photos[:1]).wait(60)
    app.switch_page("gallery.py").run()
    assert app.button(key="undo").proto.shortcut == "z"
    app.query_params["photo"] = app.session_state["gallery"].ids("")[0]
    app.run()
    assert not app.button(key="undo").proto.shortcut
    del app.query_params["photo"]
    app.run()
    assert app.button(key="undo").proto.shortcut == "z"


def test_a_photo_that_an_edit_removed_keeps_its_neighbours(
    opened: Services, app: AppTest, made_photos: Files
) -> None:
    opened.jobs.submit(made_photos[:3]).wait(60)
    app.switch_page("gallery.py").run()
    ids = app.session_state["gallery"].ids("")
    app.session_state["open_photo"] = ids[1]
    app.session_state["open_photo_position"] = QueryPosition("-is:favourite", 1)
    app.run()
    press(app, "Add to favourites")
    data = in_lightbox(app)
    assert [photo["id"] for photo in data["photos"]] == ids
    assert [photo["index"] for photo in data["photos"]] == [0, 1, 1]
    assert data["count"] == 2


def test_the_last_photo_keeps_a_possible_place_after_an_edit(
    opened: Services, app: AppTest, made_photos: Files
) -> None:
    opened.jobs.submit(made_photos[:3]).wait(60)
    app.switch_page("gallery.py").run()
    ids = app.session_state["gallery"].ids("")
    app.session_state["open_photo"] = ids[2]
    app.session_state["open_photo_position"] = QueryPosition("-is:favourite", 2)
    app.run()
    press(app, "Add to favourites")
    data = in_lightbox(app)
    assert [photo["index"] for photo in data["photos"]] == [0, 1, 2]
    assert data["count"] == 3, "not 3 of 2"


@pytest.mark.parametrize(
    ("favourite", "rating", "marks", "words"),
    [
        (False, 0, "", ": sea"),
        (True, 0, "♥", "; favourite"),
        (False, 1, "★", "; 1 star"),
        (True, 4, "♥ ★★★★", "; favourite, 4 stars"),
    ],
)
def test_the_grid_shows_favourites_and_ratings(
    opened: Services, app: AppTest, favourite: bool, rating: int, marks: str, words: str
) -> None:
    put(opened.library, [Row("a.jpg", more={"favourite": favourite, "human_rating": rating})])
    app.switch_page("gallery.py").run()
    sent = [json.loads(element.proto.json or "{}") for element in app.get("bidi_component")]
    (photo,) = next(data["pages"]["1"]["photos"] for data in sent if "pages" in data)
    assert photo["marks"] == marks
    assert photo["alt"].endswith(words)


def test_selected_photos_become_favourites_and_no_longer(
    opened: Services, app: AppTest, made_photos: Files
) -> None:
    opened.jobs.submit(made_photos[:3]).wait(60)
    app.switch_page("gallery.py").run()
    ids = app.session_state["gallery"].ids("")
    edits.set_favourite(opened.library, ids[:1], favourite=True)
    app.session_state["gallery"].select(ids[:2])
    app.run()
    press(app, "Favourite")
    assert sorted(app.session_state["gallery"].ids("is:favourite")) == sorted(ids[:2])
    press(app, "Favourite")
    assert app.session_state["gallery"].ids("is:favourite") == [], "all were favourites"
    press(app, "Undo")
    assert len(app.session_state["gallery"].ids("is:favourite")) == 2


def test_export_options(opened: Services, app: AppTest, temple: bytes, flower: bytes) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    app.switch_page("export.py").run()
    assert f"2 files in 2 folders, about {(len(temple) + len(flower)) / 1e6:.1f} MB" in texts(app)
    app.segmented_control(key="zip_by").set_value("head:camera").run()
    app.checkbox(key="export_no_place").check().run()
    links = [str(link.proto) for link in app.get("link_button")]
    assert len(links) == 5
    assert all("place=false" in link for link in links)
    assert "CSV for people" in links[0]
    assert "people=true" in links[0]
    assert "Download CSV" in links[1]
    assert "people" not in links[1]
    assert "by=head%3Acamera" in links[4]


def test_missing_model_is_reported(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(tmp_path))
    app.run()
    assert "SCENE_BUNDLE" in texts(app)
    monkeypatch.undo()
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    st.cache_resource.clear()
