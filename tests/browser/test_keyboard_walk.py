"""From an upload to a ZIP by keyboard alone: no mouse, no script that moves the focus."""

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import focused, tab_to
from tests.browser.conftest import Visit, at_rest
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools
PHOTOS = sorted(ASSETS.glob("*.jpg"))


def go(page: Page, name: str, menu: str | None = None) -> None:
    """Open a page from the navigation, which comes before the page in the order of the Tab key."""
    at_rest(page)
    tab_to(page, f"{menu or name}$", "Shift+Tab")
    page.keyboard.press("Enter")
    if menu:
        expect(page.get_by_role("menuitem").first).to_be_focused()
        while not re.search(f"{name}$", focused(page)):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    at_rest(page)


def test_from_an_upload_to_a_zip(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    expect(page.get_by_text("Put your photos in order")).to_be_visible()
    at_rest(page)
    _upload(page)
    _correct_one(page)
    _tag_both(page)
    _search(page)
    names = _download_zip(page, tmp_path / "photos.zip")
    assert {name for name in names if name.endswith(".jpg")} == {
        "forest/flower.jpg",
        "landmark/china.jpg",
    }


def _upload(page: Page) -> None:
    with page.expect_file_chooser() as chooser:
        tab_to(page, "^Choose photos$")
        page.keyboard.press("Enter")
    chooser.value.set_files(PHOTOS)
    expect(page.get_by_text("2 of 2 photos tagged")).to_be_visible()
    expect(page.locator(".cell")).to_have_count(2)


def _correct_one(page: Page) -> None:
    """Open a photo among the results and choose another class."""
    at_rest(page)
    tab_to(page, "^Open ")
    if "flower" not in focused(page):
        page.keyboard.press("ArrowRight")
    assert focused(page).startswith("Open flower.jpg")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox", name="Class")).to_be_visible()
    at_rest(page)
    tab_to(page, "^Class$")
    page.keyboard.type("Forest")
    expect(page.get_by_role("option", name="Forest").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def _tag_both(page: Page) -> None:
    go(page, "Gallery")
    tab_to(page, "^Open ")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("2 selected", exact=True)).to_be_visible()
    at_rest(page)
    tab_to(page, "Tag(expand_more)?$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Tag for the selected photos")).to_be_visible()
    tab_to(page, "^Tag for the selected photos$")
    page.keyboard.type("Journey")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Make tag “Journey”")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add tag")).to_be_enabled()
    tab_to(page, "Add tag$")
    page.keyboard.press("Enter")
    expect(page.locator(".cell", has_text="journey")).to_have_count(2)
    page.keyboard.press("Escape")


def _search(page: Page) -> None:
    go(page, "Search")
    tab_to(page, "^Search by tag, name or class$")
    page.keyboard.type("tag:journey")
    page.keyboard.press("Enter")
    expect(page.locator(".cell")).to_have_count(2)


def _download_zip(page: Page, target: Path) -> list[str]:
    go(page, "Export")
    tab_to(page, "Download ZIP")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(target)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_pages_in_menus(visit: Visit) -> None:
    page = visit.open("search")
    go(page, "Sort", "Tidy up")
    expect(page.get_by_role("heading", name="Sort a folder")).to_be_visible()
    tab_to(page, "Choose source folder …$")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Source folder")
    expect(dialog).to_be_visible()
    at_rest(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    go(page, "Insights", "Explore")
    expect(page.get_by_role("heading", name="Insights")).to_be_visible()
