"""Search: error positions, shared sort order, saved searches, similar photos."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library import edits
from scene_model.library.sort_order import NEWEST_ADDED, Sort
from scene_model.search.saved_searches import list_searches, save_search
from scene_model.services import Services
from tests.pages.conftest import click, notice_text, press, texts


@pytest.fixture
def filled(opened: Services, temple: bytes, flower: bytes) -> Services:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    return opened


def search(app: AppTest, query: str) -> str:
    app.text_input(key="q").set_value(query).run()
    return texts(app)


def shown(app: AppTest) -> list[str]:
    gallery = app.session_state["gallery"]
    return [photo.name for photo in gallery.page(1, 24)]


def on_page(app: AppTest) -> list[dict[str, str]]:
    """The photos in the grid."""
    sent = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    (data,) = (data for data in sent if "pages" in data)
    photos: list[dict[str, str]] = data["pages"][str(data["page"])]["photos"]
    return photos


@pytest.mark.parametrize("page", ["search.py", "export.py"])
def test_caret_points_at_the_error(filled: Services, app: AppTest, page: str) -> None:
    app.switch_page(page).run()
    key = "q" if page == "search.py" else "export_q"
    app.text_input(key=key).set_value("sea taken:1999-13 -street").run()
    assert "not a date" in texts(app)
    assert app.code[0].value == "sea taken:1999-13 -street\n          ^"


@pytest.mark.parametrize("typed", ["tag:", "(sea", '-"old to', "sea taken:2024-", "sea OR"])
def test_incomplete_query_is_not_an_error(filled: Services, app: AppTest, typed: str) -> None:
    app.switch_page("search.py").run()
    text = search(app, typed)
    assert not app.error
    assert any(word in text for word in ("incomplete", "is not closed", "not a date")), text
    assert any(b.label == "mountain OR glacier" for b in app.button), "the examples stay"
    search(app, "taken:1999-13 sea")
    assert app.error, "an earlier word is an error"


def test_query_kinds(filled: Services, app: AppTest) -> None:
    app.switch_page("search.py").run()
    for query, expected in (
        ("album:natur", "1 photo"),
        ("added:today -is:duplicate", "2 photos"),
        ("taken:1900..2100", "No photos match"),
        ("near:38.72,-9.14,10km", "No photos match"),
        ("album:nowhere", "There is no album"),
    ):
        assert expected in search(app, query), query
    assert app.session_state["gallery"].query == "near:38.72,-9.14,10km"


def test_plain_words(filled: Services, app: AppTest) -> None:
    filled.search_choice.use(None)  # no word is part of a sentence
    edits.add_tag(filled.library, filled.library.find(), "lisbon")
    app.switch_page("search.py").run()
    text = search(app, "photos of flowers in lisbon")
    assert "1 photo\n" in text and "Ignored words: photos, of, in" in text
    assert "Ignored words" not in search(app, "flowers lisbon")
    assert "2 photos" in search(app, "flowers or lisbon")
    assert "1 photo" in search(app, "lisbon without flowers")
    assert "Ignored words: in" in search(app, "nothing in lisbon"), "also without photos"
    for page, key in (("gallery.py", "gallery_q"), ("export.py", "export_q")):
        app.switch_page(page).run()
        for query in ("photos of flowers in lisbon", "nothing in lisbon"):
            app.text_input(key=key).set_value(query).run()
            assert "in" in texts(app).split("Ignored words: ")[1].split("\n")[0].split(", "), page
        app.text_input(key=key).set_value("flowers lisbon").run()
        assert "Ignored words" not in texts(app), page


def test_words_that_no_photo_has_together(filled: Services, app: AppTest) -> None:
    edits.add_tag(filled.library, filled.gallery().ids("name:temple"), "at_dusk")
    app.switch_page("search.py").run()
    text = search(app, "flower at_dusk")
    assert "No photo has all of these." in text
    assert "Alone: “flower” 1 photo · “at_dusk” 1 photo" in text
    click(app, "Without “at")
    assert app.text_input(key="q").value == "flower"
    assert shown(app) == ["dahlia.jpg"]
    assert "No photos match “has:gps” or “camera:leica”." in search(
        app, "flower has:gps camera:leica"
    )
    press(app, r"Without “has\:gps” and “camera\:leica”: 1 photo")
    assert app.text_input(key="q").value == "flower"


@pytest.mark.parametrize("typed", ["lizbon", "lis"])
def test_a_misspelt_word_and_the_beginning_of_a_label(
    filled: Services, app: AppTest, typed: str
) -> None:
    edits.add_tag(filled.library, filled.gallery().ids("name:dahlia"), "lisbon")
    app.switch_page("search.py").run()
    assert f"No photos match “{typed}”." in search(app, typed)
    press(app, f"“lisbon” instead of “{typed}”: 1 photo")
    assert app.text_input(key="q").value == "lisbon"
    assert shown(app) == ["dahlia.jpg"]


def test_results_are_selected_tagged_and_opened_in_the_gallery(
    filled: Services, app: AppTest
) -> None:
    app.switch_page("search.py").run()
    search(app, "name:dahlia OR name:temple")
    assert "0 selected" in texts(app)
    press(app, "Select all 2")
    assert "2 selected" in texts(app)
    app.session_state["search_tag"] = "sunset"
    app.run()
    press(app, "Add")
    assert filled.gallery().count("is:edited") == 2
    assert "2 photos" in notice_text(app)
    press(app, "Undo")
    assert filled.gallery().count("is:edited") == 0
    press(app, "Clear")
    assert "0 selected" in texts(app)
    search(app, "name:dahlia")
    press(app, "Select all 1")
    press(app, "Open selection in Gallery")
    assert app.title[0].value == "Gallery"
    assert app.text_input(key="gallery_q").value == "name:dahlia"
    assert "1 selected" in texts(app)


def test_sort_order_is_shared_by_all_pages(filled: Services, app: AppTest) -> None:
    app.switch_page("search.py").run()
    search(app, "added:today")
    app.selectbox(key="search_order").set_value(Sort.read("-name")).run()
    assert shown(app) == ["temple.jpg", "dahlia.jpg"]
    app.switch_page("gallery.py").run()
    assert app.selectbox(key="gallery_order").value == Sort.read("-name")
    app.selectbox(key="gallery_order").set_value(Sort.read("name")).run()
    assert shown(app) == ["dahlia.jpg", "temple.jpg"]
    app.switch_page("export.py").run()
    assert app.selectbox(key="export_order").value == Sort.read("name")
    tables = [frame.value["Name"].tolist() for frame in app.dataframe if "Name" in frame.value]
    assert tables == [["dahlia.jpg", "temple.jpg"]] * 2
    assert "sort=name" in str(app.get("link_button")[0].proto)


def test_new_query_or_order_starts_at_page_1(
    opened: Services, app: AppTest, made_photos: list[tuple[str, bytes]], temple: bytes
) -> None:
    copies = [(f"copy_{i:02d}.jpg", temple + bytes([i])) for i in range(42)]
    opened.jobs.submit(copies).wait(60)
    app.switch_page("search.py").run()
    search(app, "copy")
    app.session_state["search_page"] = 2
    app.run()
    assert len(on_page(app)) == 6
    search(app, "name:copy")
    assert len(on_page(app)) == 36
    app.session_state["search_page"] = 2
    app.run()
    assert len(on_page(app)) == 6
    app.selectbox(key="search_order").set_value(Sort.read("name")).run()
    assert len(on_page(app)) == 36


def test_save_open_rename_delete(filled: Services, app: AppTest) -> None:
    library = filled.library
    app.switch_page("search.py").run()
    search(app, "flower")
    app.selectbox(key="search_order").set_value(Sort.read("score")).run()
    app.text_input(key="save_name").set_value("Blossoms")
    press(app, "Save search")
    (saved,) = list_searches(library)
    assert (saved.name, saved.query, saved.sort) == ("Blossoms", "flower", Sort.read("score"))

    app.text_input(key="save_name").set_value("blossoms")
    press(app, "Save search")
    assert "already" in texts(app)

    search(app, "temple")
    app.selectbox(key="search_order").set_value(NEWEST_ADDED).run()
    press(app, "Blossoms")
    assert app.text_input(key="q").value == "flower"
    assert app.session_state["gallery"].sort == Sort.read("score")
    assert "1 photo" in texts(app)

    app.text_input(key=f"new_name_{saved.id}_Blossoms").set_value("Dahlias")
    press(app, "Rename")
    assert [search.name for search in list_searches(library)] == ["Dahlias"]
    press(app, "Delete")
    assert list_searches(library) == []
    assert not [b for b in app.button if b.label in ("Rename", "Delete", "Dahlias")]


def test_search_deleted_in_another_window(filled: Services, app: AppTest) -> None:
    saved = save_search(filled.library, "mine", "sea", NEWEST_ADDED)
    app.switch_page("search.py").run()
    app.text_input(key=f"new_name_{saved.id}_mine").set_value("yours")
    with filled.library.database.writer.begin() as connection:
        connection.exec_driver_sql("DELETE FROM saved_searches")
    press(app, "Rename")
    assert "no longer exists" in " ".join(toast.value for toast in app.toast)


def test_photos_not_compared_yet(filled: Services, app: AppTest, temple: bytes) -> None:
    filled.jobs.submit([("again.jpg", temple + b"more")]).wait(60)
    with filled.library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photos SET perceptual_hash = NULL")
        connection.exec_driver_sql("DELETE FROM hash_bands")
    app.switch_page("search.py").run()
    assert "3 photos have not been compared" in search(app, "is:duplicate")
    press(app, "Compare now")
    assert "not been compared" not in texts(app)
    assert "2 photos" in texts(app)


def test_class_set_by_a_person_has_score_1(filled: Services, app: AppTest) -> None:
    edits.set_class(filled.library, filled.library.find(), "garden")
    app.switch_page("search.py").run()
    assert "2 photos" in search(app, "score>=1 class:garden")


def test_similar_to_a_library_photo(filled: Services, app: AppTest, temple: bytes) -> None:
    filled.jobs.submit([("copy.jpg", temple + b"more")]).wait(60)
    (temple_id,) = filled.gallery().ids("name:temple")
    app.switch_page("gallery.py").run()
    app.session_state["open_photo"] = temple_id
    app.run()
    press(app, "Find similar")
    assert temple_id in app.query_params["like"]
    assert "Similar to “temple" in texts(app)
    assert [photo["name"] for photo in on_page(app)] == ["copy.jpg", "dahlia.jpg"]
    assert on_page(app)[0]["lines"][0] == "100% similar"


def test_url_of_similar_photos(filled: Services, app: AppTest) -> None:
    (temple_id,) = filled.gallery().ids("name:temple")
    app.switch_page("search.py")
    app.query_params["like"] = temple_id
    app.run()
    assert [photo["name"] for photo in on_page(app)] == ["dahlia.jpg"]
    press(app, "Back to search")
    assert "Examples:" in texts(app)
    assert "like" not in app.query_params
    app.query_params["like"] = temple_id
    app.run()
    assert "Similar to" in texts(app)
    assert "1 photo" in search(app, "name:temple"), "a query replaces the similar photos"
    assert "like" not in app.query_params
    app.query_params["like"] = "0" * 64
    app.run()
    assert "has no photo" in texts(app)


def test_similar_to_an_uploaded_image_that_is_not_saved(
    filled: Services, app: AppTest, flower: bytes
) -> None:
    app.switch_page("search.py").run()
    app.file_uploader[0].upload("mine.jpg", flower + b"!", "image/jpeg").run()
    assert "Similar to your image" in texts(app)
    assert [photo["name"] for photo in on_page(app)] == ["dahlia.jpg", "temple.jpg"]
    assert filled.library.count() == 2
    press(app, "Back to search")
    assert "Examples:" in texts(app)
    app.file_uploader[0].upload("mine.jpg", b"no picture", "image/jpeg").run()
    assert app.error
    assert not app.exception
