"""The navigation: few entries at the top, the other pages in menus, every address opens."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import MENUS, go
from tests.browser.conftest import Visit, at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = [pytest.mark.tools, pytest.mark.read_only, pytest.mark.kept_tab]
# By address: the name in the navigation and the heading.
PAGES = {
    "": ("Classify", "Put your photos in order"),
    "gallery": ("Gallery", "Gallery"),
    "search": ("Search", "Search"),
    "export": ("Export", "Export"),
    "albums": ("Albums", "Albums"),
    "trips": ("Trips", "Trips"),
    "map": ("Map", "Map"),
    "insights": ("Insights", "Insights"),
    "review": ("Review", "Review"),
    "duplicates": ("Duplicates", "Duplicates"),
    "clutter": ("Clutter", "Clutter"),
    "dates": ("Dates", "Dates"),
    "teach": ("Teach", "Teach a tag"),
    "rules": ("Rules", "Rules"),
    "model_card": ("Model", "Model"),
    "sort": ("Sort", "Sort a folder"),
}

# Streamlit closes the drawer after a tap where the browser says that it is one of a phone.
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def library_photos() -> list[Path]:
    return sorted(ASSETS.glob("*.jpg"))


def _at(page: Page, address: str) -> None:
    heading = page.get_by_role("heading", level=1)
    expect(heading.filter(has_text=re.compile(PAGES[address][1]))).to_be_attached()
    expect(page).to_have_url(re.compile(f":[0-9]+/{address}$"))


def test_six_entries_at_the_top(visit: Visit) -> None:
    page = visit.open("gallery")
    at_rest(page)
    entries = page.get_by_role("navigation", name="App pages").locator("a:visible, button:visible")
    expect(entries).to_have_count(6)
    names = [entry.inner_text().split("\n")[-1] for entry in entries.all()]
    assert names == ["Classify", "Gallery", "Search", "Export", "Explore", "Tidy up"]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_by_click_and_by_address(visit: Visit, address: str) -> None:
    page = visit.open("search" if address != "search" else "export")
    at_rest(page)
    go(page, PAGES[address][0])
    _at(page, address)
    visit.open(address)
    _at(page, address)


def test_menus_by_keyboard(visit: Visit) -> None:
    page = visit.open("search")
    at_rest(page)
    menu = page.get_by_role("button", name="Tidy up")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Review")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem")).to_have_count(0)
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Duplicates")).to_be_focused()
    page.keyboard.press("Enter")
    _at(page, "duplicates")


def test_menus_by_touch_on_a_tablet(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
    page = context.new_page()
    page.goto(f"{server.base_url}/search")
    page.get_by_role("button", name="Tidy up").tap()
    page.get_by_role("menuitem", name="Teach").tap()
    _at(page, "teach")
    context.close()


def test_all_pages_in_the_drawer_of_a_phone(browser: Browser, server: Server) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, user_agent=PHONE
    )
    page = context.new_page()
    page.goto(f"{server.base_url}/search")
    page.get_by_role("button", name="Expand sidebar").tap()
    drawer = page.get_by_role("navigation", name="App pages")
    expect(drawer.get_by_role("link")).to_have_count(len(PAGES))
    for menu in set(MENUS.values()):
        expect(drawer.get_by_text(menu)).to_be_visible()
    drawer.get_by_role("link", name="Review").tap()
    _at(page, "review")
    expect(page.get_by_role("button", name="Expand sidebar")).to_be_visible()
    context.close()
