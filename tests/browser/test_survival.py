"""A refresh, a lost connection, a server that is killed: what there was is there again."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import go, undo_button
from tests.browser.conftest import Visit, at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools
MANY = 100


@pytest.fixture
def server_environment() -> dict[str, str]:
    """One worker, so that an upload takes long enough to be seen running."""
    return {"SCENE_WORKERS": "1"}


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    # A large one takes its time; some bytes behind the picture make it another photo.
    photo = encode(textured(4000, 3000), quality=80, progressive=True)
    paths = [tmp_path / f"{i:03d}.jpg" for i in range(MANY)]
    for i, path in enumerate(paths):
        path.write_bytes(photo + bytes([i]))
    return paths


def done(page: Page) -> int:
    bar = page.get_by_text(re.compile(rf"\d+ of {MANY} photos"))
    expect(bar.first).to_be_visible()
    return int(bar.first.inner_text().split()[0])


def test_gallery_tags_and_undo_survive_the_server(visit: Visit, server: Server) -> None:
    page = visit.open()
    page.locator('input[type="file"]').set_input_files(sorted(ASSETS.glob("*.jpg")))
    expect(page.get_by_text("2 of 2 photos tagged")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 of 2 photos tagged")).to_be_visible()
    go(page, "Gallery")
    page.locator(".pick").nth(0).check()
    page.locator(".pick").nth(1).check()
    expect(page.get_by_text("2 selected", exact=True)).to_be_visible()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_role("combobox", name="Tag for the selected photos").fill("Journey")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make tag “Journey”").click()
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator(".cell", has_text="journey")).to_have_count(2)
    server.kill()
    server.start()
    page = visit.open("gallery")
    expect(page.locator(".cell", has_text="journey")).to_have_count(2)
    undo_button(page).click()
    expect(page.locator(".cell")).to_have_count(2)
    expect(page.locator(".cell", has_text="journey")).to_have_count(0)


def test_a_running_job_survives_a_refresh_and_the_server(
    visit: Visit, server: Server, many: list[Path]
) -> None:
    page = visit.open()
    page.locator('input[type="file"]').set_input_files(many)
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible(timeout=120_000)
    address = page.url
    assert "job=" in address
    page.reload()
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    before = done(page)
    assert before < MANY
    server.kill()
    server.start()
    page.goto(address)
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    after = done(page)
    assert before <= after < MANY, "it goes on, with its count"
    expect(page.get_by_text(f"{MANY} of {MANY} photos tagged")).to_be_visible(timeout=180_000)
    server.stop()
    server.start()
    page.goto(address)
    expect(page.get_by_text(f"{MANY} of {MANY} photos tagged")).to_be_visible()


def test_a_page_comes_back_by_itself(visit: Visit, server: Server) -> None:
    page = visit.open()
    page.locator('input[type="file"]').set_input_files([ASSETS / "china.jpg"])
    expect(page.get_by_text("1 of 1 photo tagged")).to_be_visible()
    go(page, "Gallery")
    expect(page.locator(".cell")).to_have_count(1)
    app, state = page.get_by_test_id("stApp"), "data-test-connection-state"
    expect(app).to_have_attribute(state, "CONNECTED")
    server.kill()
    expect(app).not_to_have_attribute(state, "CONNECTED")
    server.start()
    # It connects again of its own accord. Of Streamlit's own controls the first click only lets
    # the new server run the page; the grid takes up its first click itself.
    expect(app).to_have_attribute(state, "CONNECTED", timeout=60_000)
    expect(page.locator(".cell")).to_have_count(1)
    go(page, "Search")
    expect(page).to_have_url(re.compile("search"))
    go(page, "Gallery")
    expect(page).to_have_url(re.compile("gallery"))
    at_rest(page)
    expect(page.locator(".cell")).to_have_count(1)
    page.locator(".pick").nth(0).check()
    expect(page.get_by_text("1 selected", exact=True)).to_be_visible(timeout=60_000)
