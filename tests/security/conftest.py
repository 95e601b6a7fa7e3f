"""The middleware stack around a page, a WebSocket and the API, without Streamlit."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from scene_model.api import create_app
from scene_model.config import Settings
from tests.visitors.conftest import clock, shared_settings

__all__ = ["clock", "shared_settings"]  # fixtures of the tests of visitors

LOOPBACK = ("127.0.0.1", 50_000)
HOSTS = "localhost,127.0.0.1,photos.example"
STREAM = "/_stcore/stream"


def page(_: Request) -> HTMLResponse:
    return HTMLResponse("<p>the page</p>")


async def receive_upload(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def fail(_: Request) -> Response:
    raise RuntimeError("/secret/path")


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(f"{socket.headers.get('origin')} {socket.headers['host']}")
    await socket.close()


class StartApp(Protocol):
    def __call__(self, **settings: object) -> Starlette:
        """Start an app with some settings; it ends with the test."""


@pytest.fixture
def start_app(tmp_path: Path) -> Iterator[StartApp]:
    """Start the API with paths like Streamlit's beside it, behind the real middleware."""
    with ExitStack() as running:

        def start(**settings: object) -> Starlette:
            folders: dict[str, object] = {
                "library": tmp_path / "library",
                "visitors": tmp_path / "visitors",
            }
            given = {"workers": 1, "allowed_hosts": HOSTS} | folders | settings
            app = create_app(Settings.model_validate(given))
            app.router.routes += [
                Route("/", page),
                Route("/_stcore/upload_file/w/f", receive_upload, methods=["PUT"]),
                Route("/fails", fail),
                WebSocketRoute(STREAM, stream),
            ]
            running.enter_context(TestClient(app))
            return app

        yield start


def client_of(
    app: Starlette, at: tuple[str, int] = LOOPBACK, url: str = "http://localhost:8501"
) -> TestClient:
    """A client at an address, which keeps cookies."""
    return TestClient(app, base_url=url, raise_server_exceptions=False, client=at)
