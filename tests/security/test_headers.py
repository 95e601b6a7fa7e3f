"""Every answer restricts what a page may load and who may frame it."""

import base64
import hashlib
import re

import httpx2 as httpx
import pytest
from starlette.applications import Starlette

from scene_model.api.access.security_headers import script_hashes
from scene_model.visitors.tokens import new_token
from tests.security.conftest import StartApp, client_of

EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def policy_of(response: httpx.Response) -> dict[str, list[str]]:
    """The directives of a response's policy."""
    (policy,) = response.headers.get_list("content-security-policy")
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


def check(response: httpx.Response) -> None:
    assert EXPECTED.items() <= dict(response.headers).items()
    policy = policy_of(response)
    for name in ("frame-ancestors", "object-src"):
        assert policy[name] == ["'none'"], name
    for name in ("default-src", "base-uri", "form-action"):
        assert policy[name] == ["'self'"], name
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "'unsafe-eval'" not in policy["script-src"]
    assert not any("*" in value or "://" in value for value in policy["img-src"])


@pytest.fixture
def app(start_app: StartApp) -> Starlette:
    return start_app(api_tokens=new_token("phone")[1], trust_loopback=True)


def test_every_answer_has_them(app: Starlette) -> None:
    client = client_of(app)
    for path, headers, status in (
        ("/", {}, 200),
        ("/api/health", {}, 200),
        ("/api/photos", {}, 200),
        ("/api/photos", {"x-forwarded-for": "192.0.2.7"}, 401),
        ("/", {"origin": "http://evil.example"}, 403),
        ("/", {"host": "evil.example; script-src *"}, 403),
        ("/nothing", {}, 404),
        ("/fails", {}, 500),
    ):
        response = client.get(path, headers=headers)
        assert response.status_code == status, path
        check(response)
    assert "secret" not in client.get("/fails").text


def test_websockets_of_the_own_host_are_allowed(app: Starlette) -> None:
    own = ["'self'", "ws://localhost:8501", "wss://localhost:8501"]
    assert policy_of(client_of(app).get("/"))["connect-src"] == own
    for host in ("x; script-src *", "x;sandbox"):
        foreign = client_of(app).get("/", headers={"host": host})
        assert policy_of(foreign)["connect-src"] == ["'self'"]
        assert "sandbox" not in policy_of(foreign)


def test_the_api_documentation_may_run_its_own_script_alone(app: Starlette) -> None:
    response = client_of(app).get("/api/docs")
    check(response)
    (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy_of(response)["script-src"]


def test_only_inline_scripts_are_hashed() -> None:
    html = '<script src="a.js"></script><script type="module" src="b.js"></script>'
    assert script_hashes(html) == ()
    assert len(script_hashes(html + "<script>\n1\n</script><SCRIPT id='x'>2</SCRIPT>")) == 2
