"""Back from a trip: 300 photos come in, are summed up, accepted, undone and put in folders."""

import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser import actions
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.homecoming_photos import (
    BLACK,
    BURSTS,
    COUNT,
    DAYS,
    FOLDER,
    SCREENSHOTS,
    TITLE,
    homecoming_photos,
)
from tests.browser.twelve_steps import photos_of, pieces
from tests.conftest import ASSETS, SHARED

pytestmark = pytest.mark.tools
_ARCHIVE = SHARED / "data" / "camera36.zip"
_LABELS = ("Beach", "Food", "House", "Sky", "Car", "Bridge", "Flower", "Painting")
# Uploading and tagging may take long where many tests run at once.
_PATIENCE_MS = 240_000


@pytest.fixture
def files() -> list[FilePayload]:
    """Photos of beside the repository; without them, pieces of the two that are in it."""
    if _ARCHIVE.is_file():
        sources = [photos_of(_ARCHIVE, label) for label in _LABELS]
    else:
        sources = [pieces(ASSETS / name) for name in ("china.jpg", "flower.jpg")]
    return homecoming_photos(_in_turn(sources))


def _in_turn(sources: list[Iterator[bytes]]) -> Iterator[bytes]:
    for taken in itertools.zip_longest(*sources):
        yield from filter(None, taken)


def upload(page: Page, files: list[FilePayload]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files(files)
    expect(page.get_by_text(f"{COUNT} of {COUNT} photos tagged")).to_be_visible(
        timeout=_PATIENCE_MS
    )


def test_a_trip_is_proposed_accepted_undone_and_put_in_folders(
    visit: Visit, files: list[FilePayload]
) -> None:
    page = visit.open()
    upload(page, files)
    summary = page.locator(".st-key-homecoming")
    expect(summary.get_by_role("heading", name=f"{COUNT} new photos")).to_be_visible()
    trip = summary.get_by_role("link", name=f"1 trip of {DAYS} days")
    expect(trip).to_be_visible(timeout=_PATIENCE_MS)
    expect(summary.get_by_role("link", name=TITLE)).to_be_visible()
    reasons = re.compile(rf"Proposed: {DAYS} days, 280 photos, 1,[67]\d\d km from home")
    expect(summary.get_by_text(reasons)).to_be_visible()
    expect(summary.get_by_role("img", name=f"Photos of {TITLE}")).to_be_visible()
    stacks = summary.get_by_role("link", name=f"{BURSTS} stacks")
    expect(stacks).to_be_visible()
    clutter = summary.get_by_role("link", name="may be clutter")
    clutter_count = int(clutter.inner_text().rsplit("\n", 1)[-1].split()[0])
    assert clutter_count >= SCREENSHOTS + BLACK
    at_rest(page)
    assert actions.serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})

    accept = summary.get_by_role("button", name="Accept all")
    accept.focus()
    page.keyboard.press("Enter")
    accepted = summary.get_by_text(f"Accepted: 1 trip, {clutter_count} photos set apart")
    expect(accepted).to_be_visible()
    summary.get_by_role("button", name="Undo").click()
    expect(accept).to_be_visible()
    expect(accepted).to_be_hidden()
    accept.click()
    expect(accepted).to_be_visible()

    summary.get_by_role("button", name="Put in folders").click()
    expect(page.get_by_text(FOLDER)).to_be_visible()
    address = page.get_by_role("link", name="Download ZIP").get_attribute("href") or ""
    names = names_of_zip(page, urljoin(visit.base_url, address))
    assert f"{FOLDER}/01 Lisbon/IMG_1000.jpg" in names
    assert f"{FOLDER}/03 Sintra/IMG_1002.jpg" in names
    page.keyboard.press("Escape")

    stacks.click()
    expect(page.locator(".current .cell")).to_have_count(BURSTS)
    actions.go(page, "Classify")
    summary.get_by_role("button", name="Done").click()
    expect(summary).to_be_hidden()
    page.goto(visit.base_url)
    expect(page.get_by_text(f"Your library has {COUNT} photos")).to_be_visible()
    expect(summary).to_be_hidden()


def names_of_zip(page: Page, address: str) -> list[str]:
    answer = page.context.request.get(address, timeout=_PATIENCE_MS)
    with zipfile.ZipFile(io.BytesIO(answer.body())) as archive:
        return archive.namelist()
