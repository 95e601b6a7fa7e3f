"""Clutter in a real browser: what is set apart leaves the gallery, and Undo brings it back."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.actions import go, undo_button
from tests.browser.conftest import Visit
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (750, 1334), (246, 246, 248)).save(folder / "Screenshot_20240110.png")
    for seed in range(2):
        (folder / f"IMG_{seed}.jpg").write_bytes(encode(textured(160, 120, seed=seed)))
    return sorted(folder.iterdir())


def test_a_screenshot_leaves_the_timeline_and_comes_back(visit: Visit) -> None:
    page = visit.open("gallery")
    cells = page.locator(".current .cell")
    expect(cells).to_have_count(3)
    go(page, "Clutter")
    expect(page.get_by_role("heading", name="Screenshots: 1 photo")).to_be_visible()
    expect(page.get_by_text("has the size of the screen of a phone")).to_be_visible()
    page.get_by_role("button", name="Set apart").click()
    expect(page.get_by_text("No more proposals.")).to_be_visible()
    go(page, "Gallery")
    expect(cells).to_have_count(2)
    page.get_by_role("link", name="1 photo is apart in Clutter").click()
    expect(page.get_by_role("heading", name="Screenshots: 1 photo")).to_be_visible()
    undo_button(page).click()
    expect(page.get_by_text("No photo is apart.")).to_be_visible()
    go(page, "Gallery")
    expect(cells).to_have_count(3)
