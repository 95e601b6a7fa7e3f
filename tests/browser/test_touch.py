"""Photos of a grid by finger: a tap opens, a long press selects, scrolling does neither."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit, at_rest
from tests.browser.fingers import Point, glide, press
from tests.conftest import ASSETS

pytestmark = [pytest.mark.tools, pytest.mark.read_only]
# What the browser would show a menu for.
COUNT_MENUS = """window.menus = 0; addEventListener("contextmenu", (event) => {
  if (!event.defaultPrevented) window.menus += 1; })"""


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    """20 copies of a temple."""
    temple = (ASSETS / "china.jpg").read_bytes()
    paths = [tmp_path / f"copy_{i:02d}.jpg" for i in range(20)]
    for i, path in enumerate(paths):
        path.write_bytes(temple + bytes([i]))
    return paths


def open_gallery(phone: Visit, query: str = "name:copy") -> Page:
    phone.page.add_init_script(COUNT_MENUS)
    page = phone.open(f"gallery?q={query}&sort=name")
    expect(page.locator(".cell img").first).to_have_js_property("complete", True)
    at_rest(page)
    return page


def middle(cell: Locator) -> Point:
    box = cell.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def expect_selected(page: Page, *names: str) -> None:
    """Check that exactly some photos are selected, here and on the server."""
    chosen = page.locator(".cell.selected")
    expect(chosen).to_have_count(len(names))
    for i, name in enumerate(names):
        expect(chosen.nth(i)).to_contain_text(name)
    if names:
        expect(page.get_by_text(f"{len(names)} selected", exact=True)).to_be_visible()


def test_a_long_press_selects_and_taps_select_more(phone: Visit) -> None:
    page = open_gallery(phone)
    cells = page.locator(".cell")
    press(page, middle(cells.nth(1)))
    expect_selected(page, "copy_01.jpg")
    page.touchscreen.tap(*middle(cells.nth(3)))
    expect_selected(page, "copy_01.jpg", "copy_03.jpg")
    press(page, middle(cells.nth(2)))
    expect_selected(page, "copy_01.jpg", "copy_02.jpg", "copy_03.jpg")
    for i in (1, 2, 3):
        page.touchscreen.tap(*middle(cells.nth(i)))
    expect_selected(page)
    at_rest(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("window.menus") == 0
    assert page.evaluate("getSelection().toString()") == ""
    page.touchscreen.tap(*middle(cells.nth(3)))
    expect(page.get_by_role("dialog")).to_have_accessible_name(re.compile("copy_03.jpg$"))


def test_scrolling_and_pinching_select_nothing(phone: Visit) -> None:
    page = open_gallery(phone)
    x, y = middle(page.locator(".cell").nth(4))
    glide(page, [((x, y + 150), (x, y - 150))])
    page.wait_for_function(
        "() => scrollY > 0 || document.querySelector('[data-testid=stMain]').scrollTop > 0"
    )
    glide(page, [((x, y), (x - 60, y)), ((x + 40, y), (x + 100, y))])
    page.wait_for_timeout(800)
    expect_selected(page)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_enter_opens_while_photos_are_selected(phone: Visit) -> None:
    page = open_gallery(phone)
    press(page, middle(page.locator(".cell").first))
    expect_selected(page, "copy_00.jpg")
    at_rest(page)
    page.locator(".open").nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_accessible_name(re.compile("copy_02.jpg$"))
