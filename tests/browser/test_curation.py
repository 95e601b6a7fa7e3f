"""Review by key, duplicates, a taught tag and insights, on real photos in a real browser."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.actions import drop, payload
from tests.browser.conftest import Visit, fits
from tests.conftest import ASSETS
from tests.pictures import encode

pytestmark = pytest.mark.tools


def files(shared_photos: Path) -> list[FilePayload]:
    """Real photos, and a turned and a smaller copy of the first."""
    paths = sorted((shared_photos / "scenes").iterdir())
    paths += sorted(shared_photos.glob("landscape_*.jpg")) + sorted(shared_photos.glob("DSCN*.jpg"))
    made = [payload(path.name, path.read_bytes()) for path in paths]
    temple = (ASSETS / "china.jpg").read_bytes()
    picture = Image.open(io.BytesIO(temple))
    made.append(payload("temple.jpg", temple))
    made.append(payload("small.jpg", encode(picture.resize((320, 214)))))
    made.append(payload("turned.jpg", encode(picture.transpose(Image.Transpose.ROTATE_90))))
    return made


@pytest.fixture
def page(visit: Visit, shared_photos: Path) -> Page:
    page, dropped = visit.open(), files(shared_photos)
    drop(page, dropped)
    expect(page.get_by_text(f"{len(dropped)} of {len(dropped)} photos tagged")).to_be_visible()
    return page


def test_review_by_key(page: Page) -> None:
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_text("0 of")).to_be_visible()
    expect(page.get_by_role("combobox", name="Other class")).to_be_visible()
    for number, key in enumerate(("a", "1", "s"), 1):
        page.keyboard.press(key)
        expect(page.get_by_text(f"{number} of")).to_be_visible()
    page.get_by_role("link", name="Search").click()
    page.locator('input[type="search"]').first.fill("is:edited")
    page.keyboard.press("Enter")
    expect(page.locator(".cell")).to_have_count(2)
    page.get_by_role("link", name="Review").click()
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
    page.get_by_role("link", name="Duplicates").click()
    page.get_by_role("button", name="Compare now").click()
    group = page.locator("figure", has_text="turned.jpg").locator("..")
    expect(group.locator("img")).to_have_count(3)
    expect(group.locator("figure", has_text="keep")).to_contain_text("temple.jpg")
    page.get_by_role("button", name="Keep best in").click()
    expect(page.get_by_text("No duplicates found.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("figure", has_text="turned.jpg")).to_have_count(1)


def test_a_tag_is_taught(page: Page) -> None:
    page.get_by_role("link", name="Gallery", exact=True).click()
    picks = page.locator(".cell .pick")
    expect(picks.nth(4)).to_be_visible()
    for place in range(5):
        picks.nth(place).check()
    expect(page.get_by_text("5 selected")).to_be_visible()
    page.get_by_role("link", name="Teach").click()
    page.get_by_label("Tag name").fill("Jungle fall")
    page.get_by_role("button", name="Train tag", exact=True).click()
    expect(page.get_by_text("Held-out examples tagged")).to_be_visible()
    page.get_by_role("button", name="Save tag").click()
    expect(page.get_by_text("New photos will get it too")).to_be_visible()
    page.get_by_role("button", name="Show photos").click()
    expect(page.locator(".cell").nth(4)).to_be_visible()
    expect(page.locator(".cell").first).to_contain_text("jungle fall")


def test_insights_lead_to_photos(page: Page) -> None:
    page.get_by_role("link", name="Insights").click()
    expect(page.get_by_role("heading", name="Places")).to_be_visible()
    # A bar leads to its photos, and by keyboard so does the list.
    bar = page.locator("[data-testid=stVegaLiteChart] path[aria-roledescription='bar']").first
    bar.click()
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    expect(page.locator(".cell").first).to_be_visible()
    page.get_by_role("link", name="Insights").click()
    page.locator("[data-testid=stVegaLiteChart] path[aria-roledescription='circle']").first.click()
    expect(page).to_have_url(re.compile(r"/search\?q=near"))
    expect(page.locator(".cell").first).to_be_visible()
    page.get_by_role("link", name="Insights").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    assert "Name,Photos,Query" in Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["review", "duplicates", "teach", "insights"])
def test_phone_width(visit: Visit, path: str) -> None:
    page = visit.open()
    drop(page, sorted(ASSETS.glob("*.jpg")))
    expect(page.get_by_text("2 of 2 photos tagged")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    visit.open(path)
    expect(page.locator("h1").first).to_be_visible()
    fits(page, 390)
