"""A real server on a library of its own, and a real browser that reports what it asks for."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.libraries import FilledLibraries, digest
from tests.browser.servers import QUICKEST_START, Server, free_port, running

_LOG_CHARACTERS = 4_000
_WIDE = ViewportSize(width=1440, height=900)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the log of the server of a test that fails."""
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and isinstance(server, Server):
        report.sections.append(("server log", server.log_text()[-_LOG_CHARACTERS:]))
    return report


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


def at_rest(page: Page) -> None:
    """Wait until the server has sent all of a page, and what fades in has its colours."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator("[data-stale='true']")).to_have_count(0)
    page.wait_for_timeout(1000)


def fits(page: Page, width: int) -> None:
    """Check that a page needs no more than a width, in CSS pixels, when it has come to rest."""
    at_rest(page)
    page.wait_for_function(f"() => document.documentElement.scrollWidth <= {width}")


@pytest.fixture
def library_photos() -> list[Path]:
    """Photos that are in the library before the server starts; tests override this."""
    return []


@pytest.fixture
def port() -> int:
    """The port the server of a test will listen on."""
    return free_port()


@pytest.fixture
def start_method() -> str:
    """How the process of the server begins; tests override this."""
    return QUICKEST_START


@pytest.fixture
def server_environment() -> dict[str, str]:
    """Environment variables of the server; tests override this."""
    return {}


@pytest.fixture(scope="session")
def filled_libraries(tmp_path_factory: pytest.TempPathFactory) -> FilledLibraries:
    """Libraries of earlier tests, by the photos they hold."""
    return FilledLibraries(tmp_path_factory.mktemp("libraries"))


class ReadOnlyServers:
    """Servers shared by the tests that change nothing: one for each set of photos."""

    def __init__(self, folder: Path, libraries: FilledLibraries) -> None:
        self._folder, self._libraries = folder, libraries
        self._servers: dict[str, Server] = {}
        self._running = ExitStack()

    def holding(self, photos: list[Path]) -> Server:
        key = digest(photos)
        if key not in self._servers:
            folder = self._folder / key
            folder.mkdir()
            self._libraries.copy_to(folder / "library", photos)
            self._servers[key] = self._running.enter_context(running(Server(folder)))
        return self._servers[key]

    def close(self) -> None:
        self._running.close()


@pytest.fixture(scope="session")
def read_only_servers(
    tmp_path_factory: pytest.TempPathFactory, filled_libraries: FilledLibraries
) -> Iterator[ReadOnlyServers]:
    """The shared servers; a test gets one through the marker `read_only`."""
    servers = ReadOnlyServers(tmp_path_factory.mktemp("read-only"), filled_libraries)
    yield servers
    servers.close()


@pytest.fixture
def server(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    port: int,
    start_method: str,
    library_photos: list[Path],
    server_environment: dict[str, str],
    filled_libraries: FilledLibraries,
) -> Iterator[Server]:
    """A running server on a library of its own; with the marker `read_only`, a shared one."""
    if request.node.get_closest_marker("read_only"):
        servers: ReadOnlyServers = request.getfixturevalue("read_only_servers")
        yield servers.holding(library_photos)
        return
    if library_photos:
        filled_libraries.copy_to(tmp_path / "library", library_photos)
    with running(Server(tmp_path, port, start_method, **server_environment)) as started:
        yield started


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Visit]:
    """A page on a phone."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(30_000)
    yield Visit(context.new_page(), server.base_url)
    context.close()


def _new_visit(browser: Browser, server: Server) -> Visit:
    """A page of a wide screen in a context of its own, watched for what goes wrong on it."""
    context = browser.new_context(viewport=_WIDE, accept_downloads=True)
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
    made.page.on(
        "console",
        lambda line: (
            made.script_errors.append(line.text) if "Content Security Policy" in line.text else None
        ),
    )
    return made


@pytest.fixture(scope="module")
def kept_tabs() -> Iterator[dict[str, Visit]]:
    """Pages that tests with the marker `kept_tab` hand on, by the address of their server."""
    by_server: dict[str, Visit] = {}
    yield by_server
    for kept in by_server.values():
        kept.page.context.close()


def _handed_on(kept: dict[str, Visit], browser: Browser, server: Server) -> Visit:
    """Return the page that the tests before used, with nothing stored in it."""
    if server.base_url not in kept:
        kept[server.base_url] = _new_visit(browser, server)
        return kept[server.base_url]
    visit = kept[server.base_url]
    visit.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    visit.page.context.clear_cookies()
    visit.page.mouse.move(0, 0)
    visit.page.emulate_media(color_scheme="null")
    visit.page.set_viewport_size(_WIDE)
    return visit


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Visit]:
    """A page on a wide screen; with the marker `kept_tab`, the one that the test before used."""
    is_kept = request.node.get_closest_marker("kept_tab") is not None
    if is_kept:
        made = _handed_on(request.getfixturevalue("kept_tabs"), browser, server)
    else:
        made = _new_visit(browser, server)
    yield made
    if not is_kept:
        made.page.context.close()
    foreign_requests, script_errors = made.foreign_requests[:], made.script_errors[:]
    made.foreign_requests.clear()
    made.script_errors.clear()
    assert foreign_requests == [], "the page asked another server for something"
    assert script_errors == []
