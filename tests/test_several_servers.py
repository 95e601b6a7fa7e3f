"""Several servers behind one address, by the site for nginx of docs/deploy.md."""

import http.client
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from benchmarks.served import served
from scene_model.config import Settings
from scene_model.ingest.phone.codes import PhoneCodes
from scene_model.visitors.keys import owner_name
from scene_model.visitors.tokens import new_token
from tests.event_loop import run
from tests.nginx_site import (
    HOST,
    Answer,
    Site,
    documented_blocks,
    free_ports,
    replaced,
    running_site,
)
from tests.pictures import encode, textured

pytestmark = pytest.mark.tools

NAMES = ("a", "b")
COOKIE = "__Host-scene_visitor"


class Server:
    """One of the servers, with a token and a phone code of its own."""

    def __init__(self, folder: Path, name: str, port: int) -> None:
        self.name, self.visitors = name, folder / name / "visitors"
        self.token, entry = new_token(f"script-{name}", f"{name}.")
        self._log, self._stack = folder / f"{name}.log", ExitStack()
        self._settings = {
            "SCENE_SERVER_NAME": name,
            "SCENE_PORT": str(port),
            "SCENE_MODE": "shared",
            "SCENE_VISITORS": str(self.visitors),
            "SCENE_LIBRARY": str(folder / name / "library"),
            "SCENE_ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
            "SCENE_TRUSTED_PROXIES": "127.0.0.1",
            "SCENE_API_TOKENS": entry,
            "SCENE_WORKERS": "1",
        }
        self.visitors.mkdir(parents=True)
        settings = Settings(mode="shared", visitors=self.visitors, server_name=name)
        self.phone_token = PhoneCodes.of(settings).make(owner_name("test", name), 3600)[1]
        self.address = f"127.0.0.1:{port}"

    def start(self) -> None:
        self._stack.enter_context(served(self._log, None, **self._settings))

    def stop(self) -> None:
        self._stack.close()

    def owners(self) -> set[str]:
        return {path.name for path in (self.visitors / "libraries").iterdir()}

    def ask(self, path: str, cookie: str) -> Answer:
        """Ask the server itself, as a proxy that sends a request to the wrong one."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        headers = {"Cookie": cookie, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def socket_status(self, cookie: str) -> int:
        async def handshake() -> int:
            try:
                async with connect(
                    f"ws://{self.address}/_stcore/stream",
                    subprotocols=["streamlit"],  # type: ignore[list-item]
                    additional_headers={"Cookie": cookie},
                ):
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

        return run(handshake)


@dataclass(frozen=True)
class Visitor:
    """Somebody with a cookie and one photo."""

    site: Site
    cookie: str
    photo: bytes

    @property
    def server_name(self) -> str:
        return self.cookie.removeprefix(f"{COOKIE}=").partition(".")[0]

    @property
    def owner(self) -> str:
        return owner_name("visitor", self.cookie.split(".")[1])

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"Cookie": self.cookie, "Origin": self.site.origin}
        return self.site.ask(method, path, body, headers)

    def add_photo(self) -> None:
        files = {"files": [{"path": "photo.jpg", "size": len(self.photo)}]}
        upload = json.loads(self.ask("POST", "/api/uploads", json.dumps(files).encode()).body)["id"]
        assert self.ask("PUT", f"/api/uploads/{upload}/files/0", self.photo).status == 200
        deadline = time.monotonic() + 60
        while not json.loads(self.ask("GET", "/api/photos").body)["photos"]:
            assert time.monotonic() < deadline, "the photo is not in the library"
            time.sleep(0.05)

    @cached_property
    def original_url(self) -> str:
        (photo,) = json.loads(self.ask("GET", "/api/photos").body)["photos"]
        return str(photo["original_url"])


@dataclass(frozen=True)
class Group:
    """The servers, their site, and two visitors of each."""

    site: Site
    servers: dict[str, Server]
    visitors: list[Visitor]

    def other(self, visitor: Visitor) -> Server:
        (name,) = set(NAMES) - {visitor.server_name}
        return self.servers[name]


def site_of(servers: dict[str, Server]) -> str:
    """The nginx site of docs/deploy.md with the changes for several servers."""
    site, upstreams, stopped = documented_blocks()
    for name, documented in zip(NAMES, ("10.0.0.11:8501", "10.0.0.12:8501"), strict=True):
        assert upstreams.count(documented) == 2
        upstreams = upstreams.replace(documented, servers[name].address)
    (one_server,) = re.findall(r"^upstream scene_gallery {.*?^}\n", site, re.DOTALL | re.MULTILINE)
    return replaced(
        site,
        {
            one_server: upstreams,
            "proxy_pass http://scene_gallery;": "proxy_pass http://$scene_server;",
            "    }\n}\n": f"    }}\n{stopped}}}\n",
        },
    )


def new_visitor(site: Site, number: int) -> Visitor:
    page = site.ask("GET", "/")
    assert page.status == 200
    cookie = str(page.headers["Set-Cookie"]).partition(";")[0]
    return Visitor(site, cookie, encode(textured(48, 32, seed=number)))


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    folder = tmp_path_factory.mktemp("group")
    ports = free_ports(len(NAMES))
    servers = {name: Server(folder, name, port) for name, port in zip(NAMES, ports, strict=True)}
    with ExitStack() as stack:
        for server in servers.values():
            stack.callback(server.stop)
        with ThreadPoolExecutor() as threads:
            list(threads.map(Server.start, servers.values()))
        site = stack.enter_context(running_site(folder, site_of(servers)))
        visitors = [new_visitor(site, number) for number in range(4)]
        for visitor in visitors:
            visitor.add_photo()
        yield Group(site, servers, visitors)


def test_each_visitor_stays_on_one_server(group: Group) -> None:
    assert {visitor.server_name for visitor in group.visitors} == set(NAMES)
    for visitor in group.visitors:
        for _ in range(3):
            page = visitor.ask("GET", "/gallery")
            assert page.status == 200
            assert str(page.headers["Set-Cookie"]).startswith(f"{visitor.cookie};")
            assert visitor.ask("GET", visitor.original_url).body == visitor.photo
            # The other server refuses this cookie, as is tested below.
            assert group.site.socket_status(group.site.origin, visitor.cookie) == 101
        assert visitor.owner in group.servers[visitor.server_name].owners()
        assert visitor.owner not in group.other(visitor).owners()


def test_nobody_gets_photos_of_another_visitor(group: Group) -> None:
    for visitor in group.visitors:
        for other in group.visitors:
            answer = visitor.ask("GET", other.original_url)
            assert (answer.status == 200) is (other is visitor)
            assert (other.photo == answer.body) is (other is visitor)


def test_a_cookie_at_the_wrong_server_gets_nothing_and_stays(group: Group) -> None:
    for visitor in group.visitors:
        wrong = group.other(visitor)
        for path in ("/", "/gallery", "/api/photos", visitor.original_url):
            answer = wrong.ask(path, visitor.cookie)
            assert answer.status == 503
            assert json.loads(answer.body)["type"] == "urn:scene-gallery:visitor_elsewhere"
            assert "Set-Cookie" not in answer.headers
        assert wrong.socket_status(visitor.cookie) == 403
        right = group.servers[visitor.server_name]
        assert right.ask(visitor.original_url, visitor.cookie).body == visitor.photo
        assert right.socket_status(visitor.cookie) == 101


def test_a_cookie_with_the_name_of_another_server_is_forged(group: Group) -> None:
    for visitor in group.visitors:
        wrong = group.other(visitor)
        signed = visitor.cookie.partition(".")[2]
        for forged in (f"{COOKIE}={wrong.name}.{signed}", f"{COOKIE}={signed}"):
            assert wrong.ask(visitor.original_url, forged).status == 401
            page = wrong.ask("/", forged)
            assert str(page.headers["Set-Cookie"]).startswith(f"{COOKIE}={wrong.name}.")
            assert signed not in str(page.headers["Set-Cookie"])


def test_tokens_and_phone_codes_lead_to_their_server(group: Group) -> None:
    # A cookie of another server, as a browser on the phone may have, changes nothing.
    cookie = {"Cookie": group.visitors[0].cookie}
    for server in group.servers.values():
        before = server.owners()
        for headers in ({}, cookie, {}, cookie):
            token = headers | {"Authorization": f"Bearer {server.token}"}
            body = b'{"files": [{"path": "x.jpg", "size": 1}]}'
            assert group.site.ask("POST", "/api/uploads", body, token).status == 201
            phone = headers | {"Authorization": f"Bearer {server.phone_token}"}
            assert group.site.ask("GET", "/phone/session", headers=phone).status == 200
        assert owner_name("token", f"script-{server.name}") in server.owners() - before


def test_when_a_server_stops_the_others_go_on(group: Group) -> None:
    stopped = group.servers["a"]
    stopped.stop()
    for visitor in group.visitors:
        answer = visitor.ask("GET", visitor.original_url)
        if visitor.server_name == stopped.name:
            for path in ("/", "/api/photos", visitor.original_url):
                answer = visitor.ask("GET", path)
                assert answer.status == 503
                assert b"not running. They are still there" in answer.body
                assert "Set-Cookie" not in answer.headers
                assert group.site.socket_status(group.site.origin, visitor.cookie) == 503
        else:
            assert answer.body == visitor.photo
            assert group.site.socket_status(group.site.origin, visitor.cookie) == 101
    assert {new_visitor(group.site, 9).server_name for _ in range(4)} == {"b"}
    stopped.start()
    for visitor in group.visitors:
        assert visitor.ask("GET", visitor.original_url).body == visitor.photo
