"""Streamlit's uploader on a shared server: owner check and memory limit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from scene_model.api.access.visitor_cookie import VisitorCookie
from scene_model.api.access.window_uploads import WindowUploads
from scene_model.config import Settings
from scene_model.visitors.visitors import Visitors

STORED_BYTES = {"w1": 60}


@pytest.fixture
def visitors(tmp_path: Path) -> Iterator[Visitors]:
    made = Visitors(Settings(mode="shared", visitors=tmp_path / "visitors", workers=1))
    made.windows.note("w1", "a" * 64)
    made.windows.note("w2", "b" * 64)
    yield made
    made.close()


@pytest.fixture
def client(visitors: Visitors) -> TestClient:
    async def receive_upload(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    methods = ["PUT", "DELETE", "GET"]
    app = Starlette(
        routes=[Route("/_stcore/upload_file/{window}/{file}", receive_upload, methods=methods)],
        middleware=[
            Middleware(
                VisitorCookie,
                get_visitors=lambda: visitors,
                owner_of=lambda cookies: cookies.get("owner"),
            ),
            Middleware(
                WindowUploads,
                get_visitors=lambda: visitors,
                held_bytes=lambda windows: sum(STORED_BYTES.get(window, 0) for window in windows),
                max_bytes=100,
            ),
        ],
    )
    return TestClient(app)


def put_status(client: TestClient, window: str, owner: str | None, size: int = 10) -> int:
    client.cookies.clear()
    if owner is not None:
        client.cookies["owner"] = owner * 64
    return client.put(f"/_stcore/upload_file/{window}/f", content=b"x" * size).status_code


def test_only_the_owner_of_the_window(client: TestClient) -> None:
    assert put_status(client, "w1", "a") == 200
    assert put_status(client, "w2", "b") == 200
    for window, owner in (("w1", "b"), ("w1", None), ("w3", "a"), ("", "a")):
        assert put_status(client, window, owner) == 403, (window, owner)
    client.cookies["owner"] = "b" * 64
    assert client.delete("/_stcore/upload_file/w1/f").status_code == 403


def test_the_memory_limit(client: TestClient) -> None:
    assert put_status(client, "w1", "a", 40) == 200
    assert put_status(client, "w1", "a", 40) == 200, "completed uploads do not count"
    assert put_status(client, "w1", "a", 41) == 413
    assert put_status(client, "w2", "b", 100) == 200
    chunked_body = iter([b"x"])
    client.cookies["owner"] = "b" * 64
    assert client.put("/_stcore/upload_file/w2/f", content=chunked_body).status_code == 413
