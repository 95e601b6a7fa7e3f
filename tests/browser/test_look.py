"""The gallery shows photos first: where they begin, what stays in sight, how rows are drawn."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.actions import undo_button
from tests.browser.conftest import Visit, at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = [pytest.mark.tools, pytest.mark.read_only]
MAIN = "document.querySelector('[data-testid=stMain]')"
CHINA = ASSETS / "china.jpg"
# Of the first photos, which are in sight.
IMAGES = """[...document.querySelectorAll("*")].map((e) => e.shadowRoot).filter(Boolean)
  .flatMap((root) => [...root.querySelectorAll(".open img")]).slice(0, 7)"""
TAKEN = ("2024:07:25 14:03:09", "2024:07:25 18:30:00", "2024:08:01 09:00:00")


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Forty photos; three with a date, four upright, two panoramas."""
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for i in range(40):
        paths.append(folder / f"photo_{i:02d}.jpg")
        picture: Image.Image = Image.open(CHINA)
        if i in range(4, 8):
            picture = picture.crop((0, 0, 280, 420))
        elif i in (8, 9):
            picture = picture.crop((0, 100, 640, 220))
        exif = Image.Exif()
        if i < len(TAKEN):
            exif.get_ifd(0x8769)[0x9003] = TAKEN[i]
        picture.putpixel((0, 0), (i, i, i))
        picture.save(paths[-1], exif=exif)
    return paths


def open_gallery(visit: Visit, width: int, height: int, query: str = "") -> Page:
    visit.page.set_viewport_size({"width": width, "height": height})
    page = visit.open(f"gallery{query}")
    expect(page.locator(".cell").first).to_be_visible()
    at_rest(page)
    return page


WIDE, PHONE = (1440, 900), (390, 844)
ON_BOTH = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])


@pytest.mark.parametrize(
    ("width", "height", "most"), [(1440, 900, 220), (390, 844, 260)], ids=["wide", "phone"]
)
def test_the_first_photo_is_near_the_top(visit: Visit, width: int, height: int, most: int) -> None:
    page = open_gallery(visit, width, height)
    tops = page.locator(".cell").evaluate_all("cells => cells.map(c => c.getBoundingClientRect())")
    assert tops[0]["top"] <= most
    whole_rows = {box["top"] for box in tops if box["bottom"] <= height}
    assert len(whole_rows) >= 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("width", "height", "most"), [(1440, 900, 220), (390, 844, 260)], ids=["wide", "phone"]
)
def test_words_passed_over_do_not_move_the_photos(
    visit: Visit, width: int, height: int, most: int
) -> None:
    tops = []
    for query in ("landmark", "photos of the landmark"):
        page = open_gallery(visit, width, height, f"?q={query}")
        tops.append(page.locator(".cell").first.evaluate("c => c.getBoundingClientRect().top"))
    assert tops[0] == tops[1] <= most
    text = page.get_by_text("Ignored words: photos, of, the")
    expect(text).to_be_in_viewport(ratio=1)
    # The letters of a line may be higher than the line.
    is_whole = "e => e.scrollHeight < e.clientHeight + 9 && e.scrollWidth <= e.clientWidth + 1"
    assert text.evaluate(is_whole)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_photos_of_a_row_are_equally_high_and_not_cropped(visit: Visit) -> None:
    page = open_gallery(visit, 1440, 900, "?sort=name")
    rows: dict[float, list[tuple[float, float]]] = {}
    cells = page.locator(".cell .open img").evaluate_all(
        "images => images.map(i => ({box: i.getBoundingClientRect(), "
        "ratio: i.naturalWidth / i.naturalHeight}))"
    )
    for cell in cells[:10]:
        box = cell["box"]
        rows.setdefault(box["top"], []).append((box["height"], box["right"]))
        shown = box["width"] / box["height"]
        assert shown == pytest.approx(min(cell["ratio"], 2.6), rel=0.02)
    for heights in rows.values():
        assert max(h for h, _ in heights) - min(h for h, _ in heights) < 1.5
    ends = [max(right for _, right in row) for row in rows.values()][:-1]
    assert max(ends) - min(ends) < 1.5, "full rows end at the same edge"


@ON_BOTH
def test_the_tools_of_a_selection_are_in_sight_wherever_one_is(
    visit: Visit, size: tuple[int, int]
) -> None:
    page = open_gallery(visit, *size, "?size=large")
    bar = page.locator(".st-key-selection_bar")
    expect(bar).to_have_count(0)
    page.locator(".cell").first.hover()
    page.locator(".pick").first.click()
    expect(bar.get_by_text("1 selected", exact=True)).to_be_visible()
    for part in (0, 0.5, 1):
        page.evaluate(f"{MAIN}.scrollTop = {part} * {MAIN}.scrollHeight")
        page.wait_for_timeout(500)
        expect(bar.get_by_text("1 selected", exact=True)).to_be_in_viewport(ratio=1)
        for tool in ("Tag", "Class", "Album", "Stack", "Favourite", "Trash", "Clear"):
            button = bar.get_by_role("button", name=tool, exact=False).first
            expect(button).to_be_in_viewport(ratio=1)
        expect(undo_button(page)).to_be_in_viewport(ratio=1)
    box = bar.bounding_box()
    assert box is not None
    assert box["height"] < 50, "one line"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_have_count(0)


@ON_BOTH
def test_the_tools_for_results_are_in_sight_wherever_one_is(
    visit: Visit, size: tuple[int, int]
) -> None:
    visit.page.set_viewport_size({"width": size[0], "height": size[1]})
    page = visit.open("search?q=name:photo")
    expect(page.locator(".cell").first).to_be_visible()
    at_rest(page)
    page.locator(".cell").first.hover()
    page.locator(".pick").first.click()
    bar = page.locator(".st-key-search_selection")
    for part in (0.5, 1):
        page.evaluate(f"{MAIN}.scrollTop = {part} * {MAIN}.scrollHeight")
        page.wait_for_timeout(500)
        expect(bar.get_by_text("1 selected", exact=True)).to_be_in_viewport(ratio=1)
        expect(bar.get_by_role("button", name="Select all")).to_be_in_viewport(ratio=1)
        expect(bar.get_by_role("button", name="Clear")).to_be_in_viewport(ratio=1)
    bar.get_by_role("button", name="Clear").click()
    expect(bar.get_by_text("0 selected", exact=True)).to_be_visible()


def test_photos_stand_under_the_days_they_were_taken(visit: Visit) -> None:
    page = open_gallery(visit, 1440, 900, "?sort=-taken")
    headings = page.locator(".day")
    expect(headings).to_have_text(["Thursday, 1 August 2024", "Thursday, 25 July 2024", "No date"])
    expect(page.locator(".time").first).to_have_text("1 Aug, 09:00")
    page = open_gallery(visit, 1440, 900, "?sort=name")
    expect(page.locator(".day")).to_have_count(0)
    expect(page.locator(".time").first).to_be_hidden()


def test_small_photos_stand_under_months(visit: Visit) -> None:
    page = open_gallery(visit, 1440, 900, "?sort=-taken&size=small")
    expect(page.locator(".day")).to_have_text(["August 2024", "July 2024", "No date"])
    expect(page.locator(".time").first).to_have_text("1 Aug")
    rows = page.locator(".cell").evaluate_all(
        "cells => cells.map(cell => cell.getBoundingClientRect().top)"
    )
    assert rows[1] == rows[2], "two days of July in one row"


def test_photos_say_when_they_were_taken_where_the_last_added_come_first(visit: Visit) -> None:
    page = open_gallery(visit, 1440, 900, "?q=name:photo_02")
    expect(page.locator(".day")).to_have_text(re.compile("^Added "))
    expect(page.locator(".time")).to_have_text("1 Aug 2024")
    tree = page.get_by_role("list", name="Photos 1 to 1 of 1").aria_snapshot()
    assert "1 Aug 2024" in tree


def test_the_chosen_month_stays_chosen_where_the_list_ends(visit: Visit) -> None:
    few = "name:photo_00 OR name:photo_02 OR name:photo_03"
    page = open_gallery(visit, 1440, 900, f"?sort=-taken&q={few}")
    month = page.get_by_role("slider", name="Month")
    month.focus()
    for key, name in (("End", "No date"), ("ArrowUp", "July 2024"), ("Home", "August 2024")):
        page.keyboard.press(key)
        at_rest(page)
        expect(month).to_have_attribute("aria-valuetext", name)


def test_captions_show_where_one_points_or_stay(visit: Visit) -> None:
    page = open_gallery(visit, 1440, 900, "?sort=name")
    caption = page.locator(".caption").first
    expect(caption).to_have_css("opacity", "0")
    page.locator(".cell").first.hover()
    expect(caption).to_have_css("opacity", "1")
    page.mouse.move(5, 5)
    page.locator(".open").first.focus()
    expect(caption).to_have_css("opacity", "1")
    page.get_by_text("Captions").click()
    expect(page.locator(".grid.captioned")).to_have_count(1)
    expect(page.locator(".caption").nth(5)).to_have_css("opacity", "1")


def test_filters_open_as_a_sheet_on_a_phone(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{server.base_url}/gallery")
    page.locator(".cell").first.wait_for()
    expect(page.locator("kbd").first).to_be_hidden()
    page.get_by_role("button", name="Filters").tap()
    sheet = page.get_by_role("dialog", name="Filters")
    sheet.get_by_role("radio", name=re.compile("^Landmark · ")).tap()
    sheet.get_by_role("button", name="Done").tap()
    expect(sheet).to_be_hidden()
    expect(page.get_by_role("button", name="Filters · 1")).to_be_visible()
    expect(page).to_have_url(re.compile("class=landmark"))
    context.close()


def test_no_button_shows_keys_on_a_touch_screen(browser: Browser, server: Server) -> None:
    context = browser.new_context(
        viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(f"{server.base_url}/duplicates")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.locator("kbd").filter(visible=True)).to_have_count(0)
    context.close()


def test_the_count_is_beside_the_middle_of_select_all(visit: Visit) -> None:
    page = open_gallery(visit, 1440, 900)
    count = page.get_by_text(re.compile(r"^\d+ of \d+ photos$"))
    middles = [
        locator.evaluate("e => { const r = e.getBoundingClientRect(); return r.top + r.bottom; }")
        for locator in (page.get_by_role("button", name="Select all"), count)
    ]
    assert abs(middles[0] - middles[1]) / 2 <= 3


@ON_BOTH
def test_nothing_jumps_while_thumbnails_come(visit: Visit, size: tuple[int, int]) -> None:
    page = visit.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(
        "window.jumped = 0; new PerformanceObserver((list) => { for (const e of list.getEntries())"
        " if (document.querySelector('[data-testid=stMain]') && window.settled)"
        " window.jumped += e.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    held: list[Route] = []
    page.route("**/thumbnail", lambda route: held.append(route))
    visit.open("gallery")
    expect(page.locator(".cell").first).to_be_visible()
    at_rest(page)
    page.evaluate("window.settled = true")
    assert held
    # Also continues what is held.
    page.unroute("**/thumbnail")
    page.wait_for_function(
        f"() => {IMAGES}.length && {IMAGES}.every((image) => image.naturalWidth > 0)"
    )
    assert page.evaluate("window.jumped") < 0.02
