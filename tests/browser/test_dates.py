"""Dates in a real browser: a proposal is set and undone; a dialog and the lightbox edit one."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.actions import go, undo_button
from tests.browser.conftest import Visit, at_rest
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
TIMES = {
    "IMG_0411.JPG": "2024:07:15 10:00:00",
    "IMG_0412.JPG": None,
    "IMG_0413.JPG": "2024:07:15 10:04:00",
}


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, (name, taken_at) in enumerate(TIMES.items()):
        exif = Image.Exif()
        if taken_at:
            exif.get_ifd(0x8769)[0x9003] = taken_at
        (folder / name).write_bytes(encode(textured(160, 120, seed=seed), exif=exif))
    return sorted(folder.iterdir())


def test_a_proposal_is_set_and_undone(visit: Visit) -> None:
    page = visit.open("gallery")
    go(page, "Dates")
    expect(page.get_by_text("1 photo has no date.")).to_be_visible()
    expect(page.get_by_text("2024-07-15 10:02:00")).to_be_visible()
    page.get_by_role("button", name="Set 1 proposed date").click()
    expect(page.get_by_text("No photo has a missing or doubtful date.")).to_be_visible()
    undo_button(page).click()
    expect(page.get_by_text("1 photo has no date.")).to_be_visible()


def test_one_date_is_typed_in_the_dialog(visit: Visit) -> None:
    page = visit.open("dates")
    page.get_by_role("button", name="Edit date").click()
    field = page.get_by_role("dialog").get_by_role("textbox", name="Date taken")
    field.fill("yesterday")
    field.press("Enter")
    expect(page.get_by_text("is no date")).to_be_visible()
    field.fill("2024-07-15 10:01")
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("No photo has a missing or doubtful date.")).to_be_visible()


def test_the_lightbox_edits_the_date(visit: Visit) -> None:
    page = visit.open("gallery")
    page.locator(".cell .open").first.click()
    field = page.get_by_role("textbox", name="Date taken")
    expect(field).to_be_visible()
    at_rest(page)
    field.fill("1999-12-31 23:59")
    field.press("Enter")
    expect(page.get_by_text("Set by you.").first).to_be_visible()
    page.get_by_role("button", name="Reset date to automatic").click()
    expect(page.get_by_text("Set by you.")).to_have_count(0)
    expect(field).not_to_have_value("1999-12-31 23:59")
