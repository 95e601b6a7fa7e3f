"""One photo on the whole screen: by key, mouse and finger; ahead of the server; in the address."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.actions import focused, go, serious
from tests.browser.conftest import Visit, at_rest, fits
from tests.browser.fingers import glide
from tests.browser.servers import Server
from tests.conftest import ASSETS
from tests.pictures import encode
from tests.raw_files import Shot, dng

pytestmark = pytest.mark.tools
PICTURE = ".slide.current img"
LARGE, RAW = "large.jpg", "sensor.dng"


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """12 copies of a temple, and a photo with more pixels than its preview, as JPEG and as RAW."""
    folder = tmp_path_factory.mktemp("photos")
    temple = (ASSETS / "china.jpg").read_bytes()
    paths = [folder / f"copy_{i:02d}.jpg" for i in range(12)]
    for i, path in enumerate(paths):
        path.write_bytes(temple + bytes([i]))
    with Image.open(ASSETS / "flower.jpg") as flower:
        large = flower.resize((2560, 1708))
    large.save(folder / LARGE)
    (folder / RAW).write_bytes(dng(Shot(large, encode(large))))
    return [*paths, folder / LARGE, folder / RAW]


def open_photo(visit: Visit, name: str = "copy_03.jpg", query: str = "name:copy") -> Locator:
    page = visit.open(f"gallery?q={query}&sort=name")
    page.locator(".cell", has_text=name).locator(".open").click()
    dialog = page.get_by_role("dialog")
    # The server has answered: it knows the photos around it.
    expect(dialog).to_have_accessible_name(re.compile(r"^Photo \d+ of "))
    at_rest(page)
    return dialog


def expect_photo(dialog: Locator, place: str, name: str) -> None:
    expect(dialog).to_have_accessible_name(f"Photo {place}: {name}")
    picture = dialog.locator(PICTURE)
    expect(picture).to_have_attribute("alt", re.compile(f"^{name}: "))
    expect(dialog.locator(".unseen[role=status]")).to_have_text(f"Photo {place}: {name}")


def zoom(page: Page) -> float:
    """How many times larger than the whole photo the picture is."""
    scale: float = page.locator(PICTURE).evaluate(
        "(image) => image.getBoundingClientRect().width / image.offsetWidth"
    )
    return round(scale, 2)


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """A server that answers nothing."""
    os.kill(server.process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process_id, signal.SIGCONT)


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_the_next_photo_is_shown_before_the_server_answers(visit: Visit, server: Server) -> None:
    dialog, page = open_photo(visit), visit.page
    expect_photo(dialog, "4 of 12", "copy_03.jpg")
    expect(dialog.get_by_text("4 of 12", exact=True)).to_be_visible()
    with frozen(server):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect_photo(dialog, "6 of 12", "copy_05.jpg")
        page.keyboard.press("ArrowLeft")
        dialog.get_by_role("button", name="Previous").click()
        dialog.get_by_role("button", name="Previous").click()
        expect_photo(dialog, "3 of 12", "copy_02.jpg")
    expect(dialog.get_by_text("copy_02.jpg", exact=True)).to_be_visible()  # in the drawer
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect_photo(dialog, "1 of 12", "copy_00.jpg")
    expect(dialog.get_by_role("button", name="Previous")).to_be_disabled()


@pytest.mark.read_only
def test_neighbours_are_loaded_ahead(visit: Visit) -> None:
    requested: list[str] = []
    visit.page.on("request", lambda request: requested.append(request.url))
    dialog = open_photo(visit)
    expect_photo(dialog, "4 of 12", "copy_03.jpg")
    visit.page.wait_for_load_state("networkidle")
    previews = {url.split("/")[-2] for url in requested if url.endswith("/preview")}
    assert len(previews) == 4, "the photo itself, one behind and two ahead"


@pytest.mark.read_only
def test_back_closes_and_a_reload_opens(visit: Visit) -> None:
    dialog, page = open_photo(visit), visit.page
    first = re.search("photo=([0-9a-f]+)", page.url)
    assert first is not None
    page.keyboard.press("ArrowRight")
    expect_photo(dialog, "5 of 12", "copy_04.jpg")
    expect(page).not_to_have_url(re.compile(first[1]))
    at_rest(page)
    page.reload()
    expect_photo(dialog, "5 of 12", "copy_04.jpg")
    at_rest(page)
    page.keyboard.press("ArrowRight")
    expect_photo(dialog, "6 of 12", "copy_05.jpg")
    page.go_back()
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile("/gallery\\?q=name:copy&sort=name$"))
    expect(page.locator(".cell")).to_have_count(12)
    at_rest(page)
    page.go_forward()
    expect_photo(dialog, "6 of 12", "copy_05.jpg")
    at_rest(page)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("photo="))
    at_rest(page)
    expect(dialog).to_have_count(0)


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_a_closed_photo_stays_closed_while_the_server_is_busy(visit: Visit, server: Server) -> None:
    dialog, page = open_photo(visit), visit.page
    page.reload()
    expect_photo(dialog, "4 of 12", "copy_03.jpg")
    at_rest(page)
    with frozen(server):
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        page.get_by_role("button", name="Select all 12").click()
    expect(page.get_by_text("12 selected", exact=True)).to_be_visible()
    at_rest(page)
    expect(dialog).to_have_count(0)
    page.reload()
    at_rest(page)
    expect(dialog).to_have_count(0)


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_a_link_opens_a_photo_on_any_page(visit: Visit) -> None:
    open_photo(visit)
    link = visit.page.url.partition("photo=")[2]
    page = visit.open(f"search?q=name:copy&photo={link}")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name(re.compile(r"^Photo \d+ of 12: copy_03\.jpg$"))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("photo="))
    at_rest(page)
    page = visit.open(f"?photo={link}")
    expect(page.get_by_role("dialog")).to_have_accessible_name("Photo copy_03.jpg")
    page.keyboard.press("i")
    expect(page.get_by_role("dialog").get_by_role("combobox", name="Class")).to_be_hidden()
    page = visit.open(f"gallery?photo={'0' * 64}")
    expect(page.get_by_role("dialog").get_by_text("has no photo")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_zoom_by_key_wheel_and_double_click(visit: Visit) -> None:
    open_photo(visit)
    page = visit.page
    assert zoom(page) == 1
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert zoom(page) == 2.25
    page.keyboard.press("-")
    assert zoom(page) == 1.5
    page.keyboard.press("0")
    assert zoom(page) == 1
    box = page.locator(PICTURE).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.wheel(0, -600)
    assert zoom(page) > 2
    zoomed = page.locator(PICTURE).bounding_box()
    assert zoomed is not None
    assert abs(zoomed["x"] - box["x"]) < 30, "the point under the mouse stays"
    page.mouse.down()
    page.mouse.move(box["x"] - 90, box["y"] - 40, steps=3)
    page.mouse.up()
    dragged = page.locator(PICTURE).bounding_box()
    assert dragged is not None
    assert abs(zoomed["x"] - dragged["x"] - 100) < 2
    page.keyboard.press("a")
    panned = page.locator(PICTURE).bounding_box()
    assert panned is not None
    assert panned["x"] > dragged["x"]
    page.mouse.dblclick(700, 450)
    assert zoom(page) == 1
    page.mouse.dblclick(700, 450)
    assert zoom(page) >= 2.5
    page.keyboard.press("ArrowRight")
    assert zoom(page) == 1, "the next photo is shown whole"


@pytest.mark.read_only
@pytest.mark.kept_tab
@pytest.mark.parametrize("name", [LARGE, RAW])
def test_every_pixel_is_loaded_when_it_shows_more(visit: Visit, name: str) -> None:
    open_photo(visit, name, f"name:{name}")
    page = visit.page
    expect(page.locator(PICTURE)).to_have_attribute("src", re.compile("/preview$"))
    width = "(image) => image.naturalWidth"
    assert page.locator(PICTURE).evaluate(width) == 1280
    for _ in range(3):
        page.keyboard.press("+")
    expect(page.locator(PICTURE)).to_have_attribute("src", re.compile("^blob:"))
    assert page.locator(PICTURE).evaluate(width) == 2560


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_the_details_of_a_raw_file_say_so(visit: Visit) -> None:
    dialog = open_photo(visit, RAW, f"name:{RAW}")
    dialog.get_by_text("Details", exact=True).click()
    expect(dialog.get_by_role("row", name="Format DNG (RAW)")).to_be_visible()
    expect(dialog.get_by_role("row", name="Camera Fairphone FP4")).to_be_visible()


@pytest.mark.read_only
def test_slideshow(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(
        "const later = setTimeout;"
        "window.setTimeout = (act, ms, ...all) => later(act, ms === 5000 ? 300 : ms, ...all);"
    )
    dialog = open_photo(visit, "copy_09.jpg")
    page.keyboard.press("Space")
    expect(dialog.get_by_role("button", name="Stop slideshow")).to_be_visible()
    expect(dialog.get_by_role("combobox", name="Class")).to_be_hidden()
    expect_photo(dialog, "12 of 12", "copy_11.jpg")
    expect(dialog.get_by_role("button", name="Slideshow", exact=True)).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.keyboard.press("i")
    expect(dialog.get_by_role("combobox", name="Class")).to_be_visible()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("button", name="Slideshow", exact=True)).to_be_visible()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_edits_by_key_belong_to_the_photo_shown(visit: Visit, server: Server) -> None:
    dialog, page = open_photo(visit), visit.page
    with frozen(server):
        for key in ("3", "ArrowRight", "f", "4", "ArrowRight", "5"):
            page.keyboard.press(key)
        expect(dialog.get_by_role("img", name="5 of 5 stars")).to_be_visible()
    expect(dialog.get_by_text("Rating: 5 of 5.")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("img", name="Favourite, 4 of 5 stars")).to_be_visible()
    expect(dialog.get_by_role("button", name="Remove from favourites")).to_be_visible()
    expect(dialog.get_by_text("Rating: 4 of 5.")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_text("Rating: 3 of 5.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Add to favourites")).to_be_visible()


def test_the_drawer_opens_by_key_and_edits(visit: Visit) -> None:
    dialog, page = open_photo(visit), visit.page
    field = dialog.get_by_role("combobox", name="Class")
    expect(field).to_be_visible()
    page.keyboard.press("i")
    expect(field).to_be_hidden()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator(".cell", has_text="copy_04.jpg").locator(".open").click()
    expect(dialog).to_be_visible()
    expect(field).to_be_hidden()
    dialog.get_by_role("button", name="Info").click()
    field.fill("Forest")
    page.get_by_role("option", name="Forest").first.click()
    expect(dialog.get_by_text("Set by you.")).to_be_visible()
    expect(dialog.locator(PICTURE)).to_have_attribute("alt", re.compile("forest"))
    expect(dialog.get_by_text("Model", exact=True)).to_be_hidden()
    dialog.get_by_text("Details", exact=True).click()
    expect(dialog.get_by_role("row", name=re.compile("^ID [0-9a-f]{64}$"))).to_be_visible()
    dialog.get_by_role("button", name="Move to trash").click()
    expect_photo(dialog, "5 of 11", "copy_05.jpg")


def test_the_last_photo_moved_to_the_trash_closes(visit: Visit) -> None:
    dialog, page = open_photo(visit, query="name:copy_03"), visit.page
    expect(page).to_have_url(re.compile("photo="))
    dialog.get_by_role("button", name="Move to trash").click()
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("photo="))


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_similar_photos_one_after_another(visit: Visit) -> None:
    dialog, page = open_photo(visit), visit.page
    dialog.get_by_role("button", name="Find similar").click()
    expect(page).to_have_url(re.compile("/search\\?like=[0-9a-f]{64}"))
    expect(page).not_to_have_url(re.compile("photo="))
    # Until then, the photos of the gallery are there.
    expect(page.get_by_text("100% means the same image")).to_be_visible()
    page.locator(".cell .open").first.click()
    expect(dialog).to_have_accessible_name(re.compile("^Photo 1 of 13: "))
    page.keyboard.press("ArrowRight")
    expect(dialog).to_have_accessible_name(re.compile("^Photo 2 of 13: "))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="Similar to “copy_03.jpg”")).to_be_visible()


def test_escape_closes_always(visit: Visit, server: Server) -> None:
    dialog, page = open_photo(visit), visit.page

    def closes() -> None:
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=2000)
        at_rest(page)
        expect(dialog).to_have_count(0)
        page.locator(".cell .open").first.click()
        expect(dialog.get_by_role("combobox", name="Class")).to_be_visible()

    page.evaluate("document.activeElement.blur()")
    closes()
    dialog.get_by_role("combobox", name="Tags").click()
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(dialog).to_be_visible()
    closes()
    dialog.get_by_test_id("stTooltipIcon").first.hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    closes()
    for key in ("f", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    closes()
    # A button that has the focus and that no longer does anything hears no keys.
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_role("button", name="Previous").click()
    expect(dialog.get_by_role("button", name="Previous")).to_be_disabled()
    at_rest(page)
    closes()
    with frozen(server):
        dialog.get_by_role("button", name="2 stars").click()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=2000)
    at_rest(page)
    expect(dialog).to_have_count(0)


def test_it_opens_before_the_server_answers(visit: Visit, server: Server) -> None:
    dialog, page = open_photo(visit), visit.page
    page.keyboard.press("Escape")
    at_rest(page)
    with frozen(server):
        page.locator(".cell", has_text="copy_05.jpg").locator(".open").click()
        expect(dialog).to_have_accessible_name("Photo copy_05.jpg", timeout=2000)
        # The grid has loaded its thumbnail; the preview comes from the server.
        expect(dialog.locator(PICTURE)).to_have_js_property("complete", True)
        page.keyboard.press("f")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
    expect_photo(dialog, "7 of 12", "copy_06.jpg")
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("img", name="Favourite")).to_be_visible()
    expect(page).to_have_url(re.compile("photo="))
    page.keyboard.press("Escape")
    at_rest(page)
    with frozen(server):
        page.locator(".cell", has_text="copy_07.jpg").locator(".open").click()
        expect(dialog).to_be_visible(timeout=2000)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=2000)
    at_rest(page)
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("photo="))


def test_closed_stays_closed_on_other_pages(visit: Visit, server: Server) -> None:
    dialog, page = open_photo(visit), visit.page
    with frozen(server):
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden(timeout=2000)
        go(page, "Search")
    for name in ("Search", "Export", "Gallery"):
        go(page, name)
        expect(page.get_by_role("heading", name=name)).to_be_attached()
        at_rest(page)
        expect(dialog).to_be_hidden()


# A busy browser takes its time to go back.
_GO_BACK_LATE = """() => {
  const back = history.back.bind(history);
  history.back = () => setTimeout(back, 500);
}"""


@pytest.mark.read_only
def test_a_page_clicked_at_once_after_closing_stays(visit: Visit) -> None:
    dialog, page = open_photo(visit), visit.page
    page.evaluate(_GO_BACK_LATE)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    go(page, "Export")
    heading = page.get_by_role("heading", name="Export")
    expect(heading).to_be_attached()
    page.wait_for_timeout(1000)
    at_rest(page)
    expect(heading).to_be_attached()
    expect(page).to_have_url(re.compile("/export$"))


@pytest.mark.read_only
@pytest.mark.kept_tab
def test_focus_stays_inside_and_returns_to_the_photo(visit: Visit) -> None:
    dialog, page = open_photo(visit), visit.page
    page.keyboard.press("i")
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(focused(page))
    assert names[:2] == ["Close", "Zoom in"] or names[:3] == ["Close", "Zoom out", "Zoom in"]
    assert names[-1] in names[:-1], "Tab goes round"
    page.keyboard.press("ArrowRight")
    expect_photo(dialog, "5 of 12", "copy_04.jpg")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert focused(page).startswith("Open copy_04.jpg")
    at_rest(page)
    assert focused(page).startswith("Open copy_04.jpg")


@pytest.mark.read_only
def test_fingers(phone: Visit) -> None:
    dialog, page = open_photo(phone), phone.page
    expect(dialog.get_by_role("combobox", name="Class")).to_be_hidden()
    glide(page, [((300, 400), (80, 405))])
    expect_photo(dialog, "5 of 12", "copy_04.jpg")
    glide(page, [((80, 400), (300, 405))])
    expect_photo(dialog, "4 of 12", "copy_03.jpg")
    glide(page, [((170, 420), (60, 420)), ((220, 420), (330, 420))])
    assert zoom(page) > 2
    page.touchscreen.tap(200, 420)
    page.touchscreen.tap(200, 420)
    page.wait_for_function("() => true")
    assert zoom(page) == 1
    page.touchscreen.tap(200, 420)
    page.wait_for_timeout(500)
    page.touchscreen.tap(200, 420)
    glide(page, [((200, 300), (205, 520))])
    expect(dialog).to_be_hidden()


@pytest.mark.read_only
def test_phone(phone: Visit) -> None:
    dialog, page = open_photo(phone), phone.page
    fits(page, 390)
    assert serious(page) == []
    for button in dialog.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, button
    dialog.get_by_role("button", name="Info").click()
    expect(dialog.get_by_role("combobox", name="Class")).to_be_visible()
    picture, field = page.locator(PICTURE), dialog.get_by_role("combobox", name="Class")
    above, below = picture.bounding_box(), field.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"]
    fits(page, 390)
    assert serious(page) == []


@pytest.mark.read_only
@pytest.mark.kept_tab
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe(visit: Visit, scheme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    dialog = open_photo(visit)
    dialog.get_by_text("Details", exact=True).click()
    dialog.get_by_text("Tag sources", exact=True).click()
    at_rest(visit.page)
    assert serious(visit.page) == []
