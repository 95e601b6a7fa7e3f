"""A phone's token opens the upload page alone, and the local network reaches nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.websockets import WebSocketDisconnect

from pages.phone import PHONE_FILES
from scene_model.api.access.guard import PHONE_PREFIX
from scene_model.api.inbox import InboxApp
from scene_model.api.phone import create_lan_app, create_phone_app
from scene_model.config import Settings
from scene_model.services import Services
from scene_model.visitors.keys import COOKIE_NAME
from scene_model.visitors.tokens import new_token
from scene_model.visitors.visitors import Visitors
from tests.phones import Clock, Phones
from tests.security.conftest import LOOPBACK, STREAM, StartApp, client_of

ADDRESS = "192.168.1.5"
PHONE = ("192.168.1.77", 50_000)
LAN_URL = f"http://{ADDRESS}:8502"
OPEN = {"/api/health", "/api/models", "/api/docs", "/api/openapi.json"}


def unopened(_: str) -> Services:
    raise AssertionError("no library is opened for this")


@pytest.fixture
def phones(tmp_path: Path) -> Phones:
    return Phones(tmp_path / "codes", unopened, Clock())


@pytest.fixture
def token(phones: Phones) -> str:
    return phones.codes.make("", 900)[1]


def with_phones(app: Starlette, phones: Phones) -> Starlette:
    app.router.routes.insert(0, Mount(PHONE_PREFIX, app=create_phone_app(phones, PHONE_FILES)))
    return app


def routes_of(app: Starlette) -> Iterator[tuple[str, str]]:
    """Every method and path of the application, with ids filled in; without the phones' own."""
    for route in app.routes:
        if isinstance(route, Route):
            yield from ((method, route.path) for method in route.methods or ())
        elif isinstance(route, Mount) and isinstance(route.app, FastAPI):
            for inner in route.app.routes:
                path = re.sub(r"\{[^}]*\}", "0" * 64, route.path + getattr(inner, "path", ""))
                yield from ((method, path) for method in getattr(inner, "methods", None) or ())


def with_token(token: str) -> Iterator[dict[str, str]]:
    yield {"authorization": f"Bearer {token}"}
    yield {"cookie": f"scene_ticket=phone:{token}; {COOKIE_NAME}={token}; token={token}"}
    yield {"x-api-key": token}


@pytest.mark.parametrize("has_api_tokens", [False, True])
def test_the_token_opens_no_route_of_the_app(
    start_app: StartApp, phones: Phones, token: str, has_api_tokens: bool
) -> None:
    api_tokens = new_token("laptop")[1] if has_api_tokens else ""
    app = with_phones(start_app(api_tokens=api_tokens), phones)
    client = client_of(app, PHONE)
    routes = [(method, path) for method, path in routes_of(app) if path not in OPEN]
    assert len(routes) > 30
    for method, path in routes:
        if path.startswith("/api/docs-files/"):
            continue
        for headers in with_token(token):
            for url in (path, f"{path}?token={token}"):
                response = client.request(method, url, headers=headers)
                assert response.status_code == 401, (method, url, headers)
    for headers in with_token(token):
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            client.websocket_connect(f"ws://localhost:8501{STREAM}", headers=headers),
        ):
            pass
        assert refused.value.code == 4401
    # From this computer the API is open without a token; with a phone's, it refuses.
    if not has_api_tokens:
        bearer = {"authorization": f"Bearer {token}"}
        assert client_of(app).get("/api/photos").status_code == 200
        assert client_of(app).get("/api/photos", headers=bearer).status_code == 401


def test_phones_need_no_other_token(start_app: StartApp, phones: Phones, token: str) -> None:
    entry = new_token("laptop")[1]
    app = with_phones(start_app(api_tokens=entry, allowed_hosts=ADDRESS), phones)
    client = client_of(app, PHONE, LAN_URL)
    page = client.get("/phone/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers
    bearer = {"authorization": f"Bearer {token}"}
    assert client.get("/phone/session", headers=bearer).status_code == 200
    assert client.get("/phone/session").status_code == 401
    for path in ("/phone", "/phonebook", "/phone../api/photos", "/Phone/"):
        assert client.get(path, headers=bearer).status_code == 401, path


def test_other_sites_are_kept_from_the_routes(
    start_app: StartApp, phones: Phones, token: str
) -> None:
    app = with_phones(
        start_app(allowed_hosts=ADDRESS, api_cors_origins="https://a.example"), phones
    )
    client = client_of(app, PHONE, LAN_URL)
    bearer = {"authorization": f"Bearer {token}"}
    for foreign in (
        {"origin": "http://evil.example"},
        {"origin": "https://a.example"},
        {"origin": f"http://{ADDRESS}:8501"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        {"host": "evil.example"},
        {"host": f"{ADDRESS}.evil.example"},
    ):
        for path in ("/phone/session", "/phone/"):
            assert client.get(path, headers=bearer | foreign).status_code == 403, foreign
    # A link in a message opens the page.
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/phone/", headers=link).status_code == 200


def test_the_local_network_reaches_the_upload_page_alone(
    start_app: StartApp, phones: Phones, token: str
) -> None:
    everything = start_app()
    lan = create_lan_app(create_phone_app(phones, PHONE_FILES), InboxApp(phones), ADDRESS)
    client = client_of(lan, PHONE, LAN_URL)
    bearer = {"authorization": f"Bearer {token}"}
    for method, path in routes_of(everything):
        response = client.request(method, path, headers=bearer)
        assert response.status_code == 404, (method, path)
    for path in ("/_stcore/health", "/_stcore/host-config", "/media/x", "/static/x", "/phone"):
        assert client.get(path, headers=bearer).status_code == 404, path
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://{ADDRESS}:8502{STREAM}"),
    ):
        pass
    page = client.get("/phone/")
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/phone/session", headers=bearer).status_code == 200


def test_the_listener_answers_to_its_address_alone(phones: Phones, token: str) -> None:
    lan = create_lan_app(create_phone_app(phones, PHONE_FILES), InboxApp(phones), ADDRESS)
    bearer = {"authorization": f"Bearer {token}"}
    for host in ("evil.example", "localhost:8502", "127.0.0.1", "192.168.1.6", f"{ADDRESS}.nip.io"):
        client = client_of(lan, LOOPBACK, f"http://{host}")
        assert client.get("/phone/session", headers=bearer).status_code == 403, host
    client = client_of(lan, PHONE, LAN_URL)
    for origin in ("http://evil.example", "http://localhost:8501", f"http://{ADDRESS}"):
        response = client.get("/phone/session", headers=bearer | {"origin": origin})
        assert response.status_code == 403, origin


def test_a_code_of_a_visitor_reaches_that_visitor_s_library(
    start_app: StartApp, tmp_path: Path, temple: bytes, shared_settings: Settings
) -> None:
    visitors = Visitors(shared_settings)
    anna, ben = "a" * 64, "b" * 64
    phones = Phones(tmp_path / "codes", visitors.services, Clock())
    _, token = phones.codes.make(anna, 900)
    bearer = {"authorization": f"Bearer {token}"}
    shared = start_app(mode="shared", visitors=tmp_path / "others")
    client = client_of(with_phones(shared, phones), PHONE)
    page = client.get("/phone/")
    assert "set-cookie" not in page.headers
    assert client.get("/phone/session", headers=bearer).status_code == 200
    assert not visitors.has_library(anna)
    # The phone has a library of its own on this server, by a cookie; the code decides.
    assert client.get("/").cookies
    listed = {"files": [{"path": "a.jpg", "size": len(temple)}]}
    upload = client.post("/phone/uploads", json=listed, headers=bearer).json()
    answer = client.put(f"/phone/uploads/{upload['id']}/files/0", content=temple, headers=bearer)
    assert answer.status_code == 200
    services = visitors.services(anna)
    assert services.jobs.job(upload["id"]).wait(60)
    assert services.library.count() == 1
    assert not visitors.has_library(ben)
    for method, path in routes_of(shared):
        if path not in OPEN and path.startswith("/api/") and "docs" not in path:
            response = client.request(method, path, headers=bearer)
            assert response.status_code == 401, (method, path)
    visitors.close()


def test_a_visitor_s_quota_holds_for_phones(
    start_app: StartApp, tmp_path: Path, temple: bytes, shared_settings: Settings
) -> None:
    max_bytes = len(temple) + 100_000
    visitors = Visitors(shared_settings.model_copy(update={"visitor_max_bytes": max_bytes}))
    phones = Phones(tmp_path / "codes", visitors.services, Clock())
    _, token = phones.codes.make("a" * 64, 900)
    app = with_phones(start_app(mode="shared", visitors=tmp_path / "others"), phones)
    client = client_of(app, PHONE)
    files = {"files": [{"path": f"{n}.jpg", "size": len(temple)} for n in range(2)]}
    bearer = {"authorization": f"Bearer {token}"}
    response = client.post("/phone/uploads", json=files, headers=bearer)
    assert response.status_code == 413
    assert response.json()["type"] == "urn:scene-gallery:quota_exceeded"
    visitors.close()
