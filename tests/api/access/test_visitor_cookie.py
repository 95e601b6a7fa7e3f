"""Several browsers on one shared server: each sees its own library, on every route."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from scene_model.api import close_api, create_api
from scene_model.api.access.guard import SameSiteGuard
from scene_model.api.access.visitor_cookie import (
    CLOSED_ELSEWHERE,
    VisitorCookie,
    request_owner,
)
from scene_model.config import Settings
from scene_model.trips.trip_run import update_trips
from scene_model.visitors.keys import COOKIE_NAME, VisitorKeys
from scene_model.visitors.visitors import Visitors
from tests.library.rows import add
from tests.trips.journeys import days

TRIP_ID = "1"  # of the first trip of any library
FOR_ANYBODY = {"/health", "/models", "/openapi.json", "/docs"}
# What each route reads that reads a body.
BODY = {"files": [{"path": "x.jpg", "size": 1}], "tags": ["x"], "images": ["eA=="], "q": ""}


@pytest.fixture
def visitors(tmp_path: Path) -> Iterator[Visitors]:
    settings = Settings(mode="shared", visitors=tmp_path / "visitors", workers=1)
    test_visitors = Visitors(settings)
    yield test_visitors
    test_visitors.close()


@pytest.fixture
def api(visitors: Visitors) -> FastAPI:
    return create_api(
        lambda: visitors.services(request_owner()),
        lambda: (visitors.common.model.classifier, visitors.settings),
    )


@pytest.fixture
def server(visitors: Visitors, api: FastAPI) -> Starlette:
    def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<p>the page</p>")

    return Starlette(
        routes=[Mount("/api", app=api), Route("/", page)],
        middleware=[
            Middleware(SameSiteGuard, allowed_hosts=visitors.settings.allowed_host_names),
            Middleware(
                VisitorCookie,
                get_visitors=lambda: visitors,
                owner_of=lambda cookies: visitors.keys.owner(cookies.get(COOKIE_NAME, "")),
            ),
        ],
    )


def browser(server: Starlette, scheme: str = "http") -> TestClient:
    return TestClient(server, base_url=f"{scheme}://localhost:8501", raise_server_exceptions=False)


def new_visitor(server: Starlette) -> TestClient:
    client = browser(server)
    assert client.get("/").status_code == 200
    return client


def upload(client: TestClient, temple: bytes, wait: Visitors) -> tuple[str, str]:
    """Send one photo of two announced; returns the upload's id and the photo's."""
    files = [{"path": "t.jpg", "size": len(temple)}, {"path": "later.jpg", "size": 10}]
    job_id = client.post("/api/uploads", json={"files": files}).json()["id"]
    assert client.put(f"/api/uploads/{job_id}/files/0", content=temple).status_code == 200
    services = wait.services(wait.keys.owner(client.cookies[COOKIE_NAME]))
    while services.jobs.job(job_id).progress().done < 1:
        services.jobs.job(job_id).wait(0.05)
    (photo_id,) = services.library.find()
    return job_id, photo_id


def batch(client: TestClient, temple: bytes, key: str) -> str:
    """Have one photo classified in a batch, and wait for its end; returns its id."""
    sent = [("files", ("b.jpg", temple, "image/jpeg"))]
    headers = {"Idempotency-Key": key}
    response = client.post("/api/predict/batch", files=sent, headers=headers)
    assert response.status_code == 200, response.text
    return str(response.json()["job_id"])


def requests_of(api: FastAPI, ids: tuple[str, str]) -> list[tuple[str, str]]:
    """Every method of every route of the API, with another visitor's ids in the path."""
    parameters = {"job_id": ids[0], "photo_id": ids[1], "trip_id": TRIP_ID, "number": "1"}
    requests = []
    for route in api.routes:
        if isinstance(route, Mount):
            assert route.path == "/docs-files", "the scripts of the documentation"
            continue
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or {"GET"}
        filled = re.sub(r"{(\w+)[^}]*}", lambda match: parameters[match[1]], path)
        requests += [(method, filled) for method in sorted(methods)]
    assert len([r for r in api.routes if isinstance(r, APIRoute)]) >= 12
    return requests


def test_no_route_serves_another_visitor(
    server: Starlette, api: FastAPI, visitors: Visitors, temple: bytes
) -> None:
    alice, bob, nobody = new_visitor(server), new_visitor(server), browser(server)
    ids = upload(alice, temple, visitors)
    batch_id = batch(alice, temple, "a key")
    library = visitors.services(visitors.keys.owner(alice.cookies[COOKIE_NAME])).library
    add(library, *days("2024-07-12", "2024-07-13"))
    update_trips(library)
    title = alice.get(f"/api/trips/{TRIP_ID}").json()["title"]
    assert alice.get(f"/api/photos/{ids[1]}/original").content == temple
    assert temple[:64] in alice.get(f"/api/download/{batch_id}").content
    for method, path in {*requests_of(api, ids), *requests_of(api, (batch_id, ids[1]))}:
        request = (method, f"/api{path}")
        unknown = nobody.request(*request, json=BODY, params={"tag": "x"})
        if path in FOR_ANYBODY:
            assert unknown.status_code in (200, 405), request
        else:
            assert unknown.status_code in (401, 405), (request, unknown.text)
        foreign = bob.request(*request, json=BODY, params={"tag": "x"})
        if any(value in path for value in (*ids, batch_id)) or path.endswith(f"/trips/{TRIP_ID}"):
            assert foreign.status_code == 404, (request, foreign.text)
        assert temple[:64] not in foreign.content
        for secret in (*ids, batch_id, "t.jpg", "later.jpg", "b.jpg", title):
            assert f'"{secret}"' not in foreign.text, request
    mine = alice.get(f"/api/uploads/{ids[0]}", params={"files": True}).json()
    assert mine["state"] == "running"
    assert [file["path"] for file in mine["missing"]] == ["later.jpg"]
    assert [line[:6] for line in bob.get("/api/library/export.csv").text.splitlines()[1:]] == []
    assert "t.jpg" in alice.get("/api/library/export.csv").text
    assert alice.get(f"/api/jobs/{batch_id}").json()["state"] == "done"
    assert batch(alice, temple, "a key") == batch_id
    assert batch(bob, temple, "a key") != batch_id, "a key is valid only in its own library"


def test_batches_count_towards_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scene_model.visitors.usage.MEASURING_SHARE", 1e-9)  # never by itself
    settings = Settings(
        mode="shared", visitors=tmp_path / "small", workers=1, visitor_max_bytes=3_000_000
    )
    small = Visitors(settings)
    limited = create_api(lambda: small.services("a" * 64))
    with TestClient(limited, base_url="http://localhost:8501") as client:
        large = [("files", ("x.jpg", b"x" * 4_000_000, "image/jpeg"))]
        response = client.post("/predict/batch", files=large)
        assert response.status_code == 413
        assert response.json()["type"] == "urn:scene-gallery:quota_exceeded"
        body = [b'--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n']
        body += [b"x" * 1_000_000] * 5 + [b"\r\n", *body, b"x\r\n--b--\r\n"]
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        response = client.post(
            "/predict/batch", content=iter(body), headers=kind
        )  # no Content-Length
        assert response.json()["type"] == "urn:scene-gallery:quota_exceeded"
    assert not list((settings.visitors / "libraries").glob("*/library/batches/*"))
    close_api(limited)
    small.close()


def set_cookie(response: httpx.Response) -> str:
    return str(response.headers["set-cookie"])


def test_the_flags_of_the_cookie(server: Starlette) -> None:
    cookie = set_cookie(browser(server).get("/"))
    assert re.fullmatch(
        COOKIE_NAME + r"=[0-9a-f]{64}\.[0-9a-f]{64}; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax",
        cookie,
    )
    assert set_cookie(browser(server, "https").get("/")).endswith("; Secure")


def test_only_the_page_sets_a_cookie_and_a_valid_one_stays(server: Starlette) -> None:
    client = browser(server)
    assert "set-cookie" not in client.get("/api/uploads").headers
    client.get("/")
    value = client.cookies[COOKIE_NAME]
    response = client.get("/")
    assert client.cookies[COOKIE_NAME] == value
    assert response.headers["cache-control"] == "private, no-store"
    renewed = set_cookie(client.get("/api/uploads"))
    assert renewed.startswith(f"{COOKIE_NAME}={value}; Path=/; Max-Age=86400")


def test_forged_cookies_are_refused_and_replaced(server: Starlette) -> None:
    good = new_visitor(server).cookies[COOKIE_NAME]
    for forged in (
        "no-key",
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        f"{'0' * 64}.{good[65:]}",
    ):
        headers = {"cookie": f"{COOKIE_NAME}={forged}"}
        response = browser(server).get("/api/uploads", headers=headers)
        assert response.status_code == 401
        assert response.json()["type"] == "urn:scene-gallery:visitor_unknown"
        assert forged not in set_cookie(browser(server).get("/", headers=headers))


def test_photos_stay_out_of_caches(server: Starlette, visitors: Visitors, temple: bytes) -> None:
    alice = new_visitor(server)
    _, photo_id = upload(alice, temple, visitors)
    for kind in ("thumbnail", "preview", "full", "original"):
        response = alice.get(f"/api/photos/{photo_id}/{kind}")
        assert response.headers["cache-control"] == "private, no-store"


def test_a_cookie_of_another_server_is_refused_and_stays(server: Starlette) -> None:
    client = browser(server)
    cookie = VisitorKeys(b"another", "a.").issue()
    client.cookies[COOKIE_NAME] = cookie
    for path in ("/", "/api/photos"):
        response = client.get(path)
        assert response.status_code == 503
        assert response.json()["type"] == "urn:scene-gallery:visitor_elsewhere"
        assert "They are still there" in response.json()["detail"]
        assert "set-cookie" not in response.headers
    socket = "ws://localhost:8501/_stcore/stream"
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect(socket):
        pytest.fail("the page of another server is open")
    assert closed.value.code == CLOSED_ELSEWHERE
