"""A real server on a library of its own, and a real browser that reports what it asks for."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scene_model.config import PROJECT_DIR

_BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@dataclass
class Visit:
    """One browser page with what went wrong on it."""

    page: Page
    base_url: str
    foreign_requests: list[str] = field(default_factory=list)
    script_errors: list[str] = field(default_factory=list)

    def open(self, path: str = "") -> Page:
        self.page.goto(f"{self.base_url}/{path}")
        return self.page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, _BROWSER_NAMES)), None)
    if found is None:
        pytest.fail("No Chromium here. On Debian: apt-get install chromium. Or: make test.")
    # A busy machine may take longer than the usual five seconds to answer.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Server:
    """A running server."""

    base_url: str
    process_id: int


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The app as `make run` starts it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", "app.py"),
                *("--server.headless", "true", "--server.port", str(port)),
            ],
            cwd=PROJECT_DIR,
            env=os.environ | {"SCENE_LIBRARY": str(tmp_path / "library")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        base_url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_healthy(base_url, process, log)
            yield Server(base_url, process.pid)
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    context.set_default_timeout(30_000)
    made, base_url = Visit(context.new_page(), server.base_url), server.base_url
    context.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((base_url, "data:", "blob:", base_url.replace("http", "ws")))
            else made.foreign_requests.append(r.url)
        ),
    )
    made.page.on("pageerror", lambda error: made.script_errors.append(str(error)))
    yield made
    context.close()
    assert made.foreign_requests == [], "the page asked another server for something"
    assert made.script_errors == []


def _wait_until_healthy(base_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{base_url}/api/health", timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the server did not start:\n{log.read_text()}")
