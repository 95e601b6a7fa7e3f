"""A video in the gallery: its tile, its frames, and playing it by key, mouse and finger."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit, at_rest
from tests.conftest import ASSETS
from tests.videos import video

pytestmark = [pytest.mark.tools, pytest.mark.read_only]
NAME = "film.webm"


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    """A video between two photographs."""
    paths = []
    for name in ("china.jpg", "flower.jpg"):
        paths.append(tmp_path / name)
        paths[-1].write_bytes((ASSETS / name).read_bytes())
    (tmp_path / NAME).write_bytes(video("WEBM", 4.0, size=(320, 240)))
    return [*paths, tmp_path / NAME]


def tile(page: Page) -> Locator:
    return page.locator(".cell", has_text=NAME)


def middle_of(video: Locator) -> tuple[float, float]:
    box = video.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_tile_says_that_it_is_a_video(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    expect(page.locator(".film")).to_have_text(["0:04"])
    label = tile(page).locator(".open").get_attribute("aria-label")
    assert label is not None
    assert label.startswith(f"Open {NAME}: video 0:04, ")
    frames = tile(page).locator(".frames")
    expect(frames).to_be_hidden()
    with page.expect_response(lambda response: response.url.endswith("/frames")) as loaded:
        tile(page).hover()
    assert loaded.value.status == 200
    expect(frames).to_be_visible()
    page.mouse.move(0, 0)
    expect(frames).to_be_hidden()
    page.locator(".cell .open").first.focus()
    page.keyboard.press("ArrowRight")
    expect(frames).to_be_visible()
    assert not visit.foreign_requests


def test_a_video_is_played_and_sought(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    tile(page).locator(".open").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name(f"Photo 2 of 3: {NAME}")
    at_rest(page)
    video_shown = dialog.locator(".slide.current video")
    expect(video_shown).to_have_js_property("error", None)
    video_shown.evaluate(
        "(video) => video.readyState >= 2 || new Promise((done) => { video.oncanplay = done; })"
    )
    assert video_shown.evaluate("(video) => video.duration") == pytest.approx(4.0, abs=0.2)
    expect(dialog.locator("video")).to_have_count(1)  # none of the neighbours
    for is_paused in (False, True):
        page.keyboard.press("Space")
        expect(video_shown).to_have_js_property("paused", is_paused)
    video_shown.evaluate(
        "(video) => new Promise((done) => { video.onseeked = done; video.currentTime = 3; })"
    )
    assert video_shown.evaluate("(video) => video.currentTime") == 3
    # Above the controls that the browser draws at its lower edge.
    page.mouse.click(*middle_of(video_shown))
    expect(video_shown).to_have_js_property("paused", False)
    page.keyboard.press("ArrowRight")
    expect(dialog).to_have_accessible_name("Photo 3 of 3: flower.jpg")
    expect(dialog.locator("video")).to_have_count(0)
    assert not visit.script_errors
