"""Off its own computer a server answers to tokens alone; pages of its own keep working."""

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

AWAY = ("192.0.2.7", 50_000)
TOKEN, ENTRY = new_token("phone")
OTHER, OTHER_ENTRY = new_token("script")
BEARER = {"authorization": f"Bearer {TOKEN}"}
BASIC = {"authorization": "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()}


def with_page(app: Starlette) -> Starlette:
    """Put a page and a WebSocket behind the same doorway."""

    def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<p>the page</p>")

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app.router.routes += [Route("/", page), WebSocketRoute("/stream", stream)]
    return app


def client_of(
    app: Starlette, at: tuple[str, int] = AWAY, host: str = "photos.example"
) -> TestClient:
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False, client=at)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Starlette]:
    made = create_app(
        Settings(
            library=tmp_path / "library",
            workers=1,
            allowed_hosts="localhost,127.0.0.1,photos.example",
            api_tokens=f"{ENTRY},{OTHER_ENTRY}",
        )
    )
    with TestClient(made):
        yield with_page(made)


def test_another_computer_needs_a_token(app: Starlette) -> None:
    away = client_of(app)
    for path in ("/api/photos", "/api/uploads", "/api/library/export.csv", "/api/nothing"):
        answer = away.get(path)
        assert "python -m scene_model token" in problem_of(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/api/health", "/api/models", "/api/docs", "/api/openapi.json"):
        assert away.get(path).status_code == 200
    for shown in (BEARER, BASIC, {"authorization": f"bearer  {OTHER}"}):
        assert away.get("/api/photos", headers=shown).status_code == 200


def test_a_token_that_is_none_is_told(app: Starlette) -> None:
    for client in (client_of(app), client_of(app, ("127.0.0.1", 1), "localhost")):
        answer = client.get("/api/photos", headers={"authorization": f"Bearer {TOKEN}x"})
        assert "not valid on this server" in problem_of(answer, 401)


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
def test_what_this_computer_is(
    app: Starlette, at: tuple[str, int], host: str, headers: dict[str, str], status: int
) -> None:
    client = client_of(app, at)
    answer = client.get("/api/photos", headers={"host": host, **headers})
    assert answer.status_code == (403 if host.startswith("[") else status)


def test_a_browser_asks_its_person_once(app: Starlette) -> None:
    browser = client_of(app)
    asked = browser.get("/")
    assert asked.status_code == 401
    assert asked.headers["www-authenticate"].startswith("Basic realm=")
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
    # From here on without a password: the page's pictures, its requests and its WebSocket.
    assert browser.get("/api/photos").status_code == 200
    with browser.websocket_connect("ws://photos.example/stream") as socket:
        assert socket.receive_text() == "hello"
    assert "set-cookie" not in browser.get("/").headers


def test_tickets_that_are_none(app: Starlette) -> None:
    good = client_of(app).get("/", headers=BASIC).headers["set-cookie"].partition(";")[0]
    signature = good.partition(":")[2]
    for forged in (
        f"{TICKET_COOKIE}=phone:{signature[:-1]}",
        f"{TICKET_COOKIE}=script:{signature}",
    ):
        assert client_of(app).get("/api/photos", headers={"cookie": forged}).status_code == 401
    again = {"cookie": good}
    assert client_of(app).get("/api/photos", headers=again).status_code == 200
    # A ticket does not make a wrong token right.
    wrong = again | {"authorization": "Bearer no"}
    assert client_of(app).get("/api/photos", headers=wrong).status_code == 401


def test_without_tokens_nobody_else_is_let_in(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library", workers=1)
    with TestClient(create_app(settings)) as made:
        app = with_page(made.app)  # type: ignore[arg-type] # it is the one above
        away, here = client_of(app, host="localhost"), client_of(app, ("127.0.0.1", 1), "localhost")
        assert away.get("/api/photos", headers=BEARER).status_code == 401
        assert away.get("/").status_code == 401
        assert here.get("/api/photos").status_code == 200
        assert here.get("/").status_code == 200


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Starlette]:
    made = create_app(
        Settings(
            mode="shared",
            visitors=tmp_path / "visitors",
            workers=1,
            allowed_hosts="photos.example",
            api_tokens=f"{ENTRY},{OTHER_ENTRY}",
            visitor_max_photos=1,
        )
    )
    with TestClient(made):
        yield with_page(made)


def test_on_a_shared_server_a_token_has_a_library(
    shared: Starlette, temple: bytes, flower: bytes
) -> None:
    nobody, phone, script = client_of(shared), client_of(shared), client_of(shared)
    phone.headers.update(BEARER)
    script.headers.update({"authorization": f"Bearer {OTHER}"})
    assert "cookies allowed" in problem_of(nobody.get("/api/photos"), 401)
    assert nobody.get("/").status_code == 200  # where visitors begin
    kept = phone.post(
        "/api/predict/batch?add_to_library=true", files={"files": ("t.jpg", temple)}
    ).json()
    (photo,) = phone.get("/api/photos").json()["photos"]
    assert photo["name"] == "t.jpg"
    assert script.get("/api/photos").json()["total"] == 0
    for path in (f"/api/jobs/{kept['job_id']}", kept["download_url"], photo["original_url"]):
        assert phone.get(path).status_code == 200
        assert script.get(path).status_code == 404
        assert nobody.get(path).status_code == 404  # a visitor now
    assert script.delete(f"/api/jobs/{kept['job_id']}").status_code == 404
    # The same limits as any visitor's.
    two = {"files": [{"path": f"{n}.jpg", "size": len(flower)} for n in range(2)]}
    assert "the limit is 1 for each visitor" in problem_of(
        phone.post("/api/uploads", json=two), 413
    )
    both = [("files", ("t.jpg", temple)), ("files", ("f.jpg", flower))]
    kept_too = phone.post("/api/predict/batch?add_to_library=true", files=both)
    assert "the limit is 1 for each visitor" in problem_of(kept_too, 413)
    assert phone.get("/api/photos").json()["total"] == 1
    # A visitor, too, whose own library stays another.
    nobody.get("/")
    assert nobody.get("/api/photos").json()["total"] == 0
    assert nobody.get("/api/photos", headers=BEARER).json()["total"] == 1


def cors(answer: httpx.Response) -> str | None:
    return answer.headers.get("access-control-allow-origin")


def test_other_sites_are_let_in_by_name_alone(tmp_path: Path) -> None:
    base = Settings(library=tmp_path / "library", workers=1, api_tokens=ENTRY)
    ours = {"origin": "https://Mine.example", "sec-fetch-site": "cross-site"}
    asked = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    with TestClient(create_app(base)) as made:
        closed = client_of(made.app, host="localhost")  # type: ignore[arg-type] # as above
        refused = closed.options("/api/predict", headers=ours | asked)
        assert refused.status_code == 403
        assert cors(refused) is None
    opened = base.model_copy(update={"api_cors_origins": "https://mine.example/"})
    with TestClient(create_app(opened)) as made:
        client = client_of(made.app, host="localhost")  # type: ignore[arg-type] # as above
        ours["origin"] = "https://mine.example"
        before = client.options("/api/predict", headers=ours | asked)
        assert before.status_code == 200
        assert cors(before) == "https://mine.example"
        assert "access-control-allow-credentials" not in before.headers
        assert cors(client.get("/api/photos", headers=ours | BEARER)) == "https://mine.example"
        # What goes wrong can be read there as well.
        unknown = client.get("/api/photos", headers=ours)
        assert unknown.status_code == 401
        assert cors(unknown) == "https://mine.example"
        theirs = ours | {"origin": "https://mine.example.evil.example"}
        assert client.get("/api/photos", headers=theirs | BEARER).status_code == 403
        assert client.options("/api/predict", headers=theirs | asked).status_code == 403
        hidden = {"sec-fetch-site": "cross-site"}
        assert client.get("/api/photos", headers=hidden | BEARER).status_code == 403
