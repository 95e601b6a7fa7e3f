"""The rate limit counts new visitors, and clients behind proxies by their real address."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR, unknown_variables
from scene_model.errors import EXIT_DONE, EXIT_USAGE
from scene_model.visitors.keys import COOKIE_NAME
from scene_model.visitors.proxies import TrustedProxies
from tests.security.conftest import StartApp, client_of

STRANGER = ("192.0.2.7", 50_000)


@pytest.mark.parametrize("cookie", ["a=b", f"{COOKIE_NAME}=forged", ""])
def test_every_new_visitor_counts(start_app: StartApp, cookie: str) -> None:
    app = start_app(mode="shared", api_rate_per_minute=3)
    headers = {"cookie": cookie} if cookie else {}
    statuses = [client_of(app, STRANGER).get("/", headers=headers).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_pages_of_a_known_visitor_do_not_count(start_app: StartApp) -> None:
    visitor = client_of(start_app(mode="shared", api_rate_per_minute=3), STRANGER)
    assert [visitor.get("/").status_code for _ in range(6)] == [200] * 6


def statuses_behind_a_proxy(start_app: StartApp, forwarded_for: list[str]) -> list[int]:
    app = start_app(mode="shared", api_rate_per_minute=2, trusted_proxies="10.0.0.0/8")
    return [
        client_of(app, ("10.0.0.9", 1)).get("/", headers={"x-forwarded-for": text}).status_code
        for text in forwarded_for
    ]


def test_a_client_cannot_choose_its_address(start_app: StartApp) -> None:
    claimed = [f"198.51.100.{n}, 192.0.2.7" for n in range(4)]
    assert statuses_behind_a_proxy(start_app, claimed) == [200, 200, 429, 429]


def test_clients_behind_a_proxy_count_separately(start_app: StartApp) -> None:
    clients = [f"192.0.2.{n}" for n in range(4)]
    assert statuses_behind_a_proxy(start_app, clients) == [200] * 4


def test_without_trusted_proxies_the_headers_do_not_count(start_app: StartApp) -> None:
    app = start_app(mode="shared", api_rate_per_minute=2)
    headers = [{"x-forwarded-for": f"192.0.2.{n}"} for n in range(3)]
    statuses = [client_of(app, ("10.0.0.9", 1)).get("/", headers=h).status_code for h in headers]
    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7, 10.1.1.1", "192.0.2.7"),
        ("198.51.100.1,192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ("198.51.100.1, unknown", "10.0.0.9"),
        ("198.51.100.1, unknown, 10.1.1.1", "10.1.1.1"),
        ("", "10.0.0.9"),
    ],
)
def test_the_rightmost_untrusted_address(forwarded_for: str, client: str) -> None:
    proxies = TrustedProxies.read("127.0.0.1, 10.0.0.0/8, ::1")
    assert proxies.client_of("10.0.0.9", forwarded_for) == client
    assert proxies.client_of("192.0.2.1", forwarded_for) == "192.0.2.1"


@pytest.fixture
def restored_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Undo what `serve` does to its process."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    yield monkeypatch
    os.environ.clear()
    os.environ.update(before)


def test_serve_reads_no_header_of_an_untrusted_proxy(
    restored_environment: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {}
    restored_environment.setattr(uvicorn, "run", lambda *_, **given: options.update(given))
    restored_environment.setenv("SCENE_PORT", "18631")
    assert main(["serve"]) == EXIT_DONE
    assert options["proxy_headers"] is False
    for name in ("compose.yaml", "render.yaml", "Dockerfile"):
        assert "FORWARDED_ALLOW_IPS" not in (PROJECT_DIR / name).read_text(encoding="utf-8")
    (line,) = unknown_variables({"FORWARDED_ALLOW_IPS": "*"})
    assert "SCENE_TRUSTED_PROXIES" in line


@pytest.mark.parametrize("text", ["*", "proxy", "10.0.0.1/8"])
def test_proxies_that_cannot_be_read(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCENE_TRUSTED_PROXIES", text)
    assert main(["serve"]) == EXIT_USAGE
    assert f"SCENE_TRUSTED_PROXIES: '{text}'" in capsys.readouterr().err
