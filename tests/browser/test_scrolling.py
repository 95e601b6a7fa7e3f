"""Scrolling goes over all photos with few of them drawn; the months at the side lead anywhere."""

import datetime
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit, at_rest

pytestmark = [pytest.mark.tools, pytest.mark.read_only]
PHOTOS, MOST_PICTURES = 420, 300
MAIN = "document.querySelector('[data-testid=stMain]')"
# Whether the pictures on the screen have come.
DRAWN = """() => {
  const root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
    .find((each) => each?.querySelector(".grid"));
  const shown = [...root.querySelectorAll(".cell")].filter((cell) => {
    const { top, bottom } = cell.getBoundingClientRect();
    return bottom > 120 && top < innerHeight;
  });
  return shown.length > 0 && shown.every((cell) => cell.querySelector("img").naturalWidth > 0);
}"""
FIRST = datetime.datetime(2023, 1, 1, 9)


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small pictures: 20 a day on every 40th day from 2023, the last ones without a date."""
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for i in range(PHOTOS):
        paths.append(folder / f"photo_{i:03d}.jpg")
        size = (60, 90) if i % 5 == 0 else (120, 80)
        exif = Image.Exif()
        if i < PHOTOS - 20:
            taken = FIRST + datetime.timedelta(days=40 * (i // 20), minutes=i % 20)
            exif.get_ifd(0x8769)[0x9003] = f"{taken:%Y:%m:%d %H:%M:%S}"
        Image.new("RGB", size, (i % 256, i // 2 % 256, 90)).save(
            paths[-1], exif=exif, comment=str(i)
        )
    return paths


def open_by_date(visit: Visit, more: str = "") -> Page:
    page = visit.open(f"gallery?sort=taken{more}")
    expect(page.locator(".current .cell").first).to_be_visible()
    at_rest(page)
    return page


def in_sight(page: Page) -> str:
    """The name of the first whole photo below the header."""
    name: str = page.locator(".cell").evaluate_all(
        """cells => cells.find((cell) => cell.getBoundingClientRect().top >= 100)
          .querySelector(".pick").getAttribute("aria-label").replace("Select ", "")"""
    )
    return name


def scroll_by(page: Page, pixels: int) -> None:
    page.mouse.move(600, 500)
    page.mouse.wheel(0, pixels)


def test_all_photos_come_by_scrolling(visit: Visit) -> None:
    page = open_by_date(visit)
    entries = page.evaluate("history.length")
    names, drawn = set(), 0
    for _ in range(400):
        names |= set(page.locator(".pick").evaluate_all("all => all.map(p => p.ariaLabel)"))
        drawn = max(drawn, page.locator(".cell").count())
        if len(names) == PHOTOS:
            break
        scroll_by(page, 500)
        page.wait_for_timeout(60)
        expect(page.locator(".grid")).to_have_attribute("aria-busy", "false")
    assert len(names) == PHOTOS
    assert drawn <= MOST_PICTURES
    expect(page).to_have_url(re.compile("page="))
    assert page.evaluate("history.length") == entries, "Back leaves the gallery at once"


def test_reloading_comes_back_to_the_page_in_sight(visit: Visit) -> None:
    page = open_by_date(visit)
    for _ in range(12):
        scroll_by(page, 600)
        page.wait_for_timeout(150)
    expect(page).to_have_url(re.compile("page=[2-9]"))
    at_rest(page)
    number = page.locator(".current").get_attribute("data-page")
    page.reload()
    expect(page.locator(f".current[data-page='{number}']")).to_be_in_viewport()
    scroll_by(page, -600)
    expect(page.locator(f".page[data-page='{int(number or 0) - 1}']")).to_be_in_viewport()


def test_the_scroll_bar_leads_to_photos_that_were_not_there(visit: Visit) -> None:
    page = open_by_date(visit)
    page.evaluate(f"{MAIN}.scrollTop = {MAIN}.scrollHeight * 0.6")
    expect(page.locator(".current")).to_have_attribute("data-page", re.compile("[678]"))
    expect(page.locator(".current .cell").first).to_be_visible()
    page.wait_for_function(DRAWN)
    page.evaluate(f"{MAIN}.scrollTop = {MAIN}.scrollHeight")
    expect(page.locator(".day").last).to_have_text("No date")
    expect(page.locator(".cell").last).to_be_in_viewport()


def month(page: Page) -> Locator:
    return page.get_by_role("slider", name="Month")


def test_a_month_is_reached_by_key_and_by_pointing(visit: Visit) -> None:
    page = open_by_date(visit)
    month(page).focus()
    expect(month(page)).to_have_attribute("aria-valuetext", "January 2023")
    page.keyboard.press("PageDown")
    expect(month(page)).to_have_attribute("aria-valuetext", re.compile("2024"))
    expect(page.locator(".day", has_text="2024").first).to_be_in_viewport()
    page.keyboard.press("End")
    expect(month(page)).to_have_attribute("aria-valuetext", "No date")
    expect(page.locator(".cell").last).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(page.locator(".day", has_text="1 January 2023")).to_be_in_viewport()
    box = month(page).bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] / 2, steps=5)
    expect(page.locator(".month")).to_be_visible()
    page.mouse.up()
    at_rest(page)
    # Photo 210 of 420.
    assert "photo_20" <= in_sight(page)[:8] <= "photo_21"
    expect(month(page)).to_have_attribute("aria-valuetext", re.compile("2024"))


def test_an_order_without_dates_has_no_months(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    expect(page.locator(".cell").first).to_be_visible()
    expect(month(page)).to_have_count(0)


def test_a_day_that_goes_on_has_one_heading_and_full_rows(visit: Visit) -> None:
    page = open_by_date(visit)
    # The second day is on pages 1 and 2: 36 photos a page.
    headings = page.locator(".day", has_text="10 February 2023")
    expect(headings).to_have_count(1)
    rights = page.locator(".page[data-page='1'] .cell").evaluate_all(
        "cells => cells.map(c => c.getBoundingClientRect()).map(b => [b.top, b.right])"
    )
    last_row = [right for top, right in rights if top == rights[-1][0]]
    width = page.locator(".page[data-page='1']").evaluate("p => p.getBoundingClientRect().right")
    assert max(last_row) == pytest.approx(width, abs=1.5)


def test_what_is_selected_stays_so_out_of_sight(visit: Visit) -> None:
    page = open_by_date(visit)
    page.locator(".pick").first.click()
    expect(page.get_by_text("1 selected", exact=True)).to_be_visible()
    month(page).focus()
    page.keyboard.press("End")
    expect(page.locator(".cell").last).to_be_in_viewport()
    expect(page.locator('.pick[aria-checked="true"]')).to_have_count(0)
    page.locator(".pick").last.click()
    expect(page.get_by_text("2 selected", exact=True)).to_be_visible()
    month(page).focus()
    page.keyboard.press("Home")
    expect(page.locator('.pick[aria-checked="true"]')).to_have_count(1)


def _top_of_watched(page: Page) -> float | None:
    page.wait_for_timeout(100)
    top: float | None = page.evaluate(
        "window.watched.isConnected ? window.watched.getBoundingClientRect().top : null"
    )
    return top


def test_photos_in_sight_stay_while_others_come_above(visit: Visit) -> None:
    page = open_by_date(visit)
    month(page).focus()
    page.keyboard.press("End")
    at_rest(page)
    for _ in range(25):
        before = page.evaluate(f"{MAIN}.scrollTop")
        top = page.locator(".cell").evaluate_all(
            "cells => { window.watched = cells.find(c => c.getBoundingClientRect().top > 150);"
            " return window.watched.getBoundingClientRect().top }"
        )
        scroll_by(page, -300)
        if before > 300:
            page.wait_for_function(f"before => {MAIN}.scrollTop !== before", arg=before)
        page.wait_for_timeout(200)
        moved = _top_of_watched(page)
        while moved != (moved := _top_of_watched(page)):  # it still scrolls
            pass
        if moved is not None and before > 300:
            assert abs(moved - top - 300) < 3, "it moved by what was scrolled, and no more"


def test_closing_a_photo_shows_it_in_the_list(visit: Visit) -> None:
    page = open_by_date(visit, "&size=large")  # 18 a page
    page.locator(".open").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name(re.compile("^Photo 1 of 420:"))
    for number in range(2, 62):
        page.keyboard.press("ArrowRight")
        expect(dialog).to_have_accessible_name(re.compile(f"^Photo {number} of 420:"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    last = page.locator(".cell .open[aria-label^='Open photo_060']")
    expect(last).to_be_in_viewport()
    expect(last).to_be_focused()
    expect(page).to_have_url(re.compile("page=4"))
    expect(page).not_to_have_url(re.compile("photo="))
