"""Labels that are Markdown and HTML, everywhere: a browser asks no other server for anything.

The content security policy is off here, so that it hides no mistake of the pages.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import exiv2
import pytest
from playwright.sync_api import Browser, Page, expect

from scene_model.config import PROJECT_DIR, Settings
from scene_model.library import edits
from scene_model.library.albums.album_edits import create_album
from scene_model.library.sort_order import NEWEST_ADDED
from scene_model.search.saved_searches import save_search
from scene_model.services import open_services
from tests.browser.actions import drop, go, payload, undo_button
from tests.browser.conftest import at_rest
from tests.browser.servers import Server
from tests.conftest import ASSETS
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools


class OtherServer(ThreadingHTTPServer):
    """A server at another origin that notes what it is asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), _Noting)

    def hostile(self, kind: str) -> tuple[str, str]:
        """Labels that ask for something: in Markdown, and in HTML."""
        url = f"http://127.0.0.1:{self.server_port}/{kind}"
        return f"![{kind}]({url})", f"<img src={url}>"


class _Noting(BaseHTTPRequestHandler):
    server: OtherServer

    def do_GET(self) -> None:  # noqa: N802 - named by http.server
        self.server.paths.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def other() -> Iterator[OtherServer]:
    started = OtherServer()
    thread = threading.Thread(target=started.serve_forever)
    thread.start()
    yield started
    started.shutdown()
    thread.join()
    started.server_close()


@pytest.fixture
def server_environment(tmp_path: Path, other: OtherServer) -> dict[str, str]:
    albums = tmp_path / "albums.toml"
    markdown, html = other.hostile("album")
    albums.write_text(
        f'[[album]]\nid = "evil"\nname = "{markdown}"\n'
        f'[[album.rule]]\nown_tags = ["{other.hostile("tag")[0]}"]\n'
        f'[[album]]\nid = "others"\nname = "{html}"\nrest = true\n',
        encoding="utf-8",
    )
    return {"SCENE_ALBUMS": str(albums)}


@pytest.fixture
def library_photos(tmp_path: Path, other: OtherServer) -> list[Path]:
    """Photos with hostile names and keywords; no name of a file can hold a slash."""
    folder = tmp_path / "photos"
    folder.mkdir()
    photos = []
    for number, source in enumerate(("china.jpg", "flower.jpg")):
        image = exiv2.ImageFactory.open((ASSETS / source).read_bytes())
        image.readMetadata()
        keywords = exiv2.XmpArrayValue(list(other.hostile("keyword")), exiv2.TypeId.xmpBag)
        image.xmpData()["Xmp.dc.subject"] = keywords
        image.writeMetadata()
        written = image.io()
        photos.append(folder / f"![name](http:evil{number}) <img src=x>.jpg")
        photos[-1].write_bytes(bytes(written.mmap()))
        written.munmap()
    return photos


@pytest.fixture
def hostile_library(tmp_path: Path, server: Server, other: OtherServer) -> Path:
    """The library of the server, with hostile tags, classes and searches."""
    library = tmp_path / "library"
    done = subprocess.run(
        [sys.executable, "-m", "scene_model", "library", "keywords", "--library", str(library)]
        + [str(tmp_path / "photos")],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    services = open_services(Settings(library=library, workers=1))
    try:
        ids = list(services.library.find())
        assert len(ids) == 2
        for name in other.hostile("own"):
            create_album(services.library, name, ids)
        for tag in other.hostile("tag"):
            edits.add_tag(services.library, ids, tag)
        for photo_id, label in zip(ids, reversed(other.hostile("class")), strict=True):
            edits.set_class(services.library, [photo_id], label)
        for name, query in zip(other.hostile("search"), other.hostile("query"), strict=True):
            save_search(services.library, name, f'"{query}"', NEWEST_ADDED)
    finally:
        services.close()
    return library


@pytest.fixture
def page(browser: Browser, server: Server, hostile_library: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(f"{server.base_url}/gallery")
    yield page
    context.close()


def test_no_label_makes_a_request(page: Page, other: OtherServer) -> None:
    foreign: list[str] = []
    origin = page.url.removesuffix("/gallery")
    own = (origin, origin.replace("http", "ws"), "data:", "blob:")
    page.context.on("request", lambda r: None if r.url.startswith(own) else foreign.append(r.url))
    _see_the_gallery(page)
    _see_a_photo(page)
    _see_searches(page)
    go(page, "Albums")
    expect(page.get_by_role("button", name="![own](http").first).to_be_attached()
    at_rest(page)
    page.get_by_role("button", name="![own](http").first.click()
    expect(page.get_by_role("heading", name="![own](http")).to_be_visible()
    at_rest(page)
    for name in ("Insights", "Export", "Teach", "Duplicates", "Dates", "Review", "Sort", "Model"):
        go(page, name)
        at_rest(page)
    go(page, "Classify")
    drop(page, [payload("![name](http:evil) <img src=x>.jpg", encode(textured(160, 120)))])
    at_rest(page)
    drop(page, [payload("![bad](http:evil) <img src=x>.jpg", b"no picture")])
    at_rest(page)
    assert foreign == []
    assert other.paths == []
    page.evaluate(f"new Image().src = 'http://127.0.0.1:{other.server_port}/control'")
    page.wait_for_timeout(1000)
    assert other.paths == ["/control"], "the other server notes what it is asked for"
    assert len(foreign) == 1, "the browser says what it asks for"


def _see_the_gallery(page: Page) -> None:
    page.get_by_role("button", name="Select all").click()
    for name, kind in (("Tag", "keyword"), ("Class", "class")):
        page.get_by_role("button", name=name, exact=True).click()
        at_rest(page)
        expect(page.get_by_text(f"![{kind}](http").first).to_be_attached()
        page.keyboard.press("Escape")
    undo_button(page).hover()
    expect(page.get_by_role("tooltip")).to_contain_text("![class](http")
    undo_button(page).click()
    # At once: a notice stays for a few seconds only.
    expect(page.locator(".notice")).to_contain_text("![class](http")
    at_rest(page)
    page.get_by_role("button", name="Redo").click()
    at_rest(page)


def _see_a_photo(page: Page) -> None:
    page.locator(".cell .open").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    at_rest(page)
    expect(page.get_by_text("![tag](http").first).to_be_attached()
    page.keyboard.press("Escape")


def _see_searches(page: Page) -> None:
    go(page, "Search")
    at_rest(page)
    page.get_by_role("button", name="Saved (2)").click()
    search = page.get_by_role("button", name="![search](http")
    search.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("![query](http")
    search.click()
    at_rest(page)
    line = page.locator('input[type="search"]').first
    for text in ("tag:", "class:", "album:", '"![bad](http://evil.example/x.png'):
        line.fill(text)
        page.keyboard.press("Enter")
        at_rest(page)
