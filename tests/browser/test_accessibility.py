"""Whole pages are accessible in both themes, with Streamlit's own markup, and fit a phone."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import drop, serious, unfold_filters, without_visible_focus
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.libraries import real_photos

pytestmark = [pytest.mark.tools, pytest.mark.read_only, pytest.mark.kept_tab]
PHONE_WIDTH, TABLET_WIDTH = 390, 820
PAGES = (
    *("", "gallery", "search", "search?q=flower", "export", "albums", "albums?album=nature"),
    "trips",
    *(
        "map",
        "insights",
        "model_card",
        "review",
        "duplicates",
        "clutter",
        "dates",
        "teach",
        "rules",
    ),
    "sort",
)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("dark", "light")


@pytest.fixture
def library_photos() -> list[Path]:
    # A number of its own: the trash of this library is used.
    return real_photos(11)


def open_page(visit: Visit, path: str, width: int = 1440, scheme: Scheme = "light") -> Page:
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.set_viewport_size({"width": width, "height": 900})
    page = visit.open(path)
    expect(page.locator("h1").first).to_be_attached()
    if path.startswith(("gallery", "search?")):
        expect(page.locator(".cell").first).to_be_visible()
    at_rest(page)
    return page


def use_theme(page: Page, scheme: Scheme) -> None:
    """Switch an open page to a theme, as a computer does in the evening."""
    page.emulate_media(color_scheme=scheme)
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", scheme)
    page.wait_for_timeout(500)  # colours fade


def check_themes(page: Page) -> None:
    """axe finds nothing serious in what is on the screen, in both themes; ends in the light one."""
    at_rest(page)
    for scheme in SCHEMES:
        use_theme(page, scheme)
        assert serious(page) == [], scheme


@pytest.mark.parametrize("path", PAGES)
def test_pages(visit: Visit, path: str) -> None:
    page = open_page(visit, path)
    check_themes(page)
    page.set_viewport_size({"width": TABLET_WIDTH, "height": 1180})
    fits(page, TABLET_WIDTH)
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 844})
    fits(page, PHONE_WIDTH)
    assert serious(page) == []
    assert without_visible_focus(page) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    use_theme(page, "dark")
    at_rest(page)
    assert without_visible_focus(page) == []


def test_selection(visit: Visit) -> None:
    page = open_page(visit, "gallery")
    unfold_filters(page)
    page.locator(".pick").first.click()
    expect(page.get_by_text("1 selected", exact=True)).to_be_visible()
    check_themes(page)
    for name in ("Tag", "Class", "Album"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("combobox", name=f"{name} for the selected")).to_be_visible()
        check_themes(page)
        page.keyboard.press("Escape")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_trash(visit: Visit, scheme: Scheme) -> None:
    page = open_page(visit, "gallery", scheme=scheme)
    page.locator(".pick").first.click()
    page.locator(".st-key-selection_bar").get_by_role("button", name="Trash").click()
    expect(page.locator(".notice")).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    page.get_by_role("button", name="Trash (1)").click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".open").first.click()
    expect(dialog.get_by_role("button", name="Restore 1 photo")).to_be_enabled()
    at_rest(page)
    assert serious(page) == []
    dialog.get_by_role("button", name="Empty trash").click()
    expect(dialog.get_by_role("button", name="Delete permanently")).to_be_visible()
    at_rest(page)
    assert serious(page) == []
    dialog.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Restore all").click()
    expect(dialog.get_by_text("The trash is empty.")).to_be_visible()


def test_results_and_menus(visit: Visit, library_photos: list[Path]) -> None:
    page = open_page(visit, "")
    drop(page, library_photos[:3])
    expect(page.get_by_text("3 of 3 photos tagged")).to_be_visible()
    expect(page.locator(".cell")).to_have_count(3)
    check_themes(page)
    page.get_by_role("button", name="Tidy up").click()
    expect(page.get_by_role("menuitem", name="Review")).to_be_visible()
    check_themes(page)


def test_sheet_and_drawer(visit: Visit) -> None:
    page = open_page(visit, "gallery", PHONE_WIDTH)
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("dialog", name="Filters")).to_be_visible()
    check_themes(page)
    page.get_by_role("button", name="Done").click()
    page.get_by_test_id("stExpandSidebarButton").click()
    expect(page.get_by_role("link", name="Duplicates")).to_be_visible()
    check_themes(page)
    assert without_visible_focus(page) == []


@pytest.mark.parametrize("width", [PHONE_WIDTH, TABLET_WIDTH])
def test_photos_and_their_controls_fit(visit: Visit, width: int) -> None:
    page = open_page(visit, "gallery", width)
    query = page.get_by_role("searchbox").bounding_box()
    assert query is not None
    assert query["width"] >= 140
    for name in ("Undo", "Redo"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    page = open_page(visit, "search?q=flower", width)
    photo = page.locator(".cell").first.bounding_box()
    assert photo is not None
    assert photo["y"] <= 480


def test_the_checks_can_fail(visit: Visit) -> None:
    page = open_page(visit, "gallery")
    page.evaluate(
        'document.body.insertAdjacentHTML(\'beforeend\', \'<img src="data:,"><button id="weak" '
        'style="font-size: 2rem; color: #888; background: #fff; outline: none">Weak</button>\')'
    )
    violations = serious(page)
    assert any(violation.startswith("image-alt") for violation in violations)
    assert "contrast 3.54: BUTTON Weak" in violations
    assert without_visible_focus(page) == ["not visible: BUTTON Weak"]


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
