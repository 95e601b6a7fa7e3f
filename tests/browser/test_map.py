"""The map: clusters break up, an area becomes a query, keyboard, touch, phone and both themes."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.actions import focused, serious
from tests.browser.conftest import Visit, at_rest, fits
from tests.conftest import ASSETS
from tests.pictures import placed

pytestmark = [pytest.mark.tools, pytest.mark.read_only]
LISBON, SINTRA, PORTO, SYDNEY = (38.72, -9.14), (38.8, -9.39), (41.15, -8.61), (-33.87, 151.21)
PLACES = [*[LISBON] * 5, *[SINTRA] * 3, PORTO, PORTO, SYDNEY]
PORTUGAL = "map?within=37,-13,42,-5"


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eleven photos with a place and one without."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"photo_{i:02d}.jpg" for i in range(len(PLACES) + 1)]
    picture = Image.open(ASSETS / "china.jpg")
    for i, (path, (latitude, longitude)) in enumerate(zip(paths, PLACES, strict=False)):
        path.write_bytes(placed(picture, latitude, longitude) + bytes([i]))
    paths[-1].write_bytes((ASSETS / "flower.jpg").read_bytes())
    return paths


def clusters(page: Page) -> Locator:
    return page.locator(".cluster:not([hidden]) button")


def names(page: Page) -> set[str]:
    return {str(button.get_attribute("aria-label")) for button in clusters(page).all()}


def open_map(visit: Visit, path: str = "map") -> Page:
    page = visit.open(path)
    expect(clusters(page).first).to_be_visible()
    at_rest(page)
    return page


def in_this_area(page: Page, photos: str) -> None:
    expect(page.get_by_text(f"{photos} in this area", exact=True)).to_be_visible()


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(".map").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_clusters_break_up_and_a_link_comes_back(visit: Visit) -> None:
    page = open_map(visit)
    expect(page.get_by_text("11 of 12 photos have a place")).to_be_visible()
    in_this_area(page, "11 photos")
    assert names(page) == {"10 photos near Lisbon", "1 photo near Sydney"}
    map_box = page.locator(".map").bounding_box()
    assert map_box is not None
    assert map_box["height"] > 0.7 * 900
    page.get_by_role("button", name="10 photos near Lisbon").click()
    in_this_area(page, "10 photos")
    expect(page.get_by_role("button", name="2 photos near Porto")).to_be_visible()
    expect(page).to_have_url(re.compile("within="))
    at_rest(page)
    before, address = names(page), page.url
    page.reload()
    in_this_area(page, "10 photos")
    at_rest(page)
    assert names(page) == before
    assert page.url == address
    # Photos at one spot are shown beside the map; one photo is opened.
    page.get_by_role("button", name="2 photos near Porto").click()
    expect(page.get_by_text("2 photos near Porto")).to_be_visible()
    expect(page.locator(".cell")).to_have_count(2)
    page.get_by_role("button", name="Show the whole area").click()
    expect(page.locator(".cell")).to_have_count(10)
    page.get_by_role("button", name="Show all photos").click()
    in_this_area(page, "11 photos")
    page.get_by_role("button", name="1 photo near Sydney").click()
    expect(page.get_by_role("dialog")).to_contain_text("photo_10.jpg")


@pytest.mark.parametrize("way", ["shift", "button"])
def test_a_drawn_area_becomes_a_query(visit: Visit, way: str) -> None:
    page = open_map(visit, PORTUGAL)
    porto = page.get_by_role("button", name="2 photos near Porto").bounding_box()
    assert porto is not None
    if way == "shift":
        page.keyboard.down("Shift")
    else:
        page.get_by_role("button", name="Select area").click()
        expect(page.get_by_text("Drag over the map to select an area")).to_be_visible()
    page.mouse.move(porto["x"] - 40, porto["y"] - 40)
    page.mouse.down()
    page.mouse.move(porto["x"] + 100, porto["y"] + 100, steps=4)
    expect(page.locator(".rectangle")).to_be_visible()
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page).to_have_url(re.compile(r"/search\?q=within"))
    expect(page.locator(".cell")).to_have_count(2)


def test_the_area_on_the_screen_becomes_a_query(visit: Visit) -> None:
    page = open_map(visit, f"{PORTUGAL}&filter=name:photo_0")
    page.get_by_role("button", name="Search here").click()
    expect(page).to_have_url(re.compile(r"/search\?q=%28name.*within"))
    expect(page.locator(".cell")).to_have_count(10)


def test_drag_wheel_and_double_click(visit: Visit) -> None:
    page = open_map(visit, PORTUGAL)
    x, y = middle(page)
    page.mouse.move(x + 200, y)
    for pixels, photos in ((-480, "0 photos"), (480, "10 photos")):
        for _ in range(3):
            page.mouse.wheel(0, pixels)
        in_this_area(page, photos)
    page.mouse.down()
    page.mouse.move(x - 450, y, steps=5)
    page.mouse.up()
    in_this_area(page, "0 photos")
    at_rest(page)
    address = page.url
    page.mouse.dblclick(x + 200, y + 100)
    expect(page).not_to_have_url(address)
    # The moves are no entries of the history.
    page.go_back()
    expect(page).to_have_url("about:blank")


def walk_with_arrows(page: Page) -> None:
    """Go so far to the east that no photo is on the screen, and come back."""
    for key, photos in (("ArrowRight", "0 photos"), ("ArrowLeft", "10 photos")):
        for _ in range(7):
            page.keyboard.press(key)
        in_this_area(page, photos)


def test_by_keyboard(visit: Visit) -> None:
    page = open_map(visit, PORTUGAL)
    page.locator(".surface").focus()
    walk_with_arrows(page)
    page.keyboard.press("-")
    page.keyboard.press("+")
    at_rest(page)
    walked = []
    for _ in range(2):
        page.keyboard.press("Tab")
        walked.append(focused(page))
    assert walked == ["8 photos near Lisbon", "2 photos near Porto"]
    page.keyboard.press("Shift+Tab")
    # A group that leaves the screen with the focus gives it to the map.
    walk_with_arrows(page)
    at_rest(page)
    assert focused(page).startswith("Map of photos")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="5 photos near Lisbon")).to_be_visible()
    at_rest(page)
    assert "photos near" in focused(page), "the focus stays on the map"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_for_everybody(visit: Visit, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page = open_map(visit)
    assert serious(page) == []
    tree = page.get_by_role("list", name="Photos by place").aria_snapshot()
    assert 'button "10 photos near Lisbon"' in tree
    page.get_by_role("button", name="10 photos near Lisbon").click()
    expect(page.get_by_role("button", name="2 photos near Porto")).to_be_visible()


def test_on_a_phone(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    page = open_map(visit, PORTUGAL)
    fits(page, 390)
    expect(page.locator(".cell").first).to_be_attached()
    page.get_by_role("button", name="2 photos near Porto").click()
    expect(page.locator(".cell")).to_have_count(2)
    session = page.context.new_cdp_session(page)
    x, y = middle(page)
    two_fingers(session, x, y + 150)
    in_this_area(page, "0 photos")


def test_photos_are_there_without_the_files_of_the_map(visit: Visit) -> None:
    visit.page.route("**/map-data/**", lambda route: route.abort())
    page = open_map(visit, PORTUGAL)
    expect(page.get_by_text("The map could not be loaded")).to_be_visible()
    assert names(page) == {"8 photos at 38.7° N, 9.1° W", "2 photos at 41.1° N, 8.6° W"}


def two_fingers(session: Any, x: float, y: float) -> None:
    """Spread two fingers, which zooms in."""
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    for kind, apart in (("touchStart", 15), *(("touchMove", 15 + 15 * i) for i in range(1, 9))):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
