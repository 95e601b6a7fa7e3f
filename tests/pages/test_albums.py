"""The page Albums: cards, an open album with its tools, and where albums are made."""

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library import edits
from scene_model.library.albums.album_edits import (
    add_to_album,
    create_album,
    create_query_album,
)
from scene_model.library.albums.own_albums import own_albums
from scene_model.library.sort_order import BEST_MATCH, Sort
from scene_model.search.saved_searches import save_search
from scene_model.services import Services
from tests.pages.conftest import labels, notice_text, press, texts


@pytest.fixture
def filled(
    opened: Services, temple: bytes, flower: bytes, made_photos: list[tuple[str, bytes]]
) -> Services:
    files = [("temple.jpg", temple), ("dahlia.jpg", flower), *made_photos[:3]]
    opened.jobs.submit(files).wait(60)
    return opened


def ids(services: Services, *names: str) -> list[str]:
    return [services.gallery().ids(f"name:{name}")[0] for name in names]


def albums(services: Services) -> list[str]:
    return [album.name for album in own_albums(services.library)]


def shown(services: Services, query: str) -> list[str]:
    return [p.name for p in services.library.records(services.gallery().ids(query))]


def open_album(app: AppTest, name: str) -> None:
    app.query_params["album"] = name
    app.switch_page("albums.py").run()


def test_an_empty_library_says_how_to_begin(app: AppTest) -> None:
    app.run()
    app.switch_page("albums.py").run()
    assert [title.value for title in app.title] == ["Albums"]
    assert "Select photos in the Gallery" in texts(app)
    assert "No photo matches a rule yet." in texts(app)


def test_both_kinds_are_cards(filled: Services, app: AppTest) -> None:
    create_album(filled.library, "My [trip]", ids(filled, "temple", "dahlia"))
    create_query_album(filled.library, "Flowers", "tag:flower")
    app.switch_page("albums.py").run()
    cards = [label for label in labels(app) if label.startswith("**")]
    assert cards[:2] == ["**Flowers**  \n1 photo", "**My \\[trip\\]**  \n2 photos"]
    assert any(card.startswith("**Nature**") for card in cards)
    page = texts(app)
    assert "Follows the search “tag:flower”" in page
    assert "with the tag" in page, "why photos are in a rule album"
    assert "**Friends**: Photos that you tag “Friends”" in page
    assert sum("album-cover" in html.proto.body for html in app.get("html")) >= 3


def test_an_album_is_made_renamed_and_deleted(filled: Services, app: AppTest) -> None:
    app.switch_page("albums.py").run()
    app.text_input(key="new_album").set_value(' a "quote"')
    press(app, "Make album")
    assert "cannot contain a quotation mark" in texts(app)
    app.text_input(key="new_album").set_value("  Our   trip")
    press(app, "Make album")
    assert albums(filled) == ["Our trip"]
    press(app, "**Our trip**  \n0 photos")
    assert "This album is empty" in texts(app)
    assert app.query_params["album"] == "Our trip"
    name = next(field for field in app.text_input if field.label == "Name")
    name.set_value("Journey")
    press(app, "Rename")
    assert albums(filled) == ["Journey"]
    assert app.query_params["album"] == "Journey"
    press(app, "Delete album")
    assert albums(filled) == []
    assert "album" not in app.query_params
    press(app, "Undo")
    assert albums(filled) == ["Journey"]


def album_menu_for_two() -> None:
    """The contents of the “Album” popover with two photos selected; AppTest cannot open it."""
    from pages.sections.bulk_edit import album_menu, undo_buttons
    from pages.sections.undo_button import show_edit_notice
    from pages.state.session import get_gallery

    gallery = get_gallery()
    gallery.selection = gallery.ids("name:dahlia") + gallery.ids("name:temple")
    album_menu()
    undo_buttons(False)
    show_edit_notice()


def test_photos_are_put_in_from_the_gallery(filled: Services) -> None:
    create_album(filled.library, "Our trip", ids(filled, "temple"))
    create_query_album(filled.library, "Flowers", "tag:flower")
    app = AppTest.from_function(album_menu_for_two, default_timeout=60).run()
    assert app.selectbox(key="bulk_album").options == ["Our trip"], "none that follows a search"
    app.selectbox(key="bulk_album").set_value("Our trip").run()
    press(app, "Add to album")
    assert notice_text(app) == "Added to “Our trip”: 1 photo."
    assert shown(filled, 'album:"our trip"') == ["temple.jpg", "dahlia.jpg"]
    press(app, "Undo")
    assert shown(filled, 'album:"our trip"') == ["temple.jpg"]


def test_the_tools_of_an_open_album(filled: Services, app: AppTest) -> None:
    album_id = create_album(filled.library, "Trip", ids(filled, "temple", "dahlia", "made_00"))
    open_album(app, "trip")
    assert [title.value for title in app.title] == ["Trip"]
    assert "3 photos · Photos that you chose" in texts(app)
    assert app.selectbox(key="albums_order").value == BEST_MATCH
    app.session_state["gallery"].select(ids(filled, "made_00"))
    app.run()
    press(app, "Move to start")
    assert shown(filled, "album:trip") == ["made_00.jpg", "temple.jpg", "dahlia.jpg"]
    press(app, "Cover")
    assert own_albums(filled.library)[0].cover == ids(filled, "made_00")[0]
    press(app, "Remove")
    assert shown(filled, "album:trip") == ["temple.jpg", "dahlia.jpg"]
    assert filled.library.count() == 5, "the photos stay"
    assert app.session_state["gallery"].selection == []
    press(app, "Undo")
    assert shown(filled, "album:trip") == ["made_00.jpg", "temple.jpg", "dahlia.jpg"]
    order = next(field for field in app.selectbox if field.label == "Order of the photos")
    order.set_value(Sort.read("taken")).run()
    assert own_albums(filled.library)[0].sort == "taken"
    assert add_to_album(filled.library, album_id, ids(filled, "made_01")).photo_count == 1
    links = [button.proto.url for button in app.get("link_button")]
    assert any("export.zip?q=album%3ATrip&sort=match" in url for url in links), links


def test_export_gets_the_query(filled: Services, app: AppTest) -> None:
    create_album(filled.library, "Our trip", ids(filled, "temple"))
    open_album(app, "Our trip")
    press(app, "Tables and options")
    assert app.text_input(key="export_q").value == 'album:"Our trip"'
    assert "1 photo" in texts(app)


def test_an_unknown_album_is_named(filled: Services, app: AppTest) -> None:
    open_album(app, "nowhere*")
    assert "There is no album “nowhere*”." in texts(app)
    assert [title.value for title in app.title] == ["Albums"]


def test_a_circle_of_searches_is_named_and_fails_nothing_else(
    filled: Services, app: AppTest
) -> None:
    create_query_album(filled.library, "First", "album:second")
    create_query_album(filled.library, "Second", "album:first")
    app.switch_page("albums.py").run()
    assert "First → Second → First" in texts(app)
    open_album(app, "First")
    assert "leads back to it" in texts(app)
    press(app, "Delete album")
    assert albums(filled) == ["Second"]


def test_a_saved_search_becomes_an_album(filled: Services, app: AppTest) -> None:
    save_search(filled.library, "Flowers", "tag:flower", Sort.read("name"))
    app.switch_page("search.py").run()
    press(app, "Make album")
    (album,) = own_albums(filled.library)
    assert (album.name, album.query, album.sort) == ("Flowers", "tag:flower", "name")
    assert shown(filled, "album:flowers") == ["dahlia.jpg"]
    press(app, "Make album")
    assert any("already have an album" in toast.value for toast in app.toast)


def test_a_photo_says_why_it_is_in_an_album(filled: Services, app: AppTest) -> None:
    create_album(filled.library, "Our trip", ids(filled, "dahlia"))
    create_query_album(filled.library, "Flowers", "tag:flower")
    app.query_params["photo"] = ids(filled, "dahlia")[0]
    app.switch_page("gallery.py").run()
    page = texts(app)
    assert "Our trip (put there by you)" in page
    assert "Flowers (found by “tag:flower”)" in page
    assert "Nature (tag Flower" in page


def test_completion_offers_own_albums(filled: Services, app: AppTest) -> None:
    create_album(filled.library, "Our trip", ids(filled, "dahlia"))
    edits.move_to_trash(filled.library, ids(filled, "temple"))
    app.switch_page("search.py").run()
    app.text_input(key="q").set_value("album:ou").run()
    press(app, "album\\:Our trip")
    assert app.text_input(key="q").value == 'album:"Our trip"'
    assert "1 photo" in texts(app)


def rules_page() -> None:
    """The editor alone and open."""
    import streamlit as st

    from pages.sections.albums.rule_editor import rule_editor

    st.session_state.setdefault("rule_editor", True)
    rule_editor("albums")


def test_rules_are_edited_with_the_line_of_a_mistake(filled: Services) -> None:
    app = AppTest.from_function(rules_page, default_timeout=60).run()
    assert "These are the built-in rules" in texts(app)
    app.text_area(key="rule_text").set_value("[[album]]\nid = 1\n").run()
    press(app, "Save rules")
    assert "line 2" in texts(app)
    assert app.code[0].value == "2: id = 1"
    assert filled.model.albums.find("pets") is not None
    rules = '[[album]]\nid = "mine"\nname = "Mine"\n[[album.rule]]\ntags = ["flower"]\n'
    app.text_area(key="rule_text").set_value(rules).run()
    press(app, "Save rules")
    assert shown(filled, "album:mine") == ["dahlia.jpg"]
    assert filled.model.albums.find("pets") is None
    assert "These are your rules, stored in your library" in texts(app)
    press(app, "Load built-in rules")
    assert filled.model.albums.find("pets") is None, "not before they are saved"
    press(app, "Save rules")
    assert filled.model.albums.find("pets") is not None


def test_rules_changed_elsewhere_are_not_overwritten(filled: Services) -> None:
    app = AppTest.from_function(rules_page, default_timeout=60).run()
    app.text_area(key="rule_text").set_value("# other\n").run()
    rules = '[[album]]\nid = "mine"\nname = "Mine"\nunknowable = "ask"\n'
    filled.album_rules.use(rules)
    press(app, "Save rules")
    assert "changed elsewhere" in texts(app)
    assert filled.album_rules.text() == rules
    press(app, "Discard changes")
    assert app.text_area(key="rule_text").value == rules


def test_search_results_are_put_into_an_album(filled: Services, app: AppTest) -> None:
    create_album(filled.library, "Our trip")
    app.switch_page("search.py").run()
    app.text_input(key="q").set_value("name:temple").run()
    press(app, "Select all 1")
    app.selectbox(key="search_album").set_value("Our trip").run()
    press(app, "Add to album")
    assert shown(filled, "album:our_trip") == ["temple.jpg"]
    press(app, "Undo")
    assert shown(filled, "album:our_trip") == []
