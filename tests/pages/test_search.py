"""Search: errors with their place, orders that every page shares, searches that are kept."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library import edits
from scene_model.library.sort_order import NEWEST_ADDED, Sort
from scene_model.search.saved_searches import list_searches, save_search
from scene_model.services import Services
from tests.pages.conftest import texts


@pytest.fixture
def filled(opened: Services, temple: bytes, flower: bytes) -> Services:
    opened.jobs.submit([("temple.jpg", temple), ("dahlia.jpg", flower)]).wait(60)
    return opened


def button(app: AppTest, label: str) -> None:
    next(b for b in app.button if b.label == label).click().run()


def ask(app: AppTest, query: str) -> str:
    app.text_input(key="q").set_value(query).run()
    return texts(app)


def shown(app: AppTest) -> list[str]:
    gallery = app.session_state["gallery"]
    return [photo.name for photo in gallery.page(1, 24)]


def on_page(app: AppTest) -> list[dict[str, str]]:
    """The photos in the grid."""
    (grid,) = app.get("bidi_component")
    book = json.loads(grid.proto.json)
    photos: list[dict[str, str]] = book["pages"][str(book["page"])]["photos"]
    return photos


@pytest.mark.parametrize("page", ["search.py", "export.py"])
def test_a_caret_points_at_the_place(filled: Services, app: AppTest, page: str) -> None:
    app.switch_page(page).run()
    key = "q" if page == "search.py" else "export_q"
    app.text_input(key=key).set_value("sea taken:1999-13 -street").run()
    assert "not a date" in texts(app)
    assert app.code[0].value == "sea taken:1999-13 -street\n          ^"


@pytest.mark.parametrize("typed", ["tag:", "(sea", '-"old to', "sea taken:2024-", "sea OR"])
def test_a_line_that_is_still_being_typed_is_no_mistake(
    filled: Services, app: AppTest, typed: str
) -> None:
    app.switch_page("search.py").run()
    said = ask(app, typed)
    assert not app.error
    assert any(word in said for word in ("incomplete", "is not closed", "not a date")), said
    assert any(b.label == "mountain OR glacier" for b in app.button), "the examples stay"
    ask(app, "taken:1999-13 sea")
    assert app.error, "what lies behind is a mistake"


def test_every_kind_of_question(filled: Services, app: AppTest) -> None:
    app.switch_page("search.py").run()
    for query, says in (
        ("album:natur", "1 photo"),
        ("added:today -is:duplicate", "2 photos"),
        ("taken:1900..2100", "No photo matches"),
        ("near:38.72,-9.14,10km", "No photo matches"),
        ("album:nowhere", "There is no album"),
    ):
        assert says in ask(app, query), query
    assert app.session_state["gallery"].query == "near:38.72,-9.14,10km"


def test_an_order_is_the_same_on_every_page(filled: Services, app: AppTest) -> None:
    app.switch_page("search.py").run()
    ask(app, "added:today")
    app.selectbox(key="search_order").set_value(Sort.read("-name")).run()
    assert shown(app) == ["temple.jpg", "dahlia.jpg"]
    app.switch_page("gallery.py").run()
    assert app.selectbox(key="gallery_order").value == Sort.read("-name")
    app.selectbox(key="gallery_order").set_value(Sort.read("name")).run()
    assert shown(app) == ["dahlia.jpg", "temple.jpg"]
    app.switch_page("export.py").run()
    assert app.selectbox(key="export_order").value == Sort.read("name")
    (names,) = [frame.value["Name"].tolist() for frame in app.dataframe if "Name" in frame.value]
    assert names == ["dahlia.jpg", "temple.jpg"]
    assert "sort=name" in str(app.get("link_button")[0].proto)


def test_a_new_question_begins_at_its_first_page(
    opened: Services, app: AppTest, made_photos: list[tuple[str, bytes]], temple: bytes
) -> None:
    copies = [(f"copy_{i:02d}.jpg", temple + bytes([i])) for i in range(42)]
    opened.jobs.submit(copies).wait(60)
    app.switch_page("search.py").run()
    ask(app, "copy")
    app.session_state["search_page"] = 2
    app.run()
    assert len(on_page(app)) == 6
    ask(app, "name:copy")
    assert len(on_page(app)) == 36
    app.session_state["search_page"] = 2
    app.run()
    assert len(on_page(app)) == 6
    app.selectbox(key="search_order").set_value(Sort.read("name")).run()
    assert len(on_page(app)) == 36


def test_save_open_rename_delete(filled: Services, app: AppTest) -> None:
    library = filled.library
    app.switch_page("search.py").run()
    ask(app, "flower")
    app.selectbox(key="search_order").set_value(Sort.read("score")).run()
    app.text_input(key="save_name").set_value("Blossoms")
    button(app, "Save search")
    (kept,) = list_searches(library)
    assert (kept.name, kept.query, kept.sort) == ("Blossoms", "flower", Sort.read("score"))

    app.text_input(key="save_name").set_value("blossoms")
    button(app, "Save search")
    assert "already" in texts(app)

    ask(app, "temple")
    app.selectbox(key="search_order").set_value(NEWEST_ADDED).run()
    button(app, "Blossoms")
    assert app.text_input(key="q").value == "flower"
    assert app.session_state["gallery"].sort == Sort.read("score")
    assert "1 photo" in texts(app)

    app.text_input(key=f"new_name_{kept.id}_Blossoms").set_value("Dahlias")
    button(app, "Rename")
    assert [search.name for search in list_searches(library)] == ["Dahlias"]
    button(app, "Delete")
    assert list_searches(library) == []
    assert not [b for b in app.button if b.label in ("Rename", "Delete", "Dahlias")]


def test_what_another_window_deleted(filled: Services, app: AppTest) -> None:
    kept = save_search(filled.library, "mine", "sea", NEWEST_ADDED)
    app.switch_page("search.py").run()
    app.text_input(key=f"new_name_{kept.id}_mine").set_value("yours")
    with filled.library.database.writer.begin() as connection:
        connection.exec_driver_sql("DELETE FROM saved_searches")
    button(app, "Rename")
    assert "not there any more" in " ".join(toast.value for toast in app.toast)


def test_photos_never_compared(filled: Services, app: AppTest, temple: bytes) -> None:
    filled.jobs.submit([("again.jpg", temple + b"more")]).wait(60)
    with filled.library.database.writer.begin() as connection:
        connection.exec_driver_sql("UPDATE photos SET perceptual_hash = NULL")
        connection.exec_driver_sql("DELETE FROM hash_bands")
    app.switch_page("search.py").run()
    assert "3 photos were never compared" in ask(app, "is:duplicate")
    button(app, "Compare now")
    assert "never compared" not in texts(app)
    assert "2 photos" in texts(app)


def test_the_class_a_person_chose_is_sure(filled: Services, app: AppTest) -> None:
    edits.set_class(filled.library, filled.library.find(), "garden")
    app.switch_page("search.py").run()
    assert "2 photos" in ask(app, "score>=1 class:garden")


def test_photos_like_one_of_the_library(filled: Services, app: AppTest, temple: bytes) -> None:
    filled.jobs.submit([("copy.jpg", temple + b"more")]).wait(60)
    (temple_id,) = filled.gallery().ids("name:temple")
    app.switch_page("gallery.py").run()
    app.session_state["open_photo"] = temple_id
    app.run()
    button(app, "Similar")
    assert temple_id in app.query_params["like"]
    assert "Similar to “temple" in texts(app)
    assert [photo["name"] for photo in on_page(app)] == ["copy.jpg", "dahlia.jpg"]
    assert on_page(app)[0]["lines"][0] == "100% alike"


def test_a_link_to_similar_photos(filled: Services, app: AppTest) -> None:
    (temple_id,) = filled.gallery().ids("name:temple")
    app.switch_page("search.py")
    app.query_params["like"] = temple_id
    app.run()
    assert [photo["name"] for photo in on_page(app)] == ["dahlia.jpg"]
    button(app, "Back to the query")
    assert "Try one:" in texts(app)
    assert "like" not in app.query_params
    app.query_params["like"] = temple_id
    app.run()
    assert "Similar to" in texts(app)
    assert "1 photo" in ask(app, "name:temple"), "a query ends the comparison"
    assert "like" not in app.query_params
    app.query_params["like"] = "0" * 64
    app.run()
    assert "holds no photo" in texts(app)


def test_photos_like_a_picture_that_is_not_kept(
    filled: Services, app: AppTest, flower: bytes
) -> None:
    app.switch_page("search.py").run()
    app.file_uploader[0].upload("mine.jpg", flower + b"!", "image/jpeg").run()
    assert "Similar to your picture" in texts(app)
    assert [photo["name"] for photo in on_page(app)] == ["dahlia.jpg", "temple.jpg"]
    assert filled.library.count() == 2
    button(app, "Back to the query")
    assert "Try one:" in texts(app)
    app.file_uploader[0].upload("mine.jpg", b"no picture", "image/jpeg").run()
    assert app.error
    assert not app.exception
