"""Foreign pages reach nothing, neither by a WebSocket nor on Streamlit's own paths."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.security.conftest import STREAM, StartApp, client_of

FOREIGN = [
    "http://evil.example",
    "https://localhost.evil.example",
    "http://localhost:9999",
    "http://localhost",
    "http://127.0.0.1:8501",
    "ws://localhost:8501",
    "http://localhost:8501@evil.example",
    "null",
    "",
]
CONFIGURED = "https://mine.example"


@pytest.fixture
def app(start_app: StartApp) -> Starlette:
    return start_app(api_cors_origins=CONFIGURED)


def greeting(client: TestClient, headers: dict[str, str], host: str = "localhost:8501") -> str:
    """Open a WebSocket; return what the server read in its headers."""
    with client.websocket_connect(f"ws://{host}{STREAM}", headers=headers) as socket:
        return socket.receive_text()


@pytest.mark.parametrize("origin", [*FOREIGN, CONFIGURED])
def test_a_websocket_of_a_foreign_page_is_refused(app: Starlette, origin: str) -> None:
    with pytest.raises(WebSocketDisconnect) as refused:
        greeting(client_of(app), {"origin": origin})
    assert refused.value.code == 4403


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["/", "/_stcore/upload_file/w/f", "/api/health"])
def test_a_request_of_a_foreign_page_is_refused(app: Starlette, origin: str, path: str) -> None:
    method = "PUT" if "upload" in path else "GET"
    response = client_of(app).request(method, path, headers={"origin": origin})
    assert response.status_code == 403
    assert response.json()["type"] == "urn:scene-gallery:foreign_request"


def test_own_pages_and_programs_open_a_websocket(app: Starlette) -> None:
    client = client_of(app)
    assert greeting(client, {"origin": "http://localhost:8501"}).startswith("http://localhost")
    assert greeting(client, {}) == "None localhost:8501"
    # A proxy ends TLS and passes the Host header on.
    at_proxy = {"origin": "https://photos.example", "x-forwarded-proto": "https"}
    tokenless = client_of(app, url="http://photos.example")
    with pytest.raises(WebSocketDisconnect) as refused:
        greeting(tokenless, at_proxy, "photos.example")
    assert refused.value.code == 4401, "the origin is right; a token is missing"
    assert client.put("/_stcore/upload_file/w/f", content=b"x").text == "1"


def test_the_server_reads_origin_and_host_in_one_spelling(app: Starlette) -> None:
    """Streamlit compares them literally, and looks for addresses where they differ."""
    headers = {"origin": "http://LOCALHOST:8501", "host": "LocalHost:8501"}
    assert greeting(client_of(app), headers) == "http://localhost:8501 localhost:8501"


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "localhost:8501"), ("host", "evil.example")],
        [("origin", "http://evil.example"), ("origin", "http://localhost:8501")],
        [("host", "localhost:8501/path"), ("origin", "http://localhost:8501/path")],
        [("host", "localhost:port")],
    ],
)
def test_ambiguous_headers_are_refused(app: Starlette, headers: list[tuple[str, str]]) -> None:
    assert client_of(app).get("/", headers=headers).status_code == 403


def test_another_site_may_link_to_a_page_but_load_nothing(app: Starlette) -> None:
    client = client_of(app)
    for site in ("cross-site", "same-site"):
        link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
        assert client.get("/", headers=link).status_code == 200
        picture = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
        assert client.get("/", headers=picture).status_code == 403
        assert client.get("/api/health", headers=link).status_code == 403


def test_a_configured_origin_never_uses_a_cookie(start_app: StartApp) -> None:
    app = start_app(mode="shared", api_cors_origins=CONFIGURED)
    visitor = client_of(app)
    visitor.get("/")
    assert visitor.get("/api/photos").status_code == 200
    own = {"origin": "http://localhost:8501"}
    assert visitor.get("/api/photos", headers=own).status_code == 200
    response = visitor.get("/api/photos", headers={"origin": CONFIGURED})
    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == CONFIGURED
    assert "set-cookie" not in response.headers
