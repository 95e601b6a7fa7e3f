"""The best of a burst in the browser: by key, with live counts, one Undo."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.actions import serious, undo_button
from tests.browser.conftest import Visit, at_rest
from tests.conftest import ASSETS
from tests.pictures import burst_with_faults

pytestmark = pytest.mark.tools


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    """A burst of three, and a photo of its own."""
    paths = [ASSETS / "china.jpg"]
    for name, data in burst_with_faults((ASSETS / "flower.jpg").read_bytes()):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    return paths


def test_the_worse_shots_of_a_burst_go_to_the_trash_and_back(visit: Visit) -> None:
    page = visit.open("gallery")
    expect(page.locator(".cell .stack", has_text="Burst · 3")).to_be_visible()
    page.goto(page.url.replace("gallery", "duplicates"))
    page.get_by_text("Best shots", exact=True).click()
    everything = page.get_by_role("button", name="to the trash").first
    page.get_by_role("slider", name="Strictness").focus()
    page.keyboard.press("End")
    expect(everything).to_contain_text("Move 2 photos to the trash")
    figures = page.locator("figure")
    expect(figures.first).to_contain_text("1 · ★ Best · sharper · DSC_0001.JPG")
    at_rest(page)
    assert serious(page) == []
    keep = page.get_by_role("button", name="2", exact=True)
    keep.focus()
    page.keyboard.press("Enter")
    expect(everything).to_contain_text("Move 1 photo to the trash")
    expect(keep).to_be_focused()
    everything.click()
    expect(figures).to_have_count(2)
    undo_button(page).click()
    expect(figures).to_have_count(3)
