"""The page Clutter, and the gallery without what is apart."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.sections.filters import Filter
from scene_model.library.clutter.clutter_edits import set_apart
from scene_model.library.clutter.conditions import is_apart, is_clutter
from scene_model.services import Services
from tests.library.rows import Row, put
from tests.pages.conftest import press, texts

SCREEN = {
    "format": "PNG",
    "width": 1170,
    "height": 2532,
    "auto_clutter": "screenshot",
    "clutter_rule": 1,
}
ROWS = [
    Row("Screenshot_1.png", more=SCREEN),
    Row("Screenshot_2.png", more=SCREEN | {"file_bytes": 9_000_000}),
    Row("pocket.jpg", more={"auto_clutter": "black", "clutter_rule": 1}),
    *(Row(f"IMG_{number}.jpg", more={"clutter_rule": 1}) for number in range(3)),
]


@pytest.fixture
def page(app: AppTest, opened: Services) -> AppTest:
    put(opened.library, ROWS)
    app.switch_page("clutter.py").run()
    return app


def count_apart(opened: Services) -> int:
    return opened.library.count(is_apart())


def test_kinds_with_reasons_and_the_largest_file_first(page: AppTest) -> None:
    shown = texts(page)
    assert "Screenshots: 2 photos" in shown
    assert "Black frames: 1 photo" in shown
    html = "".join(str(getattr(element, "value", "")) for element in page.get("html"))
    assert "It has the size of the screen of a phone or tablet, is a PNG" in html
    assert html.index("Screenshot_2.png") < html.index("Screenshot_1.png")


def test_a_kind_is_set_apart_and_undone(page: AppTest, opened: Services) -> None:
    page.button(key="apart_screenshot_proposed").click().run()
    assert count_apart(opened) == 2
    assert "Screenshots: 2 photos" not in texts(page)
    press(page, "Undo")
    assert count_apart(opened) == 0


def test_all_are_set_apart_and_one_comes_back(page: AppTest, opened: Services) -> None:
    page.button(key="all_apart").click().run()
    assert count_apart(opened) == 3
    page.segmented_control(key="clutter_shown").set_value("apart").run()
    page.button(key=f"keep_{ROWS[2].id[:16]}").click().run()
    assert count_apart(opened) == 2
    assert ROWS[2].id not in opened.library.find(is_clutter())


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        (Filter(), ""),
        (Filter(hides_apart=True), "-is:apart"),
        (Filter("sunset OR sea", hides_apart=True), "(sunset OR sea) -is:apart"),
        (Filter("sea", group="water", hides_apart=True), "sea group:water -is:apart"),
        (Filter("is:clutter", hides_apart=True), "is:clutter"),
        (Filter("sea -clutter:meme", hides_apart=True), "sea -clutter:meme"),
        (Filter("is:Apart OR sea", hides_apart=True), "is:Apart OR sea"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_the_gallery_leaves_out_what_is_apart_by_a_term_of_its_query(
    chosen: Filter, line: str
) -> None:
    assert chosen.full_query == line


def test_the_gallery_leaves_out_what_is_apart_and_says_so(page: AppTest, opened: Services) -> None:
    page.switch_page("gallery.py").run()
    assert "6 of 6 photos" in texts(page)
    set_apart(opened.library, [ROWS[0].id, ROWS[1].id])
    page.run()
    assert "4 of 4 photos" in texts(page)
    links = [link.proto.label for link in page.get("page_link")]
    assert "2 photos are apart in Clutter" in links
    page.text_input(key="gallery_q").set_value("clutter:screenshot").run()
    assert "2 of 6 photos" in texts(page)


def test_the_page_opens_on_what_is_apart_where_nothing_is_proposed(
    page: AppTest, opened: Services
) -> None:
    assert page.segmented_control(key="clutter_shown").value == "proposed"
    set_apart(opened.library, [row.id for row in ROWS[:3]])
    page.run()
    assert "No more proposals." in texts(page), "it does not move while it is open"
    page.switch_page("gallery.py").run()
    page.switch_page("clutter.py").run()
    assert page.segmented_control(key="clutter_shown").value == "apart"
    assert "Screenshots: 2 photos" in texts(page)


def test_photos_are_selected_beside_the_link_to_clutter(page: AppTest, opened: Services) -> None:
    set_apart(opened.library, [ROWS[0].id])
    page.switch_page("gallery.py").run()
    page.session_state["gallery"].select([ROWS[-1].id])
    page.run()
    assert "1 selected" in texts(page)
    assert "1 photo is apart in Clutter" in [link.proto.label for link in page.get("page_link")]
