"""The grid answers before the server does, and the server has the last word."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.actions import chip, focused, go, tab_to
from tests.browser.conftest import Visit, at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools
CHINA, FLOWER = ASSETS / "china.jpg", ASSETS / "flower.jpg"
PREFETCHED = """() => globalThis[Symbol.for("scene-gallery")]?.prefetched"""
GRID, CHIPS = "scene_gallery_photo_grid", "scene_gallery_chips"
SHOWN = """() => [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
  .filter(Boolean).flatMap((root) => [...root.querySelectorAll(".current .cell")])
  .map((e) => e.dataset.id)"""


@pytest.fixture(scope="module")
def library_photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """40 temples and 4 flowers; a byte after the picture makes each copy a photo of its own."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"copy_{i:02d}.jpg" for i in range(44)]
    for i, path in enumerate(paths):
        path.write_bytes((CHINA if i < 40 else FLOWER).read_bytes() + bytes([i]))
    return paths


def ids_of(visit: Visit, query: str) -> list[str]:
    response = visit.page.request.get(
        f"{visit.base_url}/api/photos", params={"q": query, "sort": "name", "limit": 100}
    )
    return [photo["id"] for photo in response.json()["photos"]]


def open_pages(visit: Visit, query: str = "") -> Page:
    """18 photos a page, in the order of their names."""
    page = visit.open(f"gallery?q={query}&sort=name&size=large")
    expect(page.locator(".current .cell")).to_have_count(18)
    return page


@pytest.mark.read_only
def test_a_page_is_drawn_before_the_server_answers(visit: Visit) -> None:
    page = open_pages(visit)
    ids = ids_of(visit, "")
    shown_at_once = page.locator("[aria-label='Next page']").evaluate(
        f"(button) => {{ button.click(); return ({SHOWN})() }}"
    )
    assert shown_at_once == ids[18:36]
    expect(page).to_have_url(re.compile("page=2"))
    assert page.evaluate(SHOWN) == ids[18:36]
    # Quicker than the server: three clicks, the last page of which nobody knows yet.
    page.get_by_label("Previous page").click()
    page.get_by_label("Next page").dblclick()
    expect(page).to_have_url(re.compile("page=3"))
    expect(page.locator(".current .cell")).to_have_count(8)
    assert page.evaluate(SHOWN) == ids[36:]
    expect(page.get_by_label("Next page")).to_be_disabled()
    page.reload()
    expect(page.locator(".current .cell")).to_have_count(8)


def test_what_changed_meanwhile_is_put_right(visit: Visit) -> None:
    tags = f"{visit.base_url}/api/photos/{{}}/tags"
    ids = ids_of(visit, "")[:40]
    for photo_id in ids:
        visit.page.request.post(tags.format(photo_id), data={"tags": ["marked"]})
    page = open_pages(visit, "tag:marked")
    # Another window takes the tag off a photo of the page that is about to be shown.
    visit.page.request.delete(tags.format(ids[20]), params={"tag": "marked"})
    shown_at_once = page.locator("[aria-label='Next page']").evaluate(
        f"(button) => {{ button.click(); return ({SHOWN})() }}"
    )
    assert ids[20] in shown_at_once
    expect(page.get_by_role("list", name="Photos 19 to 36 of 39")).to_be_visible()
    assert page.evaluate(SHOWN) == [*ids[18:20], *ids[21:37]]


def click_chip(page: Page, name: str) -> list[str]:
    """Choose a chip that the browser knows the first page of; returns what is shown at once."""
    page.wait_for_function(PREFETCHED)
    shown: list[str] = chip(page, name).evaluate(
        f"(button) => {{ button.click(); return ({SHOWN})() }}"
    )
    return shown


@pytest.mark.read_only
def test_a_class_is_drawn_before_the_server_answers(visit: Visit) -> None:
    page = open_pages(visit)
    ids, flowers = ids_of(visit, ""), ids_of(visit, "class:flower")
    assert click_chip(page, "Flower") == flowers
    expect(page).to_have_url(re.compile("class=flower"))
    expect(page.get_by_text("4 of 44 photos")).to_be_visible()
    assert page.evaluate(SHOWN) == flowers
    assert click_chip(page, "All") == ids[:18]
    # Sooner than the server can follow: the last word counts.
    click_chip(page, "Flower")
    assert click_chip(page, "Landmark") == ids_of(visit, "-class:flower")[:18]
    expect(page).to_have_url(re.compile("class=landmark"))
    expect(page.get_by_text("40 of 44 photos")).to_be_visible()
    assert page.evaluate(SHOWN) == ids_of(visit, "-class:flower")[:18]


@pytest.mark.read_only
def test_the_chip_that_is_chosen_already_turns_no_page(visit: Visit) -> None:
    page = open_pages(visit)
    page.get_by_label("Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    shown = page.evaluate(SHOWN)
    assert click_chip(page, "All") == shown
    page.keyboard.press("a")  # the button would be scrolled to
    expect(page.get_by_text("44 selected", exact=True)).to_be_visible()
    assert page.evaluate(SHOWN) == shown


@pytest.mark.read_only
def test_the_server_has_the_last_word_on_a_chip(visit: Visit) -> None:
    page = open_pages(visit)
    flowers = ids_of(visit, "class:flower")
    page.wait_for_function(PREFETCHED)
    page.get_by_label("Filter by a query").fill("name:copy_41")
    # The line is sent because the chip takes the focus: what the browser knows is without it.
    chip(page, "Flower").click()
    expect(page.get_by_text("1 of 44 photos")).to_be_visible()
    expect(page).to_have_url(re.compile("class=flower"))
    expect(page.locator(".current .cell")).to_have_count(1, timeout=3000)
    assert page.evaluate(SHOWN) == [flowers[1]]


@pytest.mark.read_only
def test_a_photo_opened_before_the_server_answers(visit: Visit) -> None:
    # However slow the machine is: the browser's patience is not what is tested here.
    visit.page.add_init_script(
        "const later = setTimeout;"
        "window.setTimeout = (act, ms, ...all) => later(act, ms === 5000 ? 60000 : ms, ...all);"
    )
    page = open_pages(visit)
    page.wait_for_function(PREFETCHED)
    chip(page, "Flower").evaluate(
        """(button) => {
          button.click();
          [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
            .find((r) => r?.querySelector(".grid")).querySelector(".open").click();
        }"""
    )
    dialog = page.get_by_role("dialog")
    for name in ("copy_40.jpg", "copy_41.jpg"):
        expect(dialog.get_by_text(name, exact=True)).to_be_visible()
        page.keyboard.press("ArrowRight")


def test_the_first_chip_after_a_restart_counts(visit: Visit, server: Server) -> None:
    page = open_pages(visit)
    page.wait_for_function(PREFETCHED)
    server.stop()
    server.start()
    connected = "[data-test-connection-state='CONNECTED']"
    page.locator(connected).wait_for(state="attached", timeout=60_000)
    chip(page, "Flower").click()
    expect(page.get_by_text("4 of 44 photos")).to_be_visible()
    expect(page).to_have_url(re.compile("class=flower"))
    chip(page, "All").click()
    expect(page.get_by_text("44 of 44 photos")).to_be_visible()


@pytest.mark.read_only
def test_two_chips_in_a_hurry(visit: Visit) -> None:
    page = open_pages(visit)
    page.wait_for_function(PREFETCHED)
    # The second comes while the answer to the first, and the address it writes, is on its way.
    for pause_ms in range(0, 200, 25):
        chip(page, "Flower").click()
        page.wait_for_timeout(pause_ms)
        chip(page, "Landmark").click()
        expect(page).to_have_url(re.compile("class=landmark"))
        expect(page.get_by_text("40 of 44 photos")).to_be_visible()
        expect(chip(page, "Landmark")).to_have_attribute("aria-checked", "true")


class LateWord:
    """Holds back what the server says to a page, as a slow line does."""

    def __init__(self, page: Page) -> None:
        self._page, self._held, self._is_late = page, list[bytes | str](), False
        page.route_web_socket(re.compile("_stcore/stream"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.connect_to_server().on_message(
            lambda frame: self._held.append(frame) if self._is_late else socket.send(frame)
        )

    def begin(self) -> None:
        self._is_late = True

    def wait_for(self, what: bytes) -> None:
        """Wait until the server has said something that did not arrive."""
        deadline = time.monotonic() + 60
        while not any(isinstance(frame, bytes) and what in frame for frame in self._held):
            assert time.monotonic() < deadline, f"the server never said {what!r}"
            self._page.wait_for_timeout(20)

    def end(self) -> None:
        while self._held:
            self._socket.send(self._held.pop(0))
        self._is_late = False
        self._page.wait_for_timeout(1000)


@pytest.mark.read_only
def test_the_address_follows_the_later_of_two_chips(visit: Visit) -> None:
    """What the first one writes reaches the browser after the second was clicked."""
    late = LateWord(visit.page)
    page = open_pages(visit)
    click_chip(page, "Landmark")
    expect(page).to_have_url(re.compile("class=landmark"))
    late.begin()
    click_chip(page, "Flower")
    late.wait_for(b"class=flower")
    click_chip(page, "Landmark")
    late.wait_for(b'"chosen": {"one": "landmark"')
    late.end()
    expect(page).to_have_url(re.compile("class=landmark"))
    expect(page.get_by_text("40 of 44 photos")).to_be_visible()


@pytest.mark.read_only
@pytest.mark.parametrize("control", ["Small", "Select all"])
def test_what_follows_a_chip_in_a_hurry_leaves_it(visit: Visit, control: str) -> None:
    late = LateWord(visit.page)
    page = open_pages(visit)
    late.begin()
    click_chip(page, "Flower")
    late.wait_for(b"class=flower")
    if control == "Small":
        page.get_by_role("radio", name="Small").click()
        late.wait_for(b"size=small")
    else:
        page.get_by_role("button", name="Select all 44").click()
        late.wait_for(b"**4 selected**")
    late.end()
    expect(page).to_have_url(re.compile("class=flower"))
    expect(page.get_by_text("4 of 44 photos")).to_be_visible()
    expect(page.locator(".current .cell")).to_have_count(4)


@pytest.mark.read_only
def test_what_is_selected_elsewhere_stays_so(visit: Visit) -> None:
    page = open_pages(visit)
    page.get_by_role("button", name="Select all 44").click()
    expect(page.get_by_text("44 selected", exact=True)).to_be_visible()
    click_chip(page, "Flower")
    expect(page).to_have_url(re.compile("class=flower"))
    chosen = page.locator('.current .pick[aria-checked="true"]')
    expect(chosen).to_have_count(4)
    page.locator(".current .pick").first.click()
    expect(page.get_by_text("43 selected", exact=True)).to_be_visible()
    expect(chosen).to_have_count(3)


@pytest.mark.read_only
def test_a_range_over_three_pages(visit: Visit) -> None:
    page = open_pages(visit)
    page.locator(".current .pick").nth(2).click()
    page.get_by_label("Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    page.get_by_label("Next page").click()
    expect(page).to_have_url(re.compile("page=3"))
    expect(page.locator(".current .cell")).to_have_count(8)
    page.locator(".current .pick").nth(1).click(modifiers=["Shift"])
    expect(page.get_by_text("36 selected", exact=True)).to_be_visible()
    chosen = page.locator('.current .pick[aria-checked="true"]')
    expect(chosen).to_have_count(2)
    page.get_by_label("Page 1", exact=True).click()
    expect(chosen).to_have_count(16)


@pytest.mark.read_only
def test_clicks_on_two_pages_in_a_hurry_all_count(visit: Visit) -> None:
    page = open_pages(visit)
    page.evaluate(
        """() => {
          const root = [...document.querySelectorAll("*")].map((e) => e.shadowRoot)
            .find((r) => r?.querySelector(".grid"));
          root.querySelectorAll(".pick")[0].click();
          root.querySelector("[aria-label='Next page']").click();
          root.querySelectorAll(".current .pick")[5].click();
        }"""
    )
    expect(page.get_by_text("2 selected", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("page=2"))
    expect(page.locator('.current .pick[aria-checked="true"]')).to_have_count(1)


@pytest.mark.read_only
def test_nothing_jumps(visit: Visit) -> None:
    page = open_pages(visit)
    page.evaluate(
        """async () => {
          let jumpedAt = performance.now(); window.jumped = 0;
          new PerformanceObserver((seen) => {
            jumpedAt = performance.now();
            for (const shift of seen.getEntries()) window.jumped += shift.value;
          }).observe({ type: "layout-shift" });
          while (performance.now() - jumpedAt < 1000) await new Promise(requestAnimationFrame);
          window.jumped = 0;
        }"""
    )
    page.locator(".current .pick").nth(1).click()
    expect(page.get_by_text("1 selected", exact=True)).to_be_visible()
    page.get_by_label("Next page").click()
    expect(page).to_have_url(re.compile("page=2"))
    page.wait_for_timeout(1000)
    assert page.evaluate("window.jumped") < 0.05


def drawn(visit: Visit) -> list[str]:
    """What the server sends to be drawn, in its order: grows with each answer."""
    names: list[str] = []
    sent_before: dict[str, ForwardMsg] = {}

    def hear(frame: bytes | str) -> None:
        assert isinstance(frame, bytes)
        message = ForwardMsg.FromString(frame)
        if message.hash:
            sent_before[message.hash] = message
        element = sent_before.get(message.ref_hash, message).delta.new_element
        if element.HasField("bidi_component"):
            names.append(element.bidi_component.component_name)
        elif element.HasField("button"):
            names.append(element.button.label)

    visit.page.on("websocket", lambda socket: socket.on("framereceived", hear))
    return names


@pytest.mark.read_only
def test_a_page_that_opens_is_drawn_from_its_top(visit: Visit) -> None:
    names = drawn(visit)
    page = open_pages(visit)
    top_to_bottom = ["Undo", "Redo", CHIPS, "Select all 44", GRID]
    assert in_turn(names, top_to_bottom) == top_to_bottom
    go(page, "Search")
    expect(page.get_by_text("Search syntax")).to_be_visible()
    names.clear()
    go(page, "Gallery")
    expect(page.locator(".current .cell")).to_have_count(18)
    assert in_turn(names, top_to_bottom) == top_to_bottom


@pytest.mark.read_only
def test_what_a_click_asks_for_comes_first(visit: Visit) -> None:
    names = drawn(visit)
    page = open_pages(visit)
    at_rest(page)
    names.clear()
    chip(page, "Flower").click()
    expect(page.get_by_text("Select all 4", exact=True).first).to_be_visible()
    at_rest(page)
    bottom_to_top = [GRID, CHIPS, "Select all 4", "Undo"]
    assert in_turn(names, bottom_to_top) == bottom_to_top


def in_turn(names: list[str], expected: list[str]) -> list[str]:
    """Those that are wanted, in the order in which they came first."""
    return [name for name in dict.fromkeys(names) if name in expected]


@pytest.mark.read_only
def test_the_pager_reads_sensibly(visit: Visit) -> None:
    page = open_pages(visit)
    tree = page.get_by_role("navigation", name="Pages of photos").aria_snapshot()
    for frame in ('button "Previous page" [disabled]', 'button "Page 1"', 'button "Next page"'):
        assert frame in tree, tree
    page.get_by_label("Next page").click()
    expect(page.get_by_role("status").filter(has_text="Page 2 of 3")).to_have_count(1)


def test_the_whole_gallery_by_keyboard(visit: Visit) -> None:
    page = visit.open("gallery?sort=name")
    expect(page.locator(".current .cell")).to_have_count(36)
    tab_to(page, "^All · ")  # the groups
    tab_to(page, "^All · ")  # the classes
    while not re.search("^Flower · 4", focused(page)):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".current .cell")).to_have_count(4)
    expect(chip(page, "Flower")).to_be_focused()
    tab_to(page, "^Open copy_40")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("3 selected", exact=True)).to_be_visible()
    tab_to(page, "Tag(expand_more)?$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Add tag")).to_be_visible()
    expect(page.get_by_role("combobox", name="Tag for the selected photos")).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.shadowRoot?.activeElement?.role") == "combobox":
            break
    page.keyboard.type("Journey")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Make tag “Journey”")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "^.*Add tag$")
    page.keyboard.press("Enter")
    expect(page.locator(".cell", has_text="journey")).to_have_count(3)
    page.keyboard.press("Escape")
    tab_to(page, "^Open copy_4", "Shift+Tab")
    page.keyboard.press("Control+z")
    expect(page.locator(".cell", has_text="journey")).to_have_count(0)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("copy_40.jpg", exact=True)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("copy_41.jpg", exact=True)).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_text("copy_40.jpg", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
