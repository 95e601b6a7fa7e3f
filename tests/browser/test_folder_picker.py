"""Folders of this computer are chosen from a list: by mouse, keyboard and touch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.actions import serious
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools
TRIP = "2024 [Rome](http:evil) *trip*"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two photos in a folder whose name looks like Markdown, and hidden folders."""
    home = tmp_path / "home"
    (home / "Pictures" / TRIP / "Day 1").mkdir(parents=True)
    for photo in ASSETS.glob("*.jpg"):
        (home / "Pictures" / TRIP / photo.name).write_bytes(photo.read_bytes())
    for folder in (".cache", "Documents", *(f"Music/album {i:02d}" for i in range(20))):
        (home / folder).mkdir(parents=True)
    return home


@pytest.fixture
def server_environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_PICTURES_DIR": str(home / "Pictures")}


def folder(dialog: Locator, name: str) -> Locator:
    return dialog.locator(".st-key-folder_list").get_by_role("button", name=name)


def test_a_folder_is_chosen_scanned_and_offered_again(visit: Visit, home: Path) -> None:
    page = visit.open()
    page.get_by_role("tab", name="Folder on this computer").click()
    expect(page.get_by_role("button", name="Scan folder")).to_be_disabled()
    page.get_by_role("button", name="Choose folder …").click()
    dialog = page.get_by_role("dialog", name="Folder")
    expect(folder(dialog, "Documents")).to_be_visible()
    expect(folder(dialog, ".cache")).to_have_count(0)
    dialog.get_by_text("Show hidden folders (1)").click()
    expect(folder(dialog, ".cache")).to_be_visible()
    folder(dialog, "Pictures").click()
    expect(folder(dialog, f"{TRIP} · 2 photos")).to_be_visible()
    folder(dialog, TRIP).click()
    expect(dialog.get_by_text("2 photos in this folder")).to_be_visible()
    dialog.get_by_role("button", name="Up").click()
    expect(dialog.get_by_text("No photos in this folder")).to_be_visible()
    folder(dialog, TRIP).click()
    expect(folder(dialog, "Day 1")).to_be_visible()
    assert serious(page) == []
    dialog.get_by_role("button", name="Choose this folder").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text(f"{home / 'Pictures' / TRIP}")).to_be_visible()
    page.get_by_role("button", name="Scan folder").click()
    expect(page.get_by_role("button", name="Add 2 photos")).to_be_visible()
    # The next time it is among the places to begin at.
    page.reload()
    page.get_by_role("tab", name="Folder on this computer").click()
    page.get_by_role("button", name="Choose folder …").click()
    places = dialog.locator(".st-key-folder_places")
    expect(places.get_by_role("button")).to_contain_text(["Home", "Pictures"])
    places.get_by_role("button", name=TRIP).click()
    expect(dialog.get_by_text("2 photos in this folder")).to_be_visible()
    dialog.get_by_role("button", name="home", exact=True).click()  # the way there
    expect(folder(dialog, "Documents")).to_be_visible()


def test_by_keyboard_with_a_new_folder(visit: Visit, home: Path) -> None:
    page = visit.open("sort")
    page.get_by_role("button", name="Choose destination folder …").press("Enter")
    dialog = page.get_by_role("dialog", name="Destination folder")
    folder(dialog, "Music").press("Enter")
    expect(folder(dialog, "album 00")).to_be_visible()
    assert page.evaluate("document.querySelector('[role=dialog]').contains(document.activeElement)")
    dialog.get_by_role("searchbox", name="Find a folder").press_sequentially("07")
    expect(folder(dialog, "album")).to_have_count(1)
    folder(dialog, "album 07").press("Enter")
    new = dialog.get_by_role("textbox", name="New folder in this one")
    for name, error in (("a/b", "cannot be the name of a folder"), ("Sorted", None)):
        new.fill(name)
        new.press("Tab")
        # The message goes when the server has the new name, and the button moves up then.
        expect(dialog.get_by_text("cannot be the name of a folder")).to_have_count(0)
        create = dialog.get_by_role("button", name="Create folder")
        expect(create).to_have_count(1)
        create.press("Enter")
        if error:
            expect(dialog.get_by_text(error)).to_be_visible()
    expect(dialog.get_by_role("button", name="Sorted", exact=True)).to_be_disabled()
    made = home / "Music" / "album 07" / "Sorted"
    assert made.is_dir()
    dialog.get_by_role("button", name="Choose this folder").press("Enter")
    expect(page.get_by_text(str(made))).to_be_visible()
    page.get_by_text("Type a path").nth(1).click()
    expect(page.get_by_role("textbox", name="Destination folder")).to_have_value(str(made))


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{server.base_url}/sort")
    yield page
    context.close()


def test_by_touch_on_a_phone(phone: Page, home: Path) -> None:
    at_rest(phone)
    phone.get_by_role("button", name="Choose source folder …").tap()
    dialog = phone.get_by_role("dialog", name="Source folder")
    expect(dialog.get_by_role("button", name="Create folder")).to_have_count(0)
    at_rest(phone)
    folder(dialog, "Pictures").tap()
    at_rest(phone)
    folder(dialog, TRIP).tap()
    expect(dialog.get_by_text("2 photos in this folder")).to_be_visible()
    fits(phone, 390)
    dialog.get_by_role("button", name="Choose this folder").tap()
    expect(phone.get_by_text(str(home / "Pictures" / TRIP))).to_be_visible()
    fits(phone, 390)
