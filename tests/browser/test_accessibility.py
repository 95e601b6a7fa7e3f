"""Accessibility: axe-core finds nothing serious, screen readers get sense, pages fit a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.actions import serious
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.libraries import real_photos

pytestmark = [pytest.mark.tools, pytest.mark.read_only]


@pytest.fixture
def library_photos() -> list[Path]:
    return real_photos(12)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["gallery", "search?q=flower", "search", "export"])
def test_pages(visit: Visit, path: str, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open(path)
    expect(page.locator("h1")).to_be_visible()
    if path in ("gallery", "search?q=flower"):
        expect(page.locator(".cell").first).to_be_visible()
    at_rest(page)
    assert serious(page) == []


@pytest.mark.parametrize(
    "path",
    [
        *("", "gallery", "search?q=flower", "export", "model_card"),
        *("albums", "map", "review", "duplicates", "teach", "insights"),
    ],
)
def test_phone_width(visit: Visit, path: str) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    page = visit.open(path)
    expect(page.locator("h1").first).to_be_visible()
    fits(page, 390)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialog(visit: Visit, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open("gallery?q=name:flower.jpg")
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table").first).to_be_visible()
    dialog.get_by_text("Details", exact=True).click()
    at_rest(page)
    assert serious(page) == []


def test_axe_can_fail(visit: Visit) -> None:
    page = visit.open("gallery")
    expect(page.locator(".cell").first).to_be_visible()
    page.evaluate("document.querySelector('[data-testid=stMain]').append(new Image())")
    page.evaluate("document.querySelector('[data-testid=stMain]').lastChild.src = 'data:,'")
    assert any(violation.startswith("image-alt") for violation in serious(page))


def test_the_tree_reads_sensibly(visit: Visit) -> None:
    page = visit.open("gallery?q=name:flower.jpg")
    page.locator(".cell").first.wait_for()
    tree = page.get_by_role("list", name="Photos 1 to 1 of 1").aria_snapshot().replace("'", "")
    assert '- button "Open flower.jpg: flower' in tree
    assert '- checkbox "Select flower.jpg"' in tree
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table").first).to_be_visible()
    expect(dialog.get_by_role("link", name="Download original")).to_be_visible()
    tree = dialog.aria_snapshot().replace("'", "")
    for line in (
        '- button "Next',
        '- img "flower.jpg: flower',
        '- combobox "Class"',
        '- link "Download original',
        '- tab "Six scenes" [selected]',
        '- table "Six scenes, 6 most probable labels"',
        '- button "Close"',
    ):
        assert line in tree, f"{line} is not in\n{tree}"
