"""A server with tokens wants one from everybody, also where a proxy speaks from loopback."""

import pytest

from scene_model.visitors.tokens import new_token
from tests.security.conftest import StartApp, client_of

TOKEN, ENTRY = new_token("phone")
BEARER = {"authorization": f"Bearer {TOKEN}"}
OPEN = ("/api/health", "/api/models", "/api/docs", "/api/openapi.json")
FORWARDING = [
    {"forwarded": "for=192.0.2.7"},
    {"via": "1.1 proxy"},
    {"x-real-ip": "192.0.2.7"},
    {"x-forwarded-for": "192.0.2.7"},
    {"x-forwarded-proto": "https"},
    {"x-forwarded-host": "photos.example"},
    {"x-forwarded-server": "proxy"},
]


def test_with_tokens_loopback_needs_one(start_app: StartApp) -> None:
    app = start_app(api_tokens=ENTRY)
    for path in ("/", "/api/photos"):
        response = client_of(app).get(path)
        assert response.status_code == 401
        assert "SCENE_TRUST_LOOPBACK=true" in response.json()["detail"]
        assert client_of(app).get(path, headers=BEARER).status_code == 200
    for path in OPEN:
        assert client_of(app).get(path).status_code == 200


def test_loopback_may_be_trusted(start_app: StartApp) -> None:
    client = client_of(start_app(api_tokens=ENTRY, trust_loopback=True))
    assert client.get("/").status_code == 200
    assert client.get("/api/photos").status_code == 200
    for headers in FORWARDING:
        assert client.get("/api/photos", headers=headers).status_code == 401


@pytest.mark.parametrize("headers", FORWARDING)
def test_without_tokens_forwarded_requests_are_refused(
    start_app: StartApp, headers: dict[str, str]
) -> None:
    client = client_of(start_app())
    assert client.get("/").status_code == 200
    for path in ("/", "/api/photos"):
        response = client.get(path, headers=headers)
        assert response.status_code == 401
        for setting in ("SCENE_API_TOKENS", "SCENE_MODE=shared"):
            assert setting in response.json()["detail"]
        # There is no password that a browser could ask for.
        assert response.headers["www-authenticate"] == "Bearer"
    for path in OPEN:
        assert client.get(path, headers=headers).status_code == 200


def test_visitors_of_a_shared_server_need_no_token(start_app: StartApp) -> None:
    client = client_of(start_app(mode="shared", api_tokens=ENTRY))
    assert client.get("/", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 200
    assert client.get("/api/photos").status_code == 200
