"""Stacks in the browser: the mark on a tile, the strip of the lightbox, the film of a photo."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.actions import serious
from tests.browser.conftest import Visit, at_rest
from tests.conftest import ASSETS
from tests.photos.films import google_motion_photo, live_film
from tests.videos import video

pytestmark = pytest.mark.tools


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    """A photo with its edited version, one with its film, and a motion photo."""
    names = ("a.jpg", "a-edited.jpg", "b.jpg", "motion.jpg")
    temple, edited, other, motion = (tmp_path / name for name in names)
    temple.write_bytes((ASSETS / "china.jpg").read_bytes())
    with Image.open(temple) as picture:
        picture.convert("L").save(edited)
    other.write_bytes((ASSETS / "flower.jpg").read_bytes())
    motion.write_bytes(google_motion_photo(live_film()))
    film = tmp_path / "b.webm"
    film.write_bytes(video("WEBM", 4.0))
    return [temple, edited, other, film, motion]


@pytest.mark.read_only
def test_a_stack_is_one_tile_and_a_strip(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    expect(page.locator(".cell")).to_have_count(3)
    marks = page.locator(".cell .stack")
    expect(marks).to_have_text(["Edited · 2", "Live · 2", "Live"])
    page.locator(".cell .open").first.click()
    dialog, strip = page.get_by_role("dialog"), page.locator(".strip")
    buttons = strip.get_by_role("button")
    expect(dialog).to_have_accessible_name("Photo 1 of 3: a-edited.jpg")
    expect(buttons).to_have_count(2)
    page.keyboard.press("v")
    expect(dialog).to_have_accessible_name("Photo 1 of 3: a.jpg")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(dialog.get_by_text("a.jpg", exact=True).first).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    buttons.first.click()
    expect(dialog).to_have_accessible_name("Photo 1 of 3: a-edited.jpg")
    page.keyboard.press("v")
    page.keyboard.press("ArrowRight")
    expect(dialog).to_have_accessible_name("Photo 2 of 3: b.jpg")
    expect(buttons).to_have_text(["JPEG", "WEBM"])
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Stop film")).to_be_visible()
    expect(page.get_by_role("button", name="Play film")).to_be_visible()  # after its four seconds
    page.keyboard.press("ArrowRight")
    expect(strip).to_be_hidden()
    # The film is a container without frames.
    page.get_by_role("button", name="Play film").click()
    expect(page.get_by_text("This browser cannot play the film.")).to_be_visible()
