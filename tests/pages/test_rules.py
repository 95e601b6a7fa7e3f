"""The page Rules: a rule is made, tried, made active, runs on new photos, and its run is undone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.library.albums.album_edits import create_album
from scene_model.library.edits import add_tag
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import Rule, all_rules
from scene_model.services import Services
from tests.library.rows import Row, add, put
from tests.pages.conftest import labels, notice_text, press, texts

pytestmark = pytest.mark.slow

DOGS = [Row(f"dog_{number}.jpg") for number in range(3)]
NEW = {"awaits_rules": True}


@pytest.fixture
def page(app: AppTest, opened: Services) -> AppTest:
    put(opened.library, [*DOGS, Row("cat.jpg")])
    app.switch_page("rules.py").run()
    return app


@pytest.fixture
def tags(opened: Services) -> Callable[[str], tuple[str, ...]]:
    return lambda name: tuple(opened.library.photo(Row(name).id).shown_tags)


def make(page: AppTest, name: str, query: str, tag: str) -> None:
    page.button(key="new_rule").click().run()
    page.text_input(key="rule_name_0").set_value(name)
    page.text_input(key="rule_query_0").set_value(query)
    page.multiselect(key="rule_tags_0").set_value([tag])
    press(page, "Save and try")


def only(services: Services) -> Rule:
    (rule,) = all_rules(services.library)
    return rule


def test_an_empty_page_says_what_rules_are_for(page: AppTest) -> None:
    assert "No rules yet. For example" in texts(page)
    assert [header.value for header in page.header] == []


def test_a_rule_is_tried_before_it_is_active(
    page: AppTest, opened: Services, tags: Callable[[str], tuple[str, ...]]
) -> None:
    add_tag(opened.library, [DOGS[0].id], "Rex")
    make(page, "Our dog", "name:dog", "Rex")
    shown = texts(page)
    assert "Dry run: 3 photos match now." in shown
    assert "Add the tag “Rex”: 2 photos; 1 left as you decided" in shown
    html = "".join(str(getattr(element, "value", "")) for element in page.get("html"))
    assert all(row.id in html for row in DOGS)
    assert not only(opened).is_active
    assert "Rex" not in tags("dog_1.jpg")
    press(page, "Make active")
    assert only(opened).is_active
    assert notice_text(page) == "Rule “Our dog” is active for photos that come in from now on."
    assert "It has not changed any photo yet." in texts(page)
    add(opened.library, Row("dog_new.jpg", more=NEW))
    opened.rules.run_new()
    page.run()
    assert ("Rex" in tags("dog_new.jpg"), "Rex" in tags("dog_1.jpg")) == (True, False)
    assert "Changed 1 photo today, 1 photo in all." in texts(page)
    assert "Our dog: add the tag “Rex”, 1 photo" in texts(page).replace("**", "")
    page.button(key="undo_run_1").click().run()
    assert notice_text(page) == "Undone: rule “Our dog”, 1 photo changed back."
    assert "Rex" not in tags("dog_new.jpg")


def test_a_rule_runs_on_all_photos_now(
    page: AppTest, opened: Services, tags: Callable[[str], tuple[str, ...]]
) -> None:
    make(page, "Our dog", "name:dog", "Rex")
    press(page, "Run on 3 photos now")
    assert notice_text(page) == "Rule “Our dog” changed 3 photos."
    assert all("Rex" in tags(row.name) for row in DOGS)
    assert "Rex" not in tags("cat.jpg")
    assert page.button(key="run_rule_1").disabled
    assert "(run on all photos)" in texts(page)


def test_photos_are_copied_into_a_folder(page: AppTest, opened: Services, tmp_path: Path) -> None:
    for row in DOGS:
        path = opened.library.files.copy_location(row.id, "JPEG")
        path.parent.mkdir(exist_ok=True)
        path.write_text(row.name)
    page.button(key="new_rule").click().run()
    page.text_input(key="rule_name_0").set_value("Copies")
    page.text_input(key="rule_query_0").set_value("name:dog")
    page.text_input(key="rule_folder_0").set_value(str(tmp_path / "missing"))
    press(page, "Save and try")
    assert "does not exist. Connect its disk or make the folder" in texts(page)
    (tmp_path / "sorted").mkdir()
    page.text_input(key="rule_folder_0").set_value(str(tmp_path / "sorted"))
    page.selectbox(key="rule_layout_0").set_value("{class}/{name}")
    press(page, "Save and try")
    assert "Copies: 3 files in `sea`" in texts(page)
    press(page, "Run on 3 photos now")
    assert notice_text(page) == "Rule “Copies” handled 3 photos: 3 copies made."
    copies = tmp_path / "sorted" / "sea"
    assert sorted(path.name for path in copies.iterdir()) == [row.name for row in DOGS]
    page.button(key="edit_rule_1").click().run()
    assert page.selectbox(key="rule_layout_1").value == "{class}/{name}"
    press(page, "Cancel")
    page.button(key="undo_run_1").click().run()
    assert notice_text(page) == "Undone: rule “Copies”, 3 photos changed back, 3 copies removed."
    assert not copies.exists()


def test_sidecars_are_written_and_removed(page: AppTest, opened: Services, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    birds = [Row(f"bird_{n}.jpg", more={"reference": pictures / f"{n}.jpg"}) for n in range(2)]
    add(opened.library, *birds, Row("bird_2.jpg"))
    add_tag(opened.library, [bird.id for bird in birds], "Robin")
    for n in range(2):
        (pictures / f"{n}.jpg").write_text("")
    (pictures / "0.xmp").write_text("of another program")
    page.button(key="new_rule").click().run()
    page.text_input(key="rule_name_0").set_value("Birds")
    page.text_input(key="rule_query_0").set_value("name:bird")
    page.checkbox(key="rule_sidecar_0").check()
    press(page, "Save and try")
    assert "Write XMP sidecars: 2 photos" in texts(page)
    assert (
        "Sidecars: 1 would be written; 1 photo has one already, which stays; 1 is stored in the "
        "library or at URLs, where none are written"
    ) in texts(page)
    press(page, "Run on 2 photos now")
    written = "1 sidecar written. 1 photo has a sidecar already; it stays"
    assert notice_text(page) == f"Rule “Birds” handled 2 photos: {written}."
    assert f"Sidecars: {written}" in texts(page)
    assert (pictures / "1.jpg.xmp").exists()
    page.button(key="edit_rule_1").click().run()
    assert page.checkbox(key="rule_sidecar_1").value
    press(page, "Cancel")
    page.button(key="undo_run_1").click().run()
    assert notice_text(page) == "Undone: rule “Birds”, 2 photos changed back, 1 sidecar removed."
    assert sorted(path.name for path in pictures.iterdir()) == ["0.jpg", "0.xmp", "1.jpg"]


def test_errors_keep_what_was_typed(page: AppTest, opened: Services) -> None:
    make(page, "Our dog", "(dog", "Rex")
    assert page.error[0].value
    assert page.text_input(key="rule_query_0").value == "(dog"
    page.text_input(key="rule_query_0").set_value("dog")
    page.multiselect(key="rule_tags_0").set_value([])
    press(page, "Save and try")
    assert "The rule does nothing." in texts(page)
    assert all_rules(opened.library) == []
    press(page, "Cancel")
    assert "Save and try" not in labels(page)


def test_a_rule_is_changed_paused_moved_and_deleted(page: AppTest, opened: Services) -> None:
    album_id = create_album(opened.library, "Pets")
    for name in ("First", "Second"):
        make(page, name, "name:dog", name)
        press(page, "Make active")
    first, second = all_rules(opened.library)
    page.button(key=f"up_rule_{second.id}").click().run()
    assert [rule.name for rule in all_rules(opened.library)] == ["Second", "First"]
    page.button(key=f"pause_rule_{first.id}").click().run()
    assert [rule.is_active for rule in all_rules(opened.library)] == [True, False]
    page.button(key=f"edit_rule_{second.id}").click().run()
    assert page.text_input(key=f"rule_query_{second.id}").value == "name:dog"
    page.selectbox(key=f"rule_album_{second.id}").set_value("Pets")
    page.selectbox(key=f"rule_rating_{second.id}").set_value(4)
    page.checkbox(key=f"rule_favourite_{second.id}").check()
    press(page, "Save and try")
    changed = all_rules(opened.library)[0]
    assert changed.actions == (
        Action(ActionKind.TAG, "Second"),
        Action(ActionKind.ALBUM, str(album_id)),
        Action(ActionKind.RATING, "4"),
        Action(ActionKind.FAVOURITE),
    )
    assert not changed.is_active, "it does something else now"
    page.button(key=f"delete_rule_{second.id}").click().run()
    assert [rule.name for rule in all_rules(opened.library)] == ["First"]


def test_a_rule_that_paused_itself_says_why(page: AppTest, opened: Services) -> None:
    create_album(opened.library, "Pets")
    make(page, "Our dog", "name:dog", "Rex")
    press(page, "Make active")
    page.button(key="edit_rule_1").click().run()
    page.selectbox(key="rule_album_1").set_value("Pets")
    press(page, "Save and try")
    press(page, "Make active")
    press(page, "Undo")  # the album is gone again
    add(opened.library, Row("dog_new.jpg", more=NEW))
    opened.rules.run_new()
    page.run()
    assert "Paused itself: The album “Pets” no longer exists." in texts(page)
    page.button(key="try_rule_1").click().run()
    assert "The rule cannot run. The album “Pets” no longer exists." in texts(page)
    assert "Make active" not in labels(page)
