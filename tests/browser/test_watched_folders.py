"""A folder is watched from the page Classify, by mouse, and looked at on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.library.store import Library
from tests.browser.actions import serious
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools
NAME = "Uploads of [Anna](http:evil) *and* a name that is longer than a phone is wide"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "Pictures" / NAME).mkdir(parents=True)
    return home


@pytest.fixture
def server_environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_PICTURES_DIR": str(home / "Pictures")}


def test_a_photo_that_arrives_in_a_watched_folder_is_added(visit: Visit, home: Path) -> None:
    page, folder = visit.open(), home / "Pictures" / NAME
    page.get_by_role("tab", name="Watched folders").click()
    expect(page.get_by_role("button", name="Watch folder")).to_be_disabled()
    page.get_by_role("button", name="Choose folder to watch …").click()
    dialog = page.get_by_role("dialog", name="Folder to watch")
    dialog.locator(".st-key-folder_list").get_by_role("button", name="Pictures").click()
    dialog.locator(".st-key-folder_list").get_by_role("button", name=NAME).click()
    dialog.get_by_role("button", name="Choose this folder").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Watch folder").click()
    # The list is refreshed while the page is open.
    expect(page.get_by_text("0 photos in the library")).to_be_visible()
    (folder / "china.jpg").write_bytes((ASSETS / "china.jpg").read_bytes())
    expect(page.get_by_text("1 photo in the library")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(str(folder))).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused")).to_be_visible()
    page.get_by_role("button", name="Stop watching").press("Enter")
    expect(page.get_by_text(str(folder))).to_have_count(0)
    assert (folder / "china.jpg").exists()


@pytest.fixture
def phone(browser: Browser, server: Server, tmp_path: Path, home: Path) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(server.base_url)
    yield page
    context.close()


def test_the_list_fits_on_a_phone(phone: Page, server: Server, tmp_path: Path, home: Path) -> None:
    at_rest(phone)
    with Library(tmp_path / "library") as library:
        folders = WatchedFolders(library)
        folders.save(WatchedFolder(home / "Pictures" / NAME, True, is_paused=True))
        folders.save(WatchedFolder(home / ("n" * 100), False, is_paused=True))
    phone.reload()
    at_rest(phone)
    phone.get_by_role("tab", name="Watched folders").tap()
    expect(phone.get_by_role("button", name="Resume")).to_have_count(2)
    fits(phone, 390)
    assert serious(phone) == []
