"""Albums in a real browser: made from a selection by keyboard, found by album:, changed."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import go, serious, undo_button
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.libraries import real_photos

pytestmark = pytest.mark.tools


@pytest.fixture
def library_photos() -> list[Path]:
    return real_photos(8)


def select_first(page: Page, count: int) -> None:
    """Select the first photos of a grid by keyboard."""
    page.locator(".cell .open, .cell button").first.focus()
    for _ in range(count):
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"{count} selected", exact=True)).to_be_visible()


def names(page: Page) -> list[str]:
    """What a screen reader says of each photo, in order."""
    labels: list[str] = page.locator(".cell .open").evaluate_all(
        "buttons => buttons.map(button => button.ariaLabel)"
    )
    assert len(set(labels)) == len(labels)
    return labels


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until something inside an element has the focus."""
    for _ in range(60):
        if page.evaluate("selector => !!document.activeElement.closest(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {selector}")


def make_album(page: Page, name: str) -> None:
    """Put the selected photos into a new album, without the mouse."""
    tab_to(page, ".st-key-bulk_albums")
    page.keyboard.press("Enter")
    field = page.get_by_role("combobox", name="Album for the selected photos")
    expect(field).to_be_visible()
    tab_to(page, "input[aria-label='Album for the selected photos']")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Add to album")
    expect(button).to_be_enabled()
    tab_to(page, ".st-key-bulk_add_to_album")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Album “{name}” made: 3 photos.")).to_be_visible()


def test_an_album_is_made_by_keyboard_found_and_changed(visit: Visit) -> None:
    page = visit.open("gallery")
    expect(page.locator(".cell")).to_have_count(8)
    select_first(page, 3)
    make_album(page, "Our trip")
    page.goto(f"{visit.base_url}/search?q=album%3A%22our+trip%22")
    expect(page.locator(".cell")).to_have_count(3)
    go(page, "Albums")
    card = page.get_by_role("button", name="Our trip")
    expect(card).to_contain_text("3 photos")
    at_rest(page)
    cover = page.locator(".album-cover").first.bounding_box()
    assert cover is not None
    # The whole card is the button.
    page.mouse.click(cover["x"] + cover["width"] / 2, cover["y"] + cover["height"] / 2)
    expect(page.get_by_role("heading", name="Our trip")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/albums\?album=Our\+trip"))
    expect(page.locator(".cell")).to_have_count(3)
    before = names(page)
    select_first(page, 1)
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_role("button", name="Move to end").click()
    expect(page.get_by_text("Order of “Our trip” changed")).to_be_visible()
    page.keyboard.press("Escape")
    at_rest(page)
    assert names(page) == [*before[1:], before[0]]
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".cell")).to_have_count(2)
    undo_button(page).click()
    expect(page.locator(".cell")).to_have_count(3)
    page.go_back()
    expect(page.get_by_role("heading", name="Albums", exact=True)).to_be_visible()


def test_albums_on_a_phone_and_by_screen_reader(visit: Visit) -> None:
    page = visit.open("gallery")
    expect(page.locator(".cell")).to_have_count(8)
    select_first(page, 3)
    make_album(page, "Our trip")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{visit.base_url}/albums")
    expect(page.get_by_role("button", name="Our trip")).to_be_visible()
    fits(page, 390)
    assert serious(page) == []
    page.get_by_role("button", name="Our trip").click()
    expect(page.locator(".cell")).to_have_count(3)
    select_first(page, 2)
    fits(page, 390)
    assert serious(page) == []


def test_the_rule_file_is_edited_on_the_page(visit: Visit) -> None:
    page = visit.open("albums")
    page.get_by_text("Rules of the albums").click()
    rules = page.get_by_role("textbox", name="Rules (TOML)")
    save = page.get_by_role("button", name="Save rules")
    rules.fill("[[album]]\nid = 1\n")
    save.click()
    expect(page.get_by_text("2: id = 1")).to_be_visible()
    rules.fill('[[album]]\nid = "mine"\nname = "McAll"\nrest = true\n')
    save.click()
    expect(page.get_by_text("Album rules saved")).to_be_visible()
    card = page.get_by_role("button", name="McAll")
    expect(card).to_contain_text("8 photos")
    expect(page.locator(".album-cover")).to_have_count(1)
