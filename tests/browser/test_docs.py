"""The documentation site, built and read without a network."""

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scene_model.config import PROJECT_DIR

pytestmark = pytest.mark.tools

PAGES = sorted(path.stem for path in (PROJECT_DIR / "docs").glob("*.md"))


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project: Path = tmp_path_factory.mktemp("project")
    shutil.copy(PROJECT_DIR / "zensical.toml", project)
    shutil.copytree(PROJECT_DIR / "docs", project / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    handler = functools.partial(QuietHandler, directory=str(project / "build" / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def watch(page: Page, site_url: str) -> list[str]:
    """Collect requests to other servers and script errors."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((site_url, "data:")) else problems.append(sent.url)
        ),
    )
    return problems


@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit_and_load_nothing_from_other_servers(
    width: int, site_url: str, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    problems = watch(page, site_url)
    for name in PAGES:
        page.goto(f"{site_url}/{name}.html", wait_until="load")
        expect(page.locator("h1").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        missing = "[...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
        assert page.evaluate(missing) == [], name
    assert problems == []
    page.close()


def test_search_needs_no_other_server(site_url: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    problems = watch(page, site_url)
    page.goto(site_url, wait_until="networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type("sidecar")
    expect(page.get_by_role("option", name="Sidecars and keywords")).to_be_visible()
    assert problems == []
    page.close()
