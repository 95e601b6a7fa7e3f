"""Search as people type it, by likeness and by a picture; what they take away; no barriers."""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from scene_model.photos.decode import PhotoLimits, open_picture
from scene_model.photos.metadata import read_metadata
from tests.browser.actions import go, serious
from tests.browser.conftest import Visit, at_rest
from tests.browser.libraries import real_photos
from tests.conftest import ASSETS
from tests.pictures import encode

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Real photos, one of them with a position."""
    folder = tmp_path_factory.mktemp("photos")
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (38.0, 43.0, 0.0), 3: "W", 4: (9.0, 8.0, 0.0)})
    placed = folder / "placed.jpg"
    placed.write_bytes(encode(Image.open(ASSETS / "china.jpg"), exif=exif))
    return [placed, *real_photos(20)]


def line(page: Page) -> Any:
    return page.locator('input[type="search"]').first


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_a_line_as_it_is_typed(visit: Visit) -> None:
    page = visit.open("search")
    line(page).press_sequentially('"blu', delay=60)
    expect(page.get_by_text("is not closed")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    line(page).fill("")
    line(page).press_sequentially("blum", delay=60)  # German
    page.get_by_role("button", name=re.compile(r"Flower \(blume\)")).click()
    expect(line(page)).to_have_value(re.compile("flower"))
    expect(page.locator(".cell", has_text="flower.jpg")).to_be_visible()
    expect(page.locator(".cell").first).to_contain_text(re.compile(r"\d %|\d%"))
    expect(page).to_have_url(re.compile("q=flower"))
    line(page).fill("colour:red flower")
    line(page).press("Enter")
    expect(page.get_by_test_id("stAlert")).to_contain_text("colour: is not a field")


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_results_are_selected_and_opened_in_the_gallery(visit: Visit) -> None:
    page = visit.open("gallery?q=name:placed")
    expect(page.locator(".cell")).to_have_count(1)
    go(page, "Search")
    # The gallery has such a line, too.
    expect(page.get_by_role("heading", name="Search", exact=True)).to_be_visible()
    line(page).fill("name:flower and camera:nobody")
    line(page).press("Enter")
    page.get_by_role("button", name=re.compile("^Without “camera")).click()
    expect(line(page)).to_have_value("name:flower")
    expect(page.locator(".cell", has_text="flower.jpg")).to_be_visible()
    page.locator(".pick").first.click()
    expect(page.get_by_text("1 selected", exact=True)).to_be_visible()
    expect(page.locator('.pick[aria-checked="true"]')).to_have_count(1)
    page.get_by_role("button", name="Open selection in Gallery").click()
    expect(page.locator("h1")).to_have_text("Gallery")
    expect(line(page)).to_have_value("name:flower")
    expect(page).to_have_url(re.compile("q=name"))
    expect(page.get_by_text("1 selected", exact=True)).to_be_visible()
    expect(page.locator('.pick[aria-checked="true"]')).to_have_count(1)
    page.get_by_role("button", name="Clear").last.click()
    expect(page.locator(".st-key-selection_bar")).to_have_count(0)


def test_a_saved_search_comes_back(visit: Visit) -> None:
    page = visit.open("search?q=flower")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Search name").fill("In bloom")
    page.get_by_role("button", name="Save search").click()
    expect(page.get_by_role("button", name="Saved (1)")).to_be_visible()
    visit.open("search")
    page.get_by_role("button", name="Saved (1)").click()
    page.get_by_role("button", name="In bloom").click()
    expect(page.locator(".cell", has_text="flower.jpg")).to_be_visible()


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_by_likeness_and_by_a_picture(visit: Visit) -> None:
    page = visit.open("search?q=name:flower.jpg")
    page.locator(".open").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Find similar").click()
    expect(page).to_have_url(re.compile(r"like=[0-9a-f]{64}$"))
    expect(page.locator(".cell").first).to_contain_text("similar")
    expect(page.locator(".cell", has_text="flower.jpg")).to_have_count(0)
    page.get_by_role("button", name="Back to search").click()
    visit.open("search?q=name:flower.jpg")
    page.get_by_role("button", name="Search by image").click()
    smaller = encode(Image.open(ASSETS / "flower.jpg").resize((300, 200)))
    page.locator('input[type="file"]').first.set_input_files(
        {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": smaller}
    )
    expect(page.get_by_text("Similar to your image")).to_be_visible()
    expect(page.locator(".cell").first).to_contain_text("flower.jpg")
    page.get_by_role("button", name=re.compile(r"^Select \d+ photos")).click()
    expect(page.locator("h1")).to_have_text("Gallery")


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_taken_away_without_places(visit: Visit) -> None:
    page = visit.open("export")
    line(page).fill("name:placed OR name:flower")
    line(page).press("Enter")
    expect(page.get_by_text("2 photos", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"2 files in \d folders?, about .* MB"))).to_be_visible()
    assert b"38.7" in download(page, "Download CSV")
    page.get_by_text("Remove locations").click()
    expect(page.get_by_text("without locations")).to_be_visible()
    page.get_by_text("Tag", exact=True).click()
    expect(page.get_by_role("link", name="Download ZIP")).to_have_attribute(
        "href", re.compile("place=false.*by=tag")
    )
    (row, _) = sorted(
        csv.DictReader(io.StringIO(download(page, "Download CSV").decode())),
        key=lambda row: row["Name"] != "placed.jpg",
    )
    assert not row["Latitude"]
    with zipfile.ZipFile(io.BytesIO(download(page, "Download ZIP"))) as archive:
        (name, *_) = [name for name in archive.namelist() if name.endswith("placed.jpg")]
        packed = archive.read(name)
    assert read_metadata(open_picture(packed, PhotoLimits())).latitude is None


def download(page: Page, link: str) -> bytes:
    with page.expect_download() as download_info:
        page.get_by_role("link", name=link).click()
    return Path(download_info.value.path()).read_bytes()


@pytest.mark.read_only
@pytest.mark.kept_tab
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["review", "duplicates", "teach", "insights"])
def test_no_serious_barrier(visit: Visit, path: str, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open(path)
    expect(page.locator("h1")).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    if path == "review":
        accept = page.locator('[data-testid="stBaseButton-primary"]')
        for number in range(2, 20):
            if accept.count():
                break
            page.get_by_role("button", name="Skip").click()
            expect(page.get_by_text(f"Photo {number} of")).to_be_visible()
        expect(accept).to_be_visible()
        at_rest(page)
        assert serious(page) == []
        page.get_by_role("tab", name="Threshold").click()
        expect(page.get_by_text("Photos with a class")).to_be_visible()
        at_rest(page)
        assert serious(page) == []
