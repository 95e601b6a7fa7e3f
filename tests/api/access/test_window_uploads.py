"""Streamlit's uploader on a shared server answers the window's own visitor, up to a limit."""

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

HELD = {"w1": 60}


@pytest.fixture
def visitors(tmp_path: Path) -> Iterator[Visitors]:
    made = Visitors(Settings(mode="shared", visitors=tmp_path / "visitors", workers=1))
    made.windows.note("w1", "a" * 64)
    made.windows.note("w2", "b" * 64)
    yield made
    made.close()


@pytest.fixture
def client(visitors: Visitors) -> TestClient:
    async def taken(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    methods = ["PUT", "DELETE", "GET"]
    app = Starlette(
        routes=[Route("/_stcore/upload_file/{window}/{file}", taken, methods=methods)],
        middleware=[
            Middleware(
                VisitorCookie,
                get_visitors=lambda: visitors,
                owner_of=lambda cookies: cookies.get("who"),
            ),
            Middleware(
                WindowUploads,
                get_visitors=lambda: visitors,
                held_bytes=lambda windows: sum(HELD.get(window, 0) for window in windows),
                max_bytes=100,
            ),
        ],
    )
    return TestClient(app)


def sent(client: TestClient, window: str, who: str | None, size: int = 10) -> int:
    client.cookies.clear()
    if who is not None:
        client.cookies["who"] = who * 64
    return client.put(f"/_stcore/upload_file/{window}/f", content=b"x" * size).status_code


def test_only_the_window_s_own_visitor(client: TestClient) -> None:
    assert sent(client, "w1", "a") == 200
    assert sent(client, "w2", "b") == 200
    for window, who in (("w1", "b"), ("w1", None), ("w3", "a"), ("", "a")):
        assert sent(client, window, who) == 403, (window, who)
    client.cookies["who"] = "b" * 64
    assert client.delete("/_stcore/upload_file/w1/f").status_code == 403


def test_so_much_at_a_time(client: TestClient) -> None:
    assert sent(client, "w1", "a", 40) == 200
    assert sent(client, "w1", "a", 40) == 200, "what is no longer on its way does not count"
    assert sent(client, "w1", "a", 41) == 413
    assert sent(client, "w2", "b", 100) == 200
    untold = iter([b"x"])
    client.cookies["who"] = "b" * 64
    assert client.put("/_stcore/upload_file/w2/f", content=untold).status_code == 413
