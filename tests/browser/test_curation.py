"""Review by key, duplicates, a taught tag and insights, on real photos in a real browser."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.actions import go, undo_button
from tests.browser.conftest import Visit, at_rest
from tests.conftest import ASSETS
from tests.pictures import encode

pytestmark = pytest.mark.tools


@pytest.fixture
def library_photos(shared_photos: Path, tmp_path: Path) -> list[Path]:
    """Real photos, and a turned and a smaller copy of the first."""
    paths = sorted((shared_photos / "scenes").iterdir())
    paths += sorted(shared_photos.glob("landscape_*.jpg")) + sorted(shared_photos.glob("DSCN*.jpg"))
    temple = (ASSETS / "china.jpg").read_bytes()
    picture = Image.open(io.BytesIO(temple))
    for name, data in (
        ("temple.jpg", temple),
        ("small.jpg", encode(picture.resize((320, 214)))),
        ("turned.jpg", encode(picture.transpose(Image.Transpose.ROTATE_90))),
    ):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    return paths


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.open()


def test_review_by_key(page: Page) -> None:
    go(page, "Review")
    expect(page.get_by_text("Photo 1 of")).to_be_visible()
    expect(page.get_by_role("combobox", name="Other class")).to_be_visible()
    for number, key in enumerate(("a", "1", "s"), 1):
        page.keyboard.press(key)
        expect(page.get_by_text(f"Photo {number + 1} of")).to_be_visible()
    go(page, "Search")
    page.locator('input[type="search"]').first.fill("is:edited")
    page.keyboard.press("Enter")
    expect(page.locator(".cell")).to_have_count(2)
    go(page, "Review")
    page.get_by_role("tab", name="Threshold").click()
    expect(page.get_by_text("Photos with a class")).to_be_visible()
    page.get_by_role("slider", name="Minimum confidence").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name="Would lose the class")).to_be_visible()
    page.get_by_role("button", name="Save for all labels").click()
    expect(page.get_by_text("Search, export and new photos use these thresholds")).to_be_visible()
    page.get_by_role("button", name="Restore model defaults").click()
    expect(page.get_by_text("Model defaults restored")).to_be_visible()


def test_duplicates_and_undo(page: Page) -> None:
    go(page, "Duplicates")
    page.get_by_role("button", name="Compare now").click()
    group = page.locator("figure", has_text="turned.jpg").locator("..")
    expect(group.locator("img")).to_have_count(3)
    expect(group.locator("figure", has_text="keep")).to_contain_text("temple.jpg")
    page.get_by_role("button", name="Keep best in").click()
    expect(page.get_by_text("No duplicates found.")).to_be_visible()
    undo_button(page).click()
    expect(page.locator("figure", has_text="turned.jpg")).to_have_count(1)


def test_a_tag_is_taught(page: Page) -> None:
    go(page, "Gallery")
    picks = page.locator(".cell .pick")
    expect(picks.nth(4)).to_be_visible()
    for place in range(4):
        picks.nth(place).check()
    expect(page.get_by_text("4 selected", exact=True)).to_be_visible()
    page.get_by_role("button", name="Tag", exact=True).click()
    teach = page.get_by_role("button", name="Teach a tag from these photos")
    expect(teach).to_be_disabled()
    expect(page.get_by_text("Select at least 5 photos")).to_be_visible()
    page.keyboard.press("Escape")
    picks.nth(4).check()
    expect(page.get_by_text("5 selected", exact=True)).to_be_visible()
    page.get_by_role("button", name="Tag", exact=True).click()
    teach.click()
    expect(page.get_by_role("heading", name="5 examples")).to_be_visible()
    page.get_by_label("Tag name").fill("Jungle fall")
    page.get_by_role("button", name="Train tag", exact=True).click()
    expect(page.get_by_text("Held-out examples tagged")).to_be_visible()
    page.get_by_role("button", name="Save tag").click()
    expect(page.get_by_text("New photos will get it too")).to_be_visible()
    page.get_by_role("button", name="Show photos").click()
    expect(page.locator(".cell").nth(4)).to_be_visible()
    expect(page.locator(".cell").first).to_contain_text("Jungle fall")


@pytest.mark.read_only
def test_insights_lead_to_photos(page: Page) -> None:
    go(page, "Insights")
    expect(page.get_by_role("heading", name="Places")).to_be_visible()
    # A bar leads to its photos, and by keyboard so does the list.
    bar = page.locator("[data-testid=stVegaLiteChart] path[aria-roledescription='bar']").first
    bar.click()
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    expect(page.locator(".cell").first).to_be_visible()
    go(page, "Insights")
    # The map leads to the photos of its area.
    expect(page.locator(".map .cluster button").first).to_be_visible()
    at_rest(page)
    page.get_by_role("button", name="Search here").click()
    expect(page).to_have_url(re.compile(r"/search\?q=within"))
    expect(page.locator(".cell").first).to_be_visible()
    go(page, "Insights")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    assert "Name,Photos,Query" in Path(download.value.path()).read_text(encoding="utf-8")
