"""The gallery as a visitor works in it: filters, selection, bulk edits, the dialog, by keyboard."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.actions import chip, focused, undo_button, unfold_filters
from tests.browser.conftest import Visit, at_rest
from tests.browser.libraries import real_photos
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools
CHINA, FLOWER = ASSETS / "china.jpg", ASSETS / "flower.jpg"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Real ones, and copies of one with bytes of their own behind the picture: other photos."""
    folder, made = tmp_path_factory.mktemp("photos"), []
    for i in range(44):
        made.append(folder / f"copy_{i:02d}.jpg")
        made[-1].write_bytes(CHINA.read_bytes() + bytes([i]))
    return [*made, *real_photos(12)]


@pytest.fixture(scope="module")
def library_photos(photos: list[Path]) -> list[Path]:
    return photos


@pytest.mark.read_only
def test_filters_and_pages_live_in_the_address(visit: Visit, photos: list[Path]) -> None:
    page = visit.open("gallery")
    expect(page.locator(".current .cell")).to_have_count(36)
    page.get_by_label("Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(page.locator(".current .cell")).to_have_count(len(photos) - 36)
    page.reload()
    expect(page.locator(".current .cell")).to_have_count(len(photos) - 36)
    unfold_filters(page)  # at the start of the list, where it is scrolled to
    chip(page, "Flower").click()
    expect(page).to_have_url(re.compile(r"class=flower"))
    expect(page).not_to_have_url(re.compile("page="))
    expect(page.locator(".current .cell").first).to_contain_text("Flower")
    flowers = page.locator(".current .cell").count()
    assert chip(page, "Flower").inner_text().endswith(f"· {flowers}")
    page.reload()
    expect(page.locator(".current .cell")).to_have_count(flowers)
    page.go_back()
    expect(page).not_to_have_url(re.compile("class="))
    expect(page.locator(".current .cell")).to_have_count(36)
    visit.open("gallery?q=name:copy_0&sort=name&size=small")
    expect(page.locator(".current .cell")).to_have_count(10)
    expect(page.locator(".current .cell").first).to_contain_text("copy_00.jpg")
    visit.open("gallery?q=(sea")
    expect(page.get_by_text("closing bracket")).to_be_visible()
    visit.open("gallery?class=nowhere&page=99&size=huge&sort=x")
    expect(page.get_by_text("No photos match this filter")).to_be_visible()
    page.get_by_role("button", name="Show all photos").click()
    expect(page.locator(".current .cell")).to_have_count(36)


def test_ranges_all_that_match_and_mixed_chips(visit: Visit, photos: list[Path]) -> None:
    page = visit.open("gallery?q=name:copy&sort=name")
    expect(page.locator(".current .cell")).to_have_count(36)
    page.locator(".pick").nth(1).click()
    page.locator(".pick").nth(4).click(modifiers=["Shift"])
    expect(page.get_by_text("4 selected", exact=True)).to_be_visible()
    expect(page.locator('.current .pick[aria-checked="true"]')).to_have_count(4)
    _tag(page, "Journey")
    expect(page.locator(".current .cell", has_text="journey")).to_have_count(4)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select all 44").click()
    expect(page.get_by_text("44 selected", exact=True)).to_be_visible()
    page.get_by_role("button", name="Tag", exact=True).click()
    mixed = page.get_by_role("radio", name="◐ journey · 4 of 44")
    mixed.click()
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_role("radio", name="● journey · all 44")).to_be_visible()
    page.get_by_role("button", name="Reject").click()
    expect(page.locator(".current .cell", has_text="journey")).to_have_count(0)
    page.keyboard.press("Escape")
    buttons = [undo_button(page), page.get_by_role("button", name="Redo")]
    for button in buttons:
        # The tag was rejected on this click: the buttons are drawn again with what they undo.
        expect(button).to_be_visible()
    at_rest(page)
    places = [x_of(button) for button in buttons]
    undo_button(page).click()
    expect(page.locator(".current .cell", has_text="journey")).to_have_count(36)
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    at_rest(page)
    assert [x_of(button) for button in buttons] == places, "neither takes the other's place"
    # Another page has what was selected there, too.
    page.get_by_label("Next page").click()
    expect(page.locator('.current .pick[aria-checked="true"]')).to_have_count(8)


def test_a_notice_does_not_cover_undo(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    page.locator(".pick").first.click()
    _tag(page, "Journey")
    notice = page.locator(".notice")
    expect(notice).to_be_visible()
    undo = undo_button(page)
    for other in (undo, page.locator(".st-key-selection_bar")):
        covered, box = notice.bounding_box(), other.bounding_box()
        assert covered is not None
        assert box is not None
        is_beside = covered["x"] + covered["width"] <= box["x"]
        is_above = covered["y"] + covered["height"] <= box["y"]
        assert is_beside or is_above or covered["y"] >= box["y"] + box["height"]


def x_of(button: Locator) -> float:
    box = button.bounding_box()
    assert box is not None
    return box["x"]


def _tag(page: Page, tag: str) -> None:
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_role("combobox", name="Tag for the selected photos").fill(tag)
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Make tag “{tag}”").click()
    page.get_by_role("button", name="Add tag").click()


def test_everything_by_keyboard_alone(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    expect(page.locator(".current .cell")).to_have_count(36)
    for _ in range(80):
        page.keyboard.press("Tab")
        if focused(page).startswith("Open "):
            break
    first = focused(page)
    assert first.startswith("Open "), "the tab key reaches the photos"
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")  # past the last photo: the next page
    expect(page).to_have_url(re.compile("page=2"))
    page.wait_for_function(
        "() => document.activeElement?.shadowRoot?.activeElement?.className === 'open'"
    )
    page.keyboard.press("PageUp")
    expect(page).not_to_have_url(re.compile("page="))
    page.keyboard.press("Home")
    assert focused(page) == first
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("3 selected", exact=True)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="3 of 36 selected")).to_have_count(1)
    # The tools of the selection, which hear the key, come after its count.
    bar = page.locator(".st-key-selection_bar")
    expect(bar.get_by_role("button", name="Clear")).to_be_visible()
    page.keyboard.press("Delete")
    expect(page.get_by_role("button", name="Trash (3)")).to_be_visible()
    expect(undo_button(page)).to_be_enabled()
    page.keyboard.press("z")
    expect(page.get_by_role("button", name="Trash (3)")).to_have_count(0)
    expect(page.locator(".current .cell").first).to_contain_text(first.split(":")[0].split()[-1])
    page.wait_for_function(
        "() => document.activeElement?.shadowRoot?.activeElement?.className === 'open'"
    )
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    name = first.removeprefix("Open ").split(":")[0]
    expect(dialog.get_by_test_id("stText").get_by_text(name)).to_be_visible()
    expect(dialog.get_by_role("button", name="Previous")).to_be_disabled()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text(name, exact=True)).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_text(name, exact=True)).to_be_visible()
    page.keyboard.press("Delete")  # the page behind the dialog does not hear it
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile(r"Trash \("))).to_have_count(0)


def test_favourite_and_rating_by_key(visit: Visit) -> None:
    page = visit.open("gallery?q=name:copy_00")
    page.locator(".cell").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Not rated.")).to_be_visible()
    page.keyboard.press("f")
    expect(dialog.get_by_role("button", name="Remove from favourites")).to_be_visible()
    page.keyboard.press("4")
    expect(dialog.get_by_text("Rating: 4 of 5.")).to_be_visible()
    dialog.get_by_role("button", name="1 star").click()
    expect(dialog.get_by_text("Rating: 1 of 5.")).to_be_visible()
    for name in ("Class", "Tags"):
        field = dialog.get_by_role("combobox", name=name)
        field.click()
        page.keyboard.type("f5")
        expect(field).to_have_value(re.compile("f5$"))
        page.keyboard.press("Backspace")
        page.keyboard.press("Backspace")
        page.keyboard.press("Tab")
    expect(dialog.get_by_text("Rating: 1 of 5.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Remove from favourites")).to_be_visible()
    dialog.get_by_text("Rating: 1 of 5.").click()
    page.keyboard.press("0")
    expect(dialog.get_by_text("Not rated.")).to_be_visible()


def test_the_dialog_says_who_said_so(visit: Visit) -> None:
    page = visit.open("gallery?q=name:flower.jpg")
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("table", name=re.compile("6 most probable"))).to_be_visible()
    dialog.get_by_text("Tag sources").click()
    sources = dialog.get_by_role("table", name="Tag sources")
    expect(sources.get_by_role("row", name=re.compile(r"^Flower .*\d%$")).first).to_be_visible()
    dialog.get_by_role("combobox", name="Class").fill("Forest")
    page.get_by_role("option", name="Forest").first.click()
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    expect(
        sources.get_by_role("row", name=re.compile("Class: Forest Set by you, 20"))
    ).to_be_visible()
    expect(sources.get_by_role("row", name=re.compile(r"^Flower .*\d%$")).first).to_be_visible()
    dialog.get_by_text("Details", exact=True).click()
    expect(dialog.get_by_role("row", name=re.compile(r"Size 640 × 427"))).to_be_visible()
    bars = dialog.get_by_role("table", name=re.compile("6 most probable")).first
    expect(bars.get_by_role("row")).to_have_count(6)
    dialog.get_by_role("tab", name="Camera scenes").click()
    expect(dialog.get_by_text("30 more").first).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download original").click()
    assert Path(download.value.path()).read_bytes() == FLOWER.read_bytes()
    dialog.get_by_role("button", name="Move to trash").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Trash (1)")).to_be_visible()


def test_chosen_pictures_come_back_from_the_trash(visit: Visit) -> None:
    page = visit.open("gallery?q=name:copy_0")
    expect(page.locator(".cell")).to_have_count(10)
    page.get_by_role("button", name="Select all").click()
    page.get_by_role("button", name="Trash").click()
    page.get_by_role("button", name="Trash (10)").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".cell img")).to_have_count(10)
    for name in ("copy_02.jpg", "copy_05.jpg"):
        dialog.locator(".cell", has_text=name).locator(".open").click()
    dialog.get_by_role("button", name="Restore 2 photos").click()
    expect(dialog.locator(".cell")).to_have_count(8)
    expect(dialog.get_by_role("button", name="Restore selected")).to_be_disabled()
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator(".cell")).to_have_count(2)


def test_the_focus_stays_while_photos_go_and_come_back(visit: Visit) -> None:
    page = visit.open("gallery?q=name:copy_0&sort=name")
    expect(page.locator(".cell")).to_have_count(10)
    for place in range(3):
        page.locator(".pick").nth(place).check()
    bar = page.locator(".st-key-selection_bar")
    expect(bar.get_by_text("3 selected", exact=True)).to_be_visible()
    bar.get_by_role("button", name="Trash").press("Enter")
    expect(page.locator(".cell")).to_have_count(7)
    expect(page.locator(".open:focus")).to_have_count(1)
    page.get_by_role("button", name="Trash (3)").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.locator(".open").first.press("Enter")
    dialog.get_by_role("button", name="Restore 1 photo").press("Enter")
    everything = dialog.get_by_role("button", name="Restore all")
    expect(everything).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("The trash is empty.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(".cell")).to_have_count(10)
    expect(page.locator(".open:focus")).to_have_count(1)


def test_a_click_waits_for_the_server(visit: Visit, server: Server) -> None:
    page = visit.open("gallery?q=name:flower.jpg")
    expect(page.locator(".cell")).to_have_count(1)
    app, state = page.get_by_test_id("stApp"), "data-test-connection-state"
    server.kill()
    expect(app).not_to_have_attribute(state, "CONNECTED")
    page.locator(".open").first.click()
    server.start()
    expect(app).to_have_attribute(state, "CONNECTED", timeout=60_000)
    expect(page.get_by_role("dialog")).to_be_visible(timeout=60_000)
