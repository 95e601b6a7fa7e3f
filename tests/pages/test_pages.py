"""The pages without a browser: what they show, and what their controls do."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.sections.filters import Filter
from pages.sections.photo_view import PlaceInQuery
from pages.state.session import get_services
from scene_model.gallery import Gallery
from scene_model.services import Services
from tests.pages.conftest import texts

Files = list[tuple[str, bytes]]


def uploader_key(app: AppTest) -> str:
    return next(str(element.key) for element in app.get("file_uploader"))


def drop(app: AppTest, files: Files) -> AppTest:
    """Drop files and wait until they are tagged."""
    key = uploader_key(app)
    app.file_uploader(key=key).set_value([(name, data, "image/jpeg") for name, data in files])
    app.run()
    for job in get_services().jobs.running():
        assert job.wait(60)
    return app.run()


def test_first_visit_says_how_it_goes(app: AppTest) -> None:
    app.run()
    assert "Give order to your photos" in texts(app)
    assert "drop photos above" in texts(app)


def test_one_photo_shows_everything_at_once(app: AppTest, temple: bytes) -> None:
    drop(app.run(), [("temple.jpg", temple)])
    said = texts(app)
    assert "1 of 1 photos tagged" in said
    assert "Scene " in said
    assert "Confidence " in said
    assert "temple.jpg" in said
    assert len(app.get("arrow_vega_lite_chart")) + len(app.get("vega_lite_chart")) == 1
    assert isinstance(app.session_state["gallery"], Gallery)


def test_one_photo_is_called_what_it_is_filed_under(app: AppTest, flower: bytes) -> None:
    drop(app.run(), [("dahlia.jpg", flower)])
    assert [metric.value for metric in app.metric][0] == "Flower"
    assert "looks like none of “Six scenes”" in texts(app)


def test_many_photos_and_bad_ones(app: AppTest, made_photos: Files) -> None:
    first_key = uploader_key(app.run())
    drop(app, [*made_photos, ("notes.jpg", b"text"), ("<b>empty</b>.jpg", b"")])
    said = texts(app)
    assert "12 of 14 photos tagged, 2 skipped" in said
    assert "'File': 'notes.jpg'" in said
    assert "empty_file" in said
    # A new uploader, and empty: the old one's files are out of memory.
    assert uploader_key(app) != first_key
    # The run survives another page.
    app.switch_page("gallery.py").run()
    assert "12 of 12 photos" in texts(app)
    app.switch_page("classify.py").run()
    assert "2 skipped" in texts(app)


def test_empty_pages_tell_the_next_step(app: AppTest) -> None:
    app.run()
    for page, says in (
        ("gallery.py", "No photos yet"),
        ("export.py", "nothing to export"),
        ("search.py", "Try one"),
        ("model_card.py", "scene_mobilenet_v2"),
    ):
        app.switch_page(page).run()
        assert says in texts(app), page


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


def test_photo_dialog_corrects_class_and_tags(
    opened: Services, app: AppTest, flower: bytes
) -> None:
    opened.jobs.submit([("dahlia.jpg", flower)]).wait(60)
    (photo_id,) = opened.library.find()
    app.switch_page("gallery.py")
    app.query_params["photo"] = photo_id
    app.run()
    assert "dahlia.jpg" in texts(app)
    next(s for s in app.selectbox if s.label == "Class").set_value("forest").run()
    assert opened.library.photo(photo_id).photo_class == "forest"
    app.multiselect[0].set_value(["Grandma"]).run()
    assert opened.library.photo(photo_id).shown_tags == ("grandma",)
    app.query_params["photo"] = "0" * 64
    app.session_state["open_photo"] = "0" * 64
    app.run()
    assert "holds no photo" in texts(app)


def test_search(opened: Services, app: AppTest, temple: bytes, flower: bytes) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    app.switch_page("search.py").run()
    app.text_input(key="q").set_value("flower").run()
    assert "1 photo" in texts(app)
    app.text_input(key="q").set_value("submarine").run()
    assert "No photo matches" in texts(app)
    app.text_input(key="q").set_value("(flower").run()
    assert "closing bracket" in texts(app)
    app.text_input(key="q").set_value("").run()
    next(b for b in app.button if b.label == "sea").click().run()
    assert app.text_input(key="q").value == "sea"


def test_export_preview(opened: Services, app: AppTest, flower: bytes) -> None:
    opened.jobs.submit([("=dahlia.jpg", flower)]).wait(60)
    app.switch_page("export.py").run()
    said = texts(app)
    assert "'Name': \"'=dahlia.jpg\"" in said
    assert "'Folder': 'flower/', 'Photos': 1" in said
    app.text_input(key="export_q").set_value("class:sea").run()
    assert "No photo matches" in texts(app)
    app.text_input(key="export_q").set_value("a:b").run()
    assert "not a field" in texts(app)


def test_a_filter_is_one_query_line() -> None:
    asked = Filter("sea OR lake", "text_document", ("old town", "Journey"))
    assert asked.line == '(sea OR lake) class:text_document tag:"old town" tag:Journey'
    assert asked.line_without_class == '(sea OR lake) tag:"old town" tag:Journey'
    assert Filter().line == ""
    assert Filter("sea").line == "sea"


def test_the_address_says_what_is_shown(
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
    assert "No photo matches this filter" in texts(app)
    next(b for b in app.button if b.label == "Show all photos").click().run()
    assert "2 of 2 photos" in texts(app)


def test_walking_on_in_the_dialog(opened: Services, app: AppTest, made_photos: Files) -> None:
    opened.jobs.submit(made_photos[:3]).wait(60)
    app.switch_page("gallery.py").run()
    gallery = app.session_state["gallery"]
    ids = gallery.ids("")
    app.session_state["open_photo"] = ids[1]
    app.session_state["open_photo_place"] = PlaceInQuery("", 1)
    app.run()
    app.button(key="walk_next").click().run()
    assert app.session_state["open_photo"] == ids[2]
    assert app.button(key="walk_next").disabled
    app.button(key="walk_previous").click().run()
    app.button(key="dialog_trash").click().run()
    assert app.session_state["open_photo"] == ids[2], "what takes its place"
    assert opened.library.count() == 2


def test_export_options(opened: Services, app: AppTest, temple: bytes, flower: bytes) -> None:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    app.switch_page("export.py").run()
    assert f"2 files in 2 folders, about {(len(temple) + len(flower)) / 1e6:.1f} MB" in texts(app)
    app.segmented_control(key="zip_by").set_value("head:camera").run()
    app.checkbox(key="export_no_place").check().run()
    links = [str(link.proto) for link in app.get("link_button")]
    assert len(links) == 4
    assert all("place=false" in link for link in links)
    assert "by=head%3Acamera" in links[3]


def test_a_missing_model_is_told_plainly(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(tmp_path))
    app.run()
    assert "SCENE_BUNDLE" in texts(app)
    monkeypatch.undo()
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    st.cache_resource.clear()
