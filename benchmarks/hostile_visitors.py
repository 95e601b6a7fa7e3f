"""Fill a shared server with hostile visitors and sockets while an honest visitor works.

The server may open as many files as --files says. Each hostile visitor comes from an address of its
own, as a botnet would, gets a cookie, and then asks for a page of photos, announces an upload that
never comes, or uploads a photo. Their sockets stay open and say nothing. Then one address sends
many requests that are refused. The honest visitor uploads, browses, searches and opens pages all
the time; not one of its requests may fail.

    python -m benchmarks.hostile_visitors [--visitors 500] [--sockets 300] [--refused 1000]
        [--files 1024]

Prints what the honest visitor got, files and memory of the server, and the size of its log; exits
with 1 at a failure. Linux only.
"""

import argparse
import asyncio
import collections
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from benchmarks.kill_ingest import made_photo
from benchmarks.served import Served, memory_mb, served
from scene_model.visitors.keys import COOKIE_NAME

HONEST_ADDRESS, LOUD_ADDRESS = "203.0.113.7", "198.51.100.66"
_MOST_LOG_BYTES = 200_000
_PARALLEL, _SETTLE_S = 8, 1.0


class Failed(Exception):
    """A request of the honest visitor was not answered as it should be."""


@dataclass
class Visitor:
    """A client with an address, as the reverse proxy tells it, and a cookie."""

    server: Served
    address: str
    cookie: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers of each request."""
        return {"X-Forwarded-For": self.address, "Cookie": self.cookie}

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request; returns status and body. A new cookie is kept."""
        host, port = self.server.address.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.request(method, path, body, self.headers())
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        cookies = SimpleCookie(response.headers.get("Set-Cookie", ""))
        if COOKIE_NAME in cookies:
            self.cookie = f"{COOKIE_NAME}={cookies[COOKIE_NAME].value}"
        return response.status, data

    def expect(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request that must succeed; returns the body."""
        status, data = self.request(method, path, body)
        if status not in (200, 201):
            raise Failed(f"{method} {path}: {status} {data[:200]!r}")
        return data

    def announce(self, size: int) -> tuple[int, str]:
        """Announce an upload of one file; returns the status and the upload's id."""
        body = json.dumps({"files": [{"path": "photo.jpg", "size": size}]}).encode()
        status, data = self.request("POST", "/api/uploads", body)
        return status, str(json.loads(data)["id"]) if status == 201 else ""

    def socket(self) -> connect:
        """Connect as a page does."""
        return connect(
            f"{self.server.address.replace('http', 'ws')}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=self.server.address,  # type: ignore[arg-type]
            additional_headers=self.headers(),
            open_timeout=30,
        )


@dataclass
class Honest:
    """What the honest visitor did, in seconds by kind, and what failed."""

    visitor: Visitor
    took_s: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    failures: list[str] = field(default_factory=list)
    uploaded: int = 0

    def work_once(self) -> None:
        """Open a page, upload a photo, browse and search."""
        for name, step in (
            ("page", self._open_page),
            ("upload", self._upload),
            ("browse", self._browse),
            ("search", self._search),
        ):
            began = time.monotonic()
            try:
                step()
            except (Failed, OSError, http.client.HTTPException, WebSocketException) as error:
                self.failures.append(f"{name}: {error!r}")
            self.took_s[name].append(time.monotonic() - began)

    def _open_page(self) -> None:
        self.visitor.expect("GET", "/")

        async def open_socket() -> None:
            async with self.visitor.socket():
                pass

        asyncio.run(open_socket())

    def _upload(self) -> None:
        # Another photo each time.
        photo = made_photo(self.uploaded)
        status, upload = self.visitor.announce(len(photo))
        if status != 201:
            raise Failed(f"an upload was refused with {status}")
        self.visitor.expect("PUT", f"/api/uploads/{upload}/files/0", photo)
        deadline = time.monotonic() + 60
        while json.loads(self.visitor.expect("GET", f"/api/uploads/{upload}"))["done"] < 1:
            if time.monotonic() > deadline:
                raise Failed("a photo was not tagged within a minute")
            time.sleep(0.1)
        self.uploaded += 1

    def _browse(self) -> None:
        page = json.loads(self.visitor.expect("GET", "/api/photos?limit=20"))
        if page["total"] != self.uploaded:
            raise Failed(f"{page['total']} photos instead of {self.uploaded}")
        for photo in page["photos"][:5]:
            self.visitor.expect("GET", photo["thumbnail_url"])

    def _search(self) -> None:
        query = quote("name:photo.jpg -is:edited")
        matches = json.loads(self.visitor.expect("GET", f"/api/photos?q={query}"))["total"]
        if matches != self.uploaded:
            raise Failed(f"{matches} matches instead of {self.uploaded}")


@contextmanager
def working(honest: Honest) -> Iterator[None]:
    """Let the honest visitor work during the block."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            honest.work_once()
            stop.wait(0.2)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def come(server: Served, number: int) -> tuple[Visitor, int]:
    """Make a hostile visitor, who sends a request; returns the visitor and the last status."""
    visitor = Visitor(server, f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}")
    try:
        status = visitor.request("GET", "/")[0]
        if status != 200:
            return visitor, status
        if number % 3 == 0:
            return visitor, visitor.request("GET", "/api/photos")[0]
        size = 200_000_000 if number % 3 == 1 else len(made_photo(number))
        status, upload = visitor.announce(size)
        if status == 201 and number % 3 == 2:
            photo = made_photo(number)
            return visitor, visitor.request("PUT", f"/api/uploads/{upload}/files/0", photo)[0]
        return visitor, status
    except OSError:
        return visitor, 0


class Sockets:
    """Idle sockets of hostile visitors, in a thread of their own."""

    def __init__(self, visitors: list[Visitor], count: int) -> None:
        """Connect so many, in turn for each visitor."""
        self.opened = self.refused = 0
        self._stop, self._ready = threading.Event(), threading.Event()
        self._visitors, self._count = visitors, count
        self._thread = threading.Thread(target=lambda: asyncio.run(self._hold()))
        self._thread.start()
        self._ready.wait(120)

    def close(self) -> None:
        """Close them all."""
        self._stop.set()
        self._thread.join()

    async def _hold(self) -> None:
        held = []
        for number in range(self._count):
            try:
                held.append(await self._visitors[number % len(self._visitors)].socket())
                self.opened += 1
            except (OSError, WebSocketException):
                self.refused += 1
        self._ready.set()
        await asyncio.to_thread(self._stop.wait)
        await asyncio.gather(*(socket.close() for socket in held), return_exceptions=True)


def open_files(process_id: int) -> int:
    """Count the open files of a process."""
    return len(list(Path(f"/proc/{process_id}/fd").iterdir()))


def attack(server: Served, visitors: int, sockets: int, refused: int) -> dict[str, object]:
    """Send all hostile visitors, sockets and refused requests; returns figures."""
    before_mb, most_files = memory_mb(server.process_id), 0
    statuses = collections.Counter[int]()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        hostile = list(pool.map(lambda number: come(server, number), range(visitors)))
        statuses.update(status for _, status in hostile)
        most_files = open_files(server.process_id)
        held = Sockets([visitor for visitor, _ in hostile], sockets)
        most_files = max(most_files, open_files(server.process_id))
        loud = Visitor(server, LOUD_ADDRESS)
        pages = collections.Counter(
            pool.map(lambda _: Visitor(server, loud.address).request("GET", "/")[0], range(refused))
        )
    time.sleep(_SETTLE_S)
    after_mb = memory_mb(server.process_id)
    held.close()
    return {
        "statuses of hostile visitors": dict(statuses),
        "sockets opened, refused": (held.opened, held.refused),
        "pages of one loud address": dict(pages),
        "open files": most_files,
        "memory, MB: before, after": (round(before_mb), round(after_mb)),
    }


def main() -> int:
    """Run the attack; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=500)
    parser.add_argument("--sockets", type=int, default=300)
    parser.add_argument("--refused", type=int, default=1_000)
    parser.add_argument("--files", type=int, default=1_024)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        settings = {
            "SCENE_MODE": "shared",
            "SCENE_VISITORS": f"{folder}/visitors",
            "SCENE_LIBRARY": f"{folder}/library",
            "SCENE_TRUSTED_PROXIES": "127.0.0.1",
        }
        with served(log, options.files, **settings) as server:
            honest = Honest(Visitor(server, HONEST_ADDRESS))
            honest.work_once()
            with working(honest):
                figures = attack(server, options.visitors, options.sockets, options.refused)
        log_bytes = log.stat().st_size
        ending = log.read_text(errors="replace")[-1_000:]
    for name, value in figures.items():
        print(f"{name}: {value}")
    for name, took_s in honest.took_s.items():
        median_s, longest_s = statistics.median(took_s), max(took_s)
        print(f"honest {name}: {len(took_s)} times, {median_s:.2f} s, at most {longest_s:.2f} s")
    print(f"log: {log_bytes:,} bytes")
    for failure in honest.failures[:20]:
        print(f"FAILED {failure}")
    if log_bytes > _MOST_LOG_BYTES:
        print(f"FAILED the log grew; its end:\n{ending}")
    return 1 if honest.failures or log_bytes > _MOST_LOG_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
