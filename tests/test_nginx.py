"""The site for nginx of docs/deploy.md, run by a real nginx with TLS in front of a real server."""

import datetime
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from benchmarks.served import served
from scene_model.config import PROJECT_DIR
from tests.event_loop import run
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools

HOST = "photos.example.org"
_LARGER_THAN_NGINX_ALLOWS = 3_000_000  # by default it allows 1 MB


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Site:
    """The site as browsers reach it."""

    plain_port: int
    port: int
    trusted: ssl.SSLContext

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        is_plain: bool = False,
    ) -> Answer:
        port = self.plain_port if is_plain else self.port
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        reached = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.sock = (
            reached if is_plain else self.trusted.wrap_socket(reached, server_hostname=HOST)
        )
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def socket_status(self, origin: str, cookie: str) -> int:
        """Open the page's WebSocket from an origin; returns the status of the handshake."""

        async def handshake() -> int:
            try:
                async with connect(
                    f"wss://{HOST}:{self.port}/_stcore/stream",
                    host="127.0.0.1",
                    port=self.port,
                    ssl=self.trusted,
                    subprotocols=["streamlit"],  # type: ignore[list-item]
                    origin=origin,  # type: ignore[arg-type]
                    additional_headers={"Cookie": cookie},
                ):
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

        return run(handshake)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of the host that signs itself, and its key."""
    # Installed for the tests that need other programs only.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def documented_site(replacements: dict[str, str]) -> str:
    """The site of docs/deploy.md, with the addresses and files of this test."""
    page = (PROJECT_DIR / "docs" / "deploy.md").read_text(encoding="utf-8")
    (site,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    for documented, here in replacements.items():
        assert site.count(documented) == 1, documented
        site = site.replace(documented, here)
    return str(site)


def write_configuration(folder: Path, site: str) -> Path:
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{site}\n}}\n",
        encoding="utf-8",
    )
    return configuration


@contextmanager
def nginx(configuration: Path) -> Iterator[None]:
    path = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.fail("No nginx here. On Debian: apt-get install nginx. Or: make test.")
    command = [path, "-c", str(configuration), "-p", str(configuration.parent), "-e", "stderr"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    with (configuration.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def site_in_front_of_a_server(folder: Path, **settings: str) -> Iterator[Site]:
    plain_port, port = free_ports(2)
    certificate, key = write_certificate(folder)
    environment = {
        "SCENE_LIBRARY": str(folder / "library"),
        "SCENE_VISITORS": str(folder / "visitors"),
        "SCENE_ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
        "SCENE_TRUSTED_PROXIES": "127.0.0.1",
        "SCENE_WORKERS": "1",
    }
    with served(folder / "server.log", None, **environment | settings) as server:
        site = documented_site(
            {
                "server 127.0.0.1:8501;": f"server {server.address.removeprefix('http://')};",
                "listen 80;": f"listen 127.0.0.1:{plain_port};",
                "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
                f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(certificate),
                f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(key),
            }
        )
        with nginx(write_configuration(folder, site)):
            trusted = ssl.create_default_context(cafile=certificate)
            made = Site(plain_port, port, trusted)
            wait_for(made)
            yield made


def wait_for(site: Site) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert site.ask("GET", "/api/health").status == 200
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


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
