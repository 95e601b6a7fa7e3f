"""Cookies with TLS have a prefix that keeps neighbouring hosts from setting them."""

import base64

import pytest
from starlette.applications import Starlette

from scene_model.api.access.token_gate import SECURE_TICKET_COOKIE, TICKET_COOKIE
from scene_model.visitors.keys import COOKIE_NAME, SECURE_COOKIE_NAME
from scene_model.visitors.tokens import new_token
from tests.security.conftest import StartApp, client_of

PROXY, STRANGER = ("10.0.0.9", 50_000), ("192.0.2.7", 50_000)
HTTPS = {"x-forwarded-proto": "https"}


@pytest.fixture
def shared(start_app: StartApp) -> Starlette:
    return start_app(mode="shared", trusted_proxies="10.0.0.0/8")


def test_the_cookie_names() -> None:
    assert SECURE_COOKIE_NAME == "__Host-scene_visitor"
    assert SECURE_TICKET_COOKIE == "__Host-scene_ticket"


def test_only_a_trusted_proxy_says_that_there_is_tls(shared: Starlette) -> None:
    for at, headers, url, name in (
        (PROXY, HTTPS, "http://localhost", SECURE_COOKIE_NAME),
        (PROXY, {}, "http://localhost", COOKIE_NAME),
        (PROXY, {"x-forwarded-proto": "https, http"}, "http://localhost", COOKIE_NAME),
        (STRANGER, HTTPS, "http://localhost", COOKIE_NAME),
        (STRANGER, {}, "https://localhost", SECURE_COOKIE_NAME),
    ):
        cookie = client_of(shared, at, url).get("/", headers=headers).headers["set-cookie"]
        assert cookie.startswith(f"{name}=")
        assert cookie.endswith("; Secure") == (name == SECURE_COOKIE_NAME)
        assert "; Path=/; " in cookie
        assert "Domain" not in cookie


def test_a_cookie_of_before_is_accepted_and_replaced(shared: Starlette) -> None:
    value = client_of(shared).get("/").cookies[COOKIE_NAME]
    encrypted = client_of(shared, STRANGER, "https://localhost")
    response = encrypted.get("/api/photos", headers={"cookie": f"{COOKIE_NAME}={value}"})
    assert response.status_code == 200
    assert response.headers["set-cookie"].startswith(f"{SECURE_COOKIE_NAME}={value};")
    # Of two cookies, the one with the prefix decides.
    other = client_of(shared).get("/").cookies[COOKIE_NAME]
    both = f"{COOKIE_NAME}={other}; {SECURE_COOKIE_NAME}={value}"
    response = encrypted.get("/api/photos", headers={"cookie": both})
    assert response.headers["set-cookie"].startswith(f"{SECURE_COOKIE_NAME}={value};")


def test_the_ticket_of_a_token(start_app: StartApp) -> None:
    token, entry = new_token("phone")
    app = start_app(api_tokens=entry)
    password = "Basic " + base64.b64encode(f"me:{token}".encode()).decode()
    encrypted = client_of(app, STRANGER, "https://localhost")
    cookie = encrypted.get("/", headers={"authorization": password}).headers["set-cookie"]
    name, _, value = cookie.partition(";")[0].partition("=")
    assert name == SECURE_TICKET_COOKIE
    assert cookie.endswith("; Secure")
    for accepted in (SECURE_TICKET_COOKIE, TICKET_COOKIE):
        headers = {"cookie": f"{accepted}={value}"}
        client = client_of(app, STRANGER, "https://localhost")
        assert client.get("/api/photos", headers=headers).status_code == 200
