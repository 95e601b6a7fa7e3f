"""Trips in a real browser: a proposal is opened by click, accepted by keyboard, and undone."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.actions import focused, serious, undo_button
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.libraries import pieces_of_photos

pytestmark = pytest.mark.tools

TITLE = "12 to 13 July 2024"
DAYS = ("Friday, 12", "Saturday, 13")


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    """Twelve photos of two days, dated by their names."""
    photos = []
    for number, piece in enumerate(pieces_of_photos()[:12]):
        name = f"IMG_202407{12 + number // 6}_{9 + number % 6:02}1500.jpg"
        photos.append(Path(shutil.copy(piece, tmp_path / name)))
    return photos


def test_a_proposal_is_opened_accepted_and_undone(visit: Visit) -> None:
    page = visit.open("trips")
    card = page.get_by_role("button", name=TITLE)
    expect(card).to_contain_text("12 photos")
    expect(page.get_by_text("Proposed: 2 days, 12 photos")).to_be_visible()
    expect(page.get_by_alt_text(f"Cover of {TITLE}")).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    card.click()
    expect(page.get_by_role("heading", level=1, name=TITLE)).to_be_visible()
    expect(page.locator(".cell")).to_have_count(12)
    expect(page).to_have_url(re.compile(r"trips\?.*trip=[0-9]+"))
    at_rest(page)
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    at_rest(page)
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".cell .open").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.go_back()
    accept = page.get_by_role("button", name="Accept")
    expect(accept).to_be_visible()
    at_rest(page)
    accept.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Trip “{TITLE}” accepted.")).to_be_visible()
    expect(accept).to_have_count(0)
    # The button that had the focus is gone: the card has it.
    assert focused(page).startswith(TITLE)
    undo_button(page).click()
    expect(accept).to_be_visible()
    page.get_by_role("button", name="Hide").click()
    expect(card).to_have_count(0)
    undo_button(page).click()
    expect(card).to_be_visible()
    assert visit.script_errors == []
    assert visit.foreign_requests == []


@pytest.mark.read_only
def test_the_days_of_a_trip_scroll_to_their_photos(visit: Visit) -> None:
    page = visit.open("trips")
    page.get_by_role("button", name=TITLE).click()
    page.set_viewport_size({"width": 1440, "height": 500})
    first, second = (page.get_by_role("heading", name=f"{day} July 2024", level=2) for day in DAYS)
    for _ in range(2):
        page.get_by_role("button", name="Sat 13 July").click()
        expect(second).to_be_in_viewport()
        expect(first).not_to_be_in_viewport()
        page.get_by_role("button", name="Fri 12 July").click()
        expect(first).to_be_in_viewport()
