"""Remote requests need a token; the server's own pages keep working."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from scene_model.api import create_app
from scene_model.api.access.token_gate import TICKET_COOKIE
from scene_model.config import Settings
from scene_model.visitors.tokens import new_token
from tests.api.conftest import problem_of

REMOTE = ("192.0.2.7", 50_000)
TOKEN, ENTRY = new_token("phone")
SECOND_TOKEN, SECOND_ENTRY = new_token("script")
BEARER = {"authorization": f"Bearer {TOKEN}"}
BASIC = {"authorization": "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()}


def with_page(app: Starlette) -> Starlette:
    """Add a page and a WebSocket behind the same middleware."""

    def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<p>the page</p>")

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app.router.routes += [Route("/", page), WebSocketRoute("/stream", stream)]
    return app


def client_of(
    app: Starlette, at: tuple[str, int] = REMOTE, host: str = "photos.example"
) -> TestClient:
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False, client=at)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        library=tmp_path / "library",
        workers=1,
        allowed_hosts="localhost,127.0.0.1,photos.example",
        api_tokens=f"{ENTRY},{SECOND_ENTRY}",
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Starlette]:
    test_client = create_app(settings)
    with TestClient(test_client):
        yield with_page(test_client)


@pytest.fixture
def app_that_trusts_loopback(settings: Settings) -> Iterator[Starlette]:
    test_client = create_app(settings.model_copy(update={"trust_loopback": True}))
    with TestClient(test_client):
        yield test_client


def test_another_computer_needs_a_token(app: Starlette) -> None:
    remote = client_of(app)
    for path in ("/api/photos", "/api/uploads", "/api/library/export.csv", "/api/nothing"):
        response = remote.get(path)
        assert "python -m scene_model token" in problem_of(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/api/health", "/api/models", "/api/docs", "/api/openapi.json"):
        assert remote.get(path).status_code == 200
    for credentials in (BEARER, BASIC, {"authorization": f"bearer  {SECOND_TOKEN}"}):
        assert remote.get("/api/photos", headers=credentials).status_code == 200


def test_an_invalid_token_is_refused(app: Starlette) -> None:
    for client in (client_of(app), client_of(app, ("127.0.0.1", 1), "localhost")):
        response = client.get("/api/photos", headers={"authorization": f"Bearer {TOKEN}x"})
        assert "not valid on this server" in problem_of(response, 401)


@pytest.mark.parametrize(
    ("at", "host", "headers", "status"),
    [
        (("127.0.0.1", 1), "localhost:8501", {}, 200),
        (("::1", 1), "[::1]:8501", {}, 200),
        (("::ffff:127.0.0.1", 1), "127.0.0.1", {}, 200),
        (("127.0.0.1", 1), "photos.example", {}, 401),
        (("127.0.0.1", 1), "localhost", {"x-forwarded-for": "127.0.0.1"}, 401),
        (("127.0.0.1", 1), "localhost", {"forwarded": "for=127.0.0.1"}, 401),
        (("127.0.0.1", 1), "localhost", {"x-real-ip": "127.0.0.1"}, 401),
        (("192.0.2.7", 1), "localhost", {}, 401),
        (("unknown", 1), "localhost", {}, 401),
    ],
)
def test_local_requests_where_they_are_trusted(
    app_that_trusts_loopback: Starlette,
    at: tuple[str, int],
    host: str,
    headers: dict[str, str],
    status: int,
) -> None:
    client = client_of(app_that_trusts_loopback, at)
    response = client.get("/api/photos", headers={"host": host, **headers})
    assert response.status_code == (403 if host.startswith("[") else status)


def test_a_browser_prompts_once(app: Starlette) -> None:
    browser = client_of(app)
    first_page = browser.get("/")
    assert first_page.status_code == 401
    assert first_page.headers["www-authenticate"].startswith("Basic realm=")
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        browser.websocket_connect("ws://photos.example/stream"),
    ):
        pass
    assert refused.value.code == 4401
    page = browser.get("/", headers=BASIC)
    assert page.status_code == 200
    flags = page.headers["set-cookie"]
    assert flags.endswith("; Path=/; HttpOnly; SameSite=Lax")
    assert TOKEN not in flags
    # Later requests need no password: pictures, API requests and the WebSocket.
    assert browser.get("/api/photos").status_code == 200
    with browser.websocket_connect("ws://photos.example/stream") as socket:
        assert socket.receive_text() == "hello"
    assert "set-cookie" not in browser.get("/").headers


def test_forged_tickets(app: Starlette) -> None:
    good = client_of(app).get("/", headers=BASIC).headers["set-cookie"].partition(";")[0]
    signature = good.partition(":")[2]
    for forged in (
        f"{TICKET_COOKIE}=phone:{signature[:-1]}",
        f"{TICKET_COOKIE}=script:{signature}",
    ):
        assert client_of(app).get("/api/photos", headers={"cookie": forged}).status_code == 401
    ticket = {"cookie": good}
    assert client_of(app).get("/api/photos", headers=ticket).status_code == 200
    # A ticket does not make a wrong token right.
    wrong = ticket | {"authorization": "Bearer no"}
    assert client_of(app).get("/api/photos", headers=wrong).status_code == 401


def test_without_tokens_remote_requests_are_refused(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    with TestClient(create_app(settings)) as test_client:
        app = with_page(test_client.app)  # type: ignore[arg-type] # it is the one above
        remote, local = (
            client_of(app, host="localhost"),
            client_of(app, ("127.0.0.1", 1), "localhost"),
        )
        assert remote.get("/api/photos", headers=BEARER).status_code == 401
        assert remote.get("/").status_code == 401
        assert local.get("/api/photos").status_code == 200
        assert local.get("/").status_code == 200


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Starlette]:
    test_client = create_app(
        Settings(
            mode="shared",
            visitors=tmp_path / "visitors",
            workers=1,
            allowed_hosts="photos.example",
            api_tokens=f"{ENTRY},{SECOND_ENTRY}",
            visitor_max_photos=1,
        )
    )
    with TestClient(test_client):
        yield with_page(test_client)


def test_on_a_shared_server_a_token_has_a_library(
    shared: Starlette, temple: bytes, flower: bytes
) -> None:
    nobody, phone, script = client_of(shared), client_of(shared), client_of(shared)
    phone.headers.update(BEARER)
    script.headers.update({"authorization": f"Bearer {SECOND_TOKEN}"})
    assert "cookies allowed" in problem_of(nobody.get("/api/photos"), 401)
    assert nobody.get("/").status_code == 200  # the page that creates visitors
    batch = phone.post(
        "/api/predict/batch?add_to_library=true", files={"files": ("t.jpg", temple)}
    ).json()
    (photo,) = phone.get("/api/photos").json()["photos"]
    assert photo["name"] == "t.jpg"
    assert script.get("/api/photos").json()["total"] == 0
    for path in (f"/api/jobs/{batch['job_id']}", batch["download_url"], photo["original_url"]):
        assert phone.get(path).status_code == 200
        assert script.get(path).status_code == 404
        assert nobody.get(path).status_code == 404  # a visitor now
    assert script.delete(f"/api/jobs/{batch['job_id']}").status_code == 404
    # Tokens have the same limits as visitors.
    two = {"files": [{"path": f"{n}.jpg", "size": len(flower)} for n in range(2)]}
    assert "the limit is 1 for each visitor" in problem_of(
        phone.post("/api/uploads", json=two), 413
    )
    both = [("files", ("t.jpg", temple)), ("files", ("f.jpg", flower))]
    second_batch = phone.post("/api/predict/batch?add_to_library=true", files=both)
    assert "the limit is 1 for each visitor" in problem_of(second_batch, 413)
    assert phone.get("/api/photos").json()["total"] == 1
    # The same browser as a visitor has a separate library.
    nobody.get("/")
    assert nobody.get("/api/photos").json()["total"] == 0
    assert nobody.get("/api/photos", headers=BEARER).json()["total"] == 1


def cors(response: httpx.Response) -> str | None:
    return response.headers.get("access-control-allow-origin")


def test_only_configured_origins_are_allowed(tmp_path: Path) -> None:
    base = Settings(library=tmp_path / "library", workers=1, api_tokens=ENTRY)
    own_headers = {"origin": "https://Mine.example", "sec-fetch-site": "cross-site"}
    preflight_headers = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    with TestClient(create_app(base)) as test_client:
        closed = client_of(test_client.app, host="localhost")  # type: ignore[arg-type] # as above
        refused = closed.options("/api/predict", headers=own_headers | preflight_headers)
        assert refused.status_code == 403
        assert cors(refused) is None
    opened = base.model_copy(update={"api_cors_origins": "https://mine.example/"})
    with TestClient(create_app(opened)) as test_client:
        client = client_of(test_client.app, host="localhost")  # type: ignore[arg-type] # as above
        own_headers["origin"] = "https://mine.example"
        preflight = client.options("/api/predict", headers=own_headers | preflight_headers)
        assert preflight.status_code == 200
        assert cors(preflight) == "https://mine.example"
        assert "access-control-allow-credentials" not in preflight.headers
        assert (
            cors(client.get("/api/photos", headers=own_headers | BEARER)) == "https://mine.example"
        )
        # Error responses have CORS headers as well.
        unknown = client.get("/api/photos", headers=own_headers)
        assert unknown.status_code == 401
        assert cors(unknown) == "https://mine.example"
        foreign = own_headers | {"origin": "https://mine.example.evil.example"}
        assert client.get("/api/photos", headers=foreign | BEARER).status_code == 403
        assert (
            client.options("/api/predict", headers=foreign | preflight_headers).status_code == 403
        )
        hidden = {"sec-fetch-site": "cross-site"}
        assert client.get("/api/photos", headers=hidden | BEARER).status_code == 403
