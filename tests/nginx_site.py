"""A real nginx with the site of docs/deploy.md, with TLS."""

import datetime
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from scene_model.config import PROJECT_DIR
from tests.event_loop import run

HOST = "photos.example.org"


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


def documented_blocks() -> list[str]:
    """What docs/deploy.md gives for nginx: the site, and for several servers two additions."""
    page = (PROJECT_DIR / "docs" / "deploy.md").read_text(encoding="utf-8")
    return re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)


def replaced(site: str, replacements: Mapping[str, str]) -> str:
    """Replace what the site has exactly once."""
    for documented, here in replacements.items():
        assert site.count(documented) == 1, documented
        site = site.replace(documented, here)
    return site


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
def running_site(folder: Path, site: str) -> Iterator[Site]:
    """Run nginx with a documented site, on free ports and with a certificate of the test."""
    plain_port, port = free_ports(2)
    certificate, key = write_certificate(folder)
    here = replaced(
        site,
        {
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            f"/etc/letsencrypt/live/{HOST}/fullchain.pem": str(certificate),
            f"/etc/letsencrypt/live/{HOST}/privkey.pem": str(key),
        },
    )
    with nginx(write_configuration(folder, here)):
        made = Site(plain_port, port, ssl.create_default_context(cafile=certificate))
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
