"""A photo whose original is at a URL: fetched when it is shown, and not before."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, at_rest
from tests.conftest import ASSETS
from tests.photo_server import PhotoServer, photo_server

pytestmark = pytest.mark.tools
NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")


@pytest.fixture
def library_photos(tmp_path: Path) -> list[Path]:
    temple = (ASSETS / "china.jpg").read_bytes()
    paths = [tmp_path / name for name in NAMES]
    for number, path in enumerate(paths):
        path.write_bytes(temple + bytes([number]))
    return paths


@pytest.fixture
def web(library_photos: list[Path]) -> Iterator[PhotoServer]:
    with photo_server() as server:
        for path in library_photos:
            server.put(f"/{path.name}", path.read_bytes())
        server.faults["/c.jpg"] = "404"
        yield server


def test_only_the_photo_shown_is_fetched(visit: Visit, tmp_path: Path, web: PhotoServer) -> None:
    with sqlite3.connect(tmp_path / "library" / "library.db") as database:
        database.execute("UPDATE photos SET remote_url = ? || name", (f"{web.base}/",))
    database.close()
    page = visit.open("gallery?sort=name")
    page.locator(".cell", has_text="b.jpg").locator(".open").click()
    dialog = page.get_by_role("dialog")
    picture = dialog.locator(".slide.current img")
    expect(dialog).to_have_accessible_name("Photo 2 of 4: b.jpg")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    expect(dialog.get_by_text("Fetching the original")).to_have_count(0)
    at_rest(page)
    assert web.gets == ["/b.jpg"]
    page.keyboard.press("ArrowRight")
    expect(dialog).to_have_accessible_name("Photo 3 of 4: c.jpg")
    reason = "The original of c.jpg could not be fetched"
    expect(dialog.locator(".slide.current [role=status]")).to_contain_text(reason)
    expect(picture).to_have_attribute("src", re.compile("/thumbnail$"))
    at_rest(page)
    assert web.gets == ["/b.jpg", "/c.jpg"]
