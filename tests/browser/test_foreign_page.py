"""A page of another origin, in a real browser: it cannot frame, read, post or open a socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.servers import Server
from tests.conftest import ASSETS

pytestmark = pytest.mark.tools

# What a page can try; each ends with what the page learned. The same lines run on a page of our
# own, where each succeeds.
_READ = """url => fetch(url, {credentials: 'include'}).then(
    answer => answer.ok ? 'read' : 'refused', () => 'refused')"""
_POST = """async url => {
    const form = new FormData();
    form.append('file', new Blob(['text'], {type: 'text/plain'}), 'a.txt');
    const answer = await fetch(url, {method: 'POST', body: form, mode: 'no-cors',
                                     credentials: 'include'});
    return answer.type;
}"""
_SOCKET = """url => new Promise(done => {
    const socket = new WebSocket(url, ['streamlit']);
    socket.onopen = () => { socket.close(); done('open'); };
    socket.onerror = () => done('refused');
})"""
_PICTURE = """url => new Promise(done => {
    const picture = new Image();
    picture.onload = () => done('shown');
    picture.onerror = () => done('refused');
    picture.src = url;
})"""


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another site</title>")

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@contextmanager
def another_site() -> Iterator[int]:
    """Serve an empty page on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site.server_port
        site.shutdown()
        thread.join()


@pytest.fixture
def library_photos() -> list[Path]:
    return [ASSETS / "china.jpg"]


@pytest.fixture(params=["127.0.0.1", "localhost"])
def foreign(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    """A page of another port of this computer, after a visit to our pages."""
    context = browser.new_context()
    with another_site() as port:
        page = context.new_page()
        page.goto(f"{server.base_url}/gallery")
        page.goto(f"http://{request.param}:{port}/")
        yield page
        context.close()


@pytest.fixture
def own(browser: Browser, server: Server) -> Iterator[Page]:
    """A plain answer of our own origin, where the same scripts may do everything."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.base_url}/api/health")
    yield page
    context.close()


def photo_address(page: Page, server: Server) -> str:
    """The address of the thumbnail of the one photo."""
    photos = page.request.get(f"{server.base_url}/api/photos").json()["photos"]
    return f"{server.base_url}/api/photos/{photos[0]['id']}/thumbnail"


def statuses(page: Page) -> list[int]:
    """Collect the status of every answer the page gets from now on."""
    collected: list[int] = []
    page.on("response", lambda answer: collected.append(answer.status))
    return collected


@pytest.mark.read_only
def test_own_pages_may_do_all_of_it(own: Page, server: Server) -> None:
    assert own.evaluate(_READ, f"{server.base_url}/api/photos") == "read"
    assert own.evaluate(_POST, f"{server.base_url}/api/predict") == "basic"
    assert own.evaluate(_PICTURE, photo_address(own, server)) == "shown"
    stream = server.base_url.replace("http", "ws") + "/_stcore/stream"
    assert own.evaluate(_SOCKET, stream) == "open"


@pytest.mark.read_only
def test_it_reads_nothing(foreign: Page, own: Page, server: Server) -> None:
    for path in ("/", "/api/health", "/api/photos", "/api/models", "/_stcore/host-config"):
        assert foreign.evaluate(_READ, server.base_url + path) == "refused", path
    assert foreign.evaluate(_PICTURE, photo_address(own, server)) == "refused"


@pytest.mark.read_only
def test_it_posts_nothing(foreign: Page, server: Server) -> None:
    answers = statuses(foreign)
    for path in ("/api/predict", "/api/predict/batch", "/api/photos"):
        assert foreign.evaluate(_POST, server.base_url + path) == "opaque", path
    # A form needs no script, and may send without asking first.
    foreign.set_content(
        f"<form method=post enctype=multipart/form-data action='{server.base_url}/api/photos'>"
        "<button>Send</button></form>"
    )
    foreign.get_by_role("button").click()
    foreign.wait_for_load_state()
    assert answers
    assert set(answers) == {403}


@pytest.mark.read_only
def test_it_opens_no_socket(foreign: Page, server: Server) -> None:
    stream = server.base_url.replace("http", "ws") + "/_stcore/stream"
    assert foreign.evaluate(_SOCKET, stream) == "refused"


@pytest.mark.read_only
@pytest.mark.parametrize("path", ["", "/gallery", "/api/docs", "/api/photos"])
def test_it_frames_nothing(foreign: Page, server: Server, path: str) -> None:
    foreign.set_content(f"<iframe src='{server.base_url}{path}'></iframe>")
    foreign.wait_for_timeout(500)
    (frame,) = foreign.frames[1:]
    assert frame.url.startswith("chrome-error:"), frame.url
