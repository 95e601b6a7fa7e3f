"""A visitor's walk: drop real photos, see tags, search, correct, take CSV and ZIP."""

import csv
import io
import re
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import drop, go, payload, undo_button
from tests.browser.conftest import Visit, at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS, SHARED_PHOTOS

pytestmark = pytest.mark.tools


def real_photos() -> list[Path]:
    """The photographs of the repository, and those beside it when they are there."""
    photos = sorted(ASSETS.glob("*.jpg"))
    if SHARED_PHOTOS.is_dir():
        photos += sorted(p for p in SHARED_PHOTOS.rglob("*") if p.is_file())[:28]
    return photos


def test_from_photos_to_csv_and_zip(visit: Visit, tmp_path: Path) -> None:
    page, photos = visit.open(), real_photos()
    expect(page.get_by_text("Put your photos in order")).to_be_visible()
    drop(page, photos)
    expect(page.get_by_text(f"{len(photos)} of {len(photos)} photos tagged")).to_be_visible()
    # The uploader is empty again, and every photo has its picture.
    expect(page.get_by_text("china.jpg")).to_have_count(1)
    expect(page.locator(".cell")).to_have_count(len(photos))

    go(page, "Search")
    page.get_by_role("searchbox").or_(page.locator('input[type="search"]')).first.fill("flower")
    page.keyboard.press("Enter")
    cell = page.locator(".cell", has_text="flower.jpg")
    expect(cell).to_be_visible()
    image = cell.locator("img")
    expect(image).to_have_attribute("alt", re.compile(r"^flower\.jpg: flower\b"))
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("i => i.naturalWidth") == 320

    # Correct it: this flower grows in a forest.
    cell.locator(".open").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("flower.jpg", exact=True)).to_be_visible()
    dialog.get_by_role("combobox", name="Class").fill("Forest")
    page.get_by_role("option", name="Forest").first.click()
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()

    go(page, "Export")
    expect(page.get_by_text(f"{len(photos)} photos", exact=True)).to_be_visible()
    download_csv = _download(page, "Download CSV", tmp_path / "photos.csv")
    rows = list(csv.DictReader(io.StringIO(download_csv.decode("utf-8"))))
    assert len(rows) == len(photos)
    (bloom,) = [row for row in rows if row["Name"] == "flower.jpg"]
    assert (bloom["Class"], bloom["Class source"]) == ("forest", "human")
    archive = zipfile.ZipFile(io.BytesIO(_download(page, "Download ZIP", tmp_path / "photos.zip")))
    assert archive.testzip() is None
    assert archive.read("forest/flower.jpg") == (ASSETS / "flower.jpg").read_bytes()
    packed = [name for name in archive.namelist() if "/" in name]
    assert len(packed) == len(photos)
    by_class = {row["Name"]: row["Class"] for row in rows}
    assert all(by_class.get(n.split("/")[1], n.split("/")[0]) == n.split("/")[0] for n in packed)


def _download(page: Page, link: str, target: Path) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    download.value.save_as(target)
    return target.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("start_method", ["spawn"])
def test_memory_before_the_first_photo(visit: Visit, server: Server) -> None:
    page = visit.open()
    expect(page.get_by_text("Put your photos in order")).to_be_visible()
    status = Path(f"/proc/{server.process_id}/status").read_text(encoding="utf-8")
    (resident,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    assert int(resident.split()[1]) < 300_000  # kB


def test_one_photo_at_once(visit: Visit) -> None:
    page = visit.open()
    drop(page, [ASSETS / "china.jpg"])
    expect(page.get_by_text("1 of 1 photo tagged")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(2)
    expect(page.locator("img[alt^='china.jpg']")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()


def test_bad_files_and_hostile_names(visit: Visit) -> None:
    page = visit.open()
    good = (ASSETS / "china.jpg").read_bytes()
    names = ["<img src=x onerror=alert(1)>.jpg", "=cmd|'x'.jpg", "🌊" * 20 + ".jpg"]
    bad = [("empty.jpg", b""), ("text.jpg", b"not a picture"), ("cut.jpg", good[:5000])]
    # Each good file gets some bytes of its own behind the picture: another photo to the library.
    files = [payload(name, good + bytes([i])) for i, name in enumerate(names)]
    drop(page, [*files, *[payload(*item) for item in bad]])
    expect(page.get_by_text("3 of 6 photos tagged, 3 skipped")).to_be_visible()
    expect(page.get_by_text("Skipped files")).to_be_visible()
    for name in names:
        expect(page.locator(".cell", has_text=name)).to_have_count(1)
    assert page.locator("img[src='x']").count() == 0


def test_selection_bulk_tag_undo_and_refresh(visit: Visit) -> None:
    page = visit.open()
    drop(page, sorted(ASSETS.glob("*.jpg")))
    expect(page.get_by_text("2 of 2 photos tagged")).to_be_visible()
    go(page, "Gallery")
    expect(page.locator(".cell")).to_have_count(2)
    # Two quick clicks: the answer to the first must not undo the second.
    page.locator(".pick").nth(0).check()
    page.locator(".pick").nth(1).check()
    expect(page.get_by_text("2 selected", exact=True)).to_be_visible()
    expect(page.locator('.pick[aria-checked="true"]')).to_have_count(2)
    page.get_by_role("button", name="Tag", exact=True).click()
    box = page.get_by_role("combobox", name="Tag for the selected photos")
    box.fill("Journey")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make tag “Journey”").click()
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator(".cell", has_text="journey")).to_have_count(2)
    page.reload()
    expect(page.locator(".cell", has_text="journey")).to_have_count(2)
    undo_button(page).click()
    expect(page.locator(".cell", has_text="journey")).to_have_count(0)
    expect(page.locator(".cell")).to_have_count(2)


def test_by_keyboard(visit: Visit) -> None:
    page = visit.open()
    drop(page, sorted(ASSETS.glob("*.jpg")))
    expect(page.get_by_text("2 of 2 photos tagged")).to_be_visible()
    at_rest(page)
    page.locator(".open").first.focus()
    page.keyboard.press("ArrowRight")
    focused = "e => e.shadowRoot ? e.shadowRoot.activeElement?.ariaLabel : e.ariaLabel"
    label = page.evaluate(f"({focused})(document.activeElement)")
    assert "flower.jpg" in label or "china.jpg" in label
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
