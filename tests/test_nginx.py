"""The site for nginx of docs/deploy.md, run by a real nginx with TLS in front of a real server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.served import served
from tests.nginx_site import HOST, Answer, Site, documented_blocks, replaced, running_site
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools

_LARGER_THAN_NGINX_ALLOWS = 3_000_000  # by default it allows 1 MB


@contextmanager
def site_in_front_of_a_server(folder: Path, **settings: str) -> Iterator[Site]:
    environment = {
        "SCENE_LIBRARY": str(folder / "library"),
        "SCENE_VISITORS": str(folder / "visitors"),
        "SCENE_ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
        "SCENE_TRUSTED_PROXIES": "127.0.0.1",
        "SCENE_WORKERS": "1",
    }
    with served(folder / "server.log", None, **environment | settings) as server:
        address = server.address.removeprefix("http://")
        site = replaced(documented_blocks()[0], {"server 127.0.0.1:8501;": f"server {address};"})
        with running_site(folder, site) as made:
            yield made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server for several visitors; three new ones of one address in an hour."""
    folder = tmp_path_factory.mktemp("site")
    settings = {"SCENE_MODE": "shared", "SCENE_MAX_NEW_VISITORS_PER_HOUR": "3"}
    with site_in_front_of_a_server(folder, **settings) as made:
        yield made


@pytest.fixture(scope="module")
def visit(site: Site) -> Answer:
    """The first page of a visitor."""
    claimed = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}
    return site.ask("GET", "/", headers=claimed)


@pytest.fixture(scope="module")
def cookie(visit: Answer) -> str:
    return str(visit.headers["Set-Cookie"]).partition(";")[0]


def test_unencrypted_requests_are_sent_on(site: Site) -> None:
    answer = site.ask("GET", "/gallery?q=beach", is_plain=True)
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://{HOST}/gallery?q=beach"


def test_cookies_are_those_of_an_encrypted_connection(visit: Answer) -> None:
    assert visit.status == 200
    assert str(visit.headers["Set-Cookie"]).startswith("__Host-scene_visitor=")
    assert "; Secure" in str(visit.headers["Set-Cookie"])
    assert visit.headers["Strict-Transport-Security"] == "max-age=31536000"
    policies = visit.headers.get_all("Content-Security-Policy")
    assert policies is not None
    assert len(policies) == 1


def test_the_socket_of_a_page(site: Site, cookie: str) -> None:
    assert site.socket_status(site.origin, cookie) == 101
    assert site.socket_status("https://evil.example", cookie) == 403
    assert site.socket_status(f"https://{HOST}", cookie) == 403, "another port is another site"


def test_an_upload_larger_than_nginx_allows_by_itself(site: Site, cookie: str) -> None:
    photo = encode(textured(64, 48, seed=1)) + bytes(_LARGER_THAN_NGINX_ALLOWS)
    files = json.dumps({"files": [{"path": "photo.jpg", "size": len(photo)}]}).encode()
    own = {"Cookie": cookie, "Origin": site.origin}
    upload = json.loads(site.ask("POST", "/api/uploads", files, own).body)["id"]
    sent = site.ask("PUT", f"/api/uploads/{upload}/files/0", photo, own)
    assert (sent.status, json.loads(sent.body)["arrived"]) == (200, True)


def test_clients_cannot_choose_their_address(site: Site, visit: Answer) -> None:
    assert visit.status == 200
    claimed = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(5)]
    claimed += [{"Forwarded": f"for=198.51.100.{number}"} for number in range(5)]
    statuses = [site.ask("GET", "/", headers=headers).status for headers in claimed]
    assert statuses == [200, 200] + [429] * 8, "with the first visit: three of this address"


def test_a_server_without_tokens_lets_nobody_in(tmp_path: Path) -> None:
    with site_in_front_of_a_server(tmp_path) as personal:
        refused = personal.ask("GET", "/api/photos")
        assert refused.status == 401
        assert "SCENE_API_TOKENS" in json.loads(refused.body)["detail"]
