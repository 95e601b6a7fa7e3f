"""Batches of a folder of a web server, listed by WebDAV or by its page of links."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

from scene_model.errors import StoreUnavailable
from scene_model.scale.items import SourceItem
from scene_model.scale.read_batch import read_rows
from scene_model.scale.reading.remote import RemoteFiles
from scene_model.scale.sources.open_source import open_source
from scene_model.scale.sources.source import Source
from tests.scale.samples import Run, tar_of

NAMES = ("a/z.jpg", "a/ü 1#?.png", "b.webp", "notes.txt", "a/._b.jpg", "empty/", "t.tar")


class _Pages(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _QuietRequests(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def pages_of(folder: Path) -> Iterator[str]:
    """Serve a folder as Python's own server does, with pages of links; yields its URL."""
    handler = functools.partial(_Pages, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, _serving(server):
        yield f"http://127.0.0.1:{server.server_port}/"


@contextlib.contextmanager
def webdav_of(folder: Path) -> Iterator[str]:
    """Serve a folder by WebDAV; yields its URL."""
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": FilesystemProvider(str(folder))},
            "simple_dc": {"user_mapping": {"*": True}},
            "dir_browser": {"enable": False},
            "verbose": 0,
        }
    )
    with make_server("127.0.0.1", 0, app, handler_class=_QuietRequests) as server, _serving(server):
        yield f"http://127.0.0.1:{server.server_port}/"


@contextlib.contextmanager
def _serving(server: BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, small_photos: list[bytes]) -> Path:
    for name in NAMES:
        path = tmp_path / "web" / "my photos" / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small_photos[0])
    (tmp_path / "web" / "my photos" / "t.tar").write_bytes(tar_of({"1.jpg": small_photos[1]}))
    (tmp_path / "web" / "outside.jpg").write_bytes(small_photos[0])
    return tmp_path / "web"


def source(url: str) -> Source:
    return open_source(url, RemoteFiles(timeout_s=5.0))


@pytest.mark.parametrize("served", [pages_of, webdav_of])
def test_a_folder_is_listed_with_its_subfolders(
    served: Callable[[Path], AbstractContextManager[str]], folder: Path
) -> None:
    with served(folder) as base:
        opened = source(f"{base}my%20photos/")
        items = list(opened.items())
    root = f"{base}my%20photos/"
    size = (folder / "my photos" / "b.webp").stat().st_size if served is webdav_of else None
    files = [item for item in items if item.place is None and item.error is None]
    assert files == [
        SourceItem(f"{root}a/%C3%BC%201%23%3F.png", size=size),
        SourceItem(f"{root}a/z.jpg", size=size),
        SourceItem(f"{root}b.webp", size=size),
    ]
    assert opened.ignored == 2
    # Neither server sends parts of files, so the tar is named.
    (tar,) = (item for item in items if item.location.startswith(f"{root}t.tar"))
    assert tar.error is not None or tar.place is not None


def test_pictures_of_a_page_of_links_become_rows(folder: Path, run_batch: Run) -> None:
    (folder / "my photos" / "t.tar").unlink()
    with pages_of(folder) as base:
        result = run_batch(f"{base}my%20photos/", str(folder.parent / "out"))
        again = run_batch(f"{base}my%20photos/", str(folder.parent / "out"))
    assert (result.done, result.errors_by_code) == (3, {})
    assert (again.done, again.already_done) == (0, 3)
    assert len(list(read_rows(str(folder.parent / "out")))) == 3


class _Site(BaseHTTPRequestHandler):
    """A site whose pages are no lists: links outside, up, with queries, and to themselves."""

    pages: dict[str, tuple[int, str, bytes]] = {}

    def do_GET(self) -> None:
        status, kind, content = self.pages.get(self.path, (404, "text/plain", b""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def site_of(pages: dict[str, tuple[int, str, bytes]]) -> Iterator[str]:
    handler = type("Handler", (_Site,), {"pages": pages})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, _serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


LINKS = b"""<a href="../x.jpg">up</a> <a href="?C=N;O=D">sort</a> <a href="/p/a.jpg">a</a>
<a href="a.jpg#top">again</a> <a href="http://other.test/p/b.jpg">foreign</a> <a href="./">self</a>
<a href="deep/c.jpg">two levels</a> <a href="mailto:x@y.test">mail</a> <a href="http://[">bad</a>
<a href="gone/">gone</a> <a href="loop/">loop</a>"""


def test_links_to_elsewhere_are_not_followed() -> None:
    html = "text/html; charset=utf-8"
    pages = {"/p/": (200, html, LINKS), "/p/loop/": (200, html, b'<a href="/p/">back</a>')}
    with site_of(pages) as base:
        items = list(source(f"{base}/p/").items())
    assert [item.location for item in items] == [f"{base}/p/a.jpg", f"{base}/p/gone/"]
    assert items[1].error is not None
    assert items[1].error.code == "not_found"


def test_folders_without_an_end_come_to_one() -> None:
    class _Endless(dict[str, tuple[int, str, bytes]]):
        def get(self, path: str, default: object = None) -> tuple[int, str, bytes]:
            return 200, "text/html", b'<a href="more/">more</a>'

    with site_of(_Endless()) as base:
        (item,) = source(f"{base}/").items()
    assert item.error is not None
    assert "64 levels" in item.error.message


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ((200, "text/html", b"<p>Welcome</p>"), "no list of files"),
        ((200, "application/json", b"[]"), "no list of files"),
        ((403, "text/html", b""), "status 403"),
    ],
)
def test_what_is_no_list_is_named(page: tuple[int, str, bytes], message: str) -> None:
    with site_of({"/": page}) as base, pytest.raises(StoreUnavailable, match=message):
        list(source(f"{base}/").items())
