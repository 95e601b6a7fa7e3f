"""Send three of each bomb of tests/security/bombs.py at once; measure what others notice.

A shared server. One visitor sends the bombs, over the API or as an upload of the page; another
sends an ordinary photo again and again, and a third client asks for /api/health. Memory is that of
the server and its decoders together (proportional set size). Linux only.

    python -m benchmarks.bombs [--way api|page]
"""

import argparse
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path

from benchmarks.fairness import Visitor
from benchmarks.served import Served, served
from scene_model.config import PROJECT_DIR
from scene_model.visitors.keys import COOKIE_NAME
from tests.security.bombs import BOMBS

LIMIT_BYTES, LEFT_BYTES, PHOTO_S, HEALTH_S = 1_200_000_000, 150_000_000, 3.0, 1.0
_EACH, _SETTLE_S = 3, 10


class Sender:
    """A client with a visitor's cookie that classifies over the API."""

    def __init__(self, server: Served) -> None:
        """Get the cookie."""
        self._address = server.address
        with urllib.request.urlopen(server.address, timeout=60) as response:  # noqa: S310
            cookies = SimpleCookie(response.headers["Set-Cookie"])
        self._cookie = f"{COOKIE_NAME}={cookies[COOKIE_NAME].value}"

    def predict(self, data: bytes) -> int:
        """Send one photo; returns the HTTP status."""
        boundary = uuid.uuid4().hex
        head = (
            f"--{boundary}\r\nContent-Disposition: form-data; name=file; filename=a\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        request = urllib.request.Request(  # noqa: S310
            f"{self._address}/api/predict",
            head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
            {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Cookie": self._cookie,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=600) as response:  # noqa: S310
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code


def tree_bytes(root: int) -> int:
    """Return the proportional set size of a process and its descendants, in bytes."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])
    total = 0
    for process in parents:
        ancestor: int | None = process
        while ancestor and ancestor != root:
            ancestor = parents.get(ancestor)
        if ancestor == root:
            try:
                rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            except OSError:
                continue
            total += int(rollup.split("Pss:")[1].split()[0]) * 1024
    return total


def measure(server: Served, way: str) -> bool:
    """Send the bombs and print what others noticed; True when every limit held."""
    photo = (PROJECT_DIR / "tests" / "assets" / "china.jpg").read_bytes()
    bombs = {name: make() for name, make in BOMBS.items()}
    hostile, honest = Sender(server), Sender(server)
    for _ in range(5):
        honest.predict(photo)
    before = tree_bytes(server.process_id)
    peak, photos, health = before, list[float](), list[float]()
    is_over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_over.is_set():
            peak = max(peak, tree_bytes(server.process_id))
            time.sleep(0.05)

    def ask(times: list[float], request: str) -> None:
        while not is_over.is_set():
            began = time.perf_counter()
            if request == "photo":
                if honest.predict(photo) != 200:
                    raise RuntimeError("the honest visitor's photo was refused")
            else:
                with urllib.request.urlopen(f"{server.address}/api/health", timeout=60) as answer:  # noqa: S310
                    answer.read()
            times.append(time.perf_counter() - began)
            time.sleep(0.1)

    watchers = [
        threading.Thread(target=watch),
        threading.Thread(target=ask, args=(photos, "photo")),
        threading.Thread(target=ask, args=(health, "health")),
    ]
    for watcher in watchers:
        watcher.start()
    began = time.perf_counter()
    files = [(name, data) for name, data in bombs.items() for _ in range(_EACH)]
    if way == "api":
        with ThreadPoolExecutor(len(files)) as pool:
            statuses = list(pool.map(hostile.predict, [data for _, data in files]))
        by_bomb = {name: Counter[int]() for name in bombs}
        for (name, _), status in zip(files, statuses, strict=True):
            by_bomb[name][status] += 1
        for name, counts in by_bomb.items():
            print(f"  {name:20} {dict(counts)}")
        is_clean = not any(status >= 500 for status in statuses)
    else:
        is_clean = _upload(Visitor(server), files)
    took = time.perf_counter() - began
    is_over.set()
    for watcher in watchers:
        watcher.join()
    time.sleep(_SETTLE_S)
    after = tree_bytes(server.process_id)
    print(
        f"{len(files)} bombs over the {way} in {took:.1f} s\n"
        f"meanwhile: {len(photos)} photos of another visitor, at most {max(photos):.2f} s each; "
        f"{len(health)} requests for /api/health, at most {max(health):.2f} s\n"
        f"memory: before {before / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB, {_SETTLE_S} s after "
        f"{after / 1e6:.0f} MB"
    )
    return (
        is_clean
        and peak <= LIMIT_BYTES
        and after - before <= LEFT_BYTES
        and max(photos) <= PHOTO_S
        and max(health) <= HEALTH_S
    )


def _upload(visitor: Visitor, files: list[tuple[str, bytes]]) -> bool:
    """Send the bombs as one upload, four at a time, as the page does; True when it ended."""
    # The same bytes twice would be classified once.
    sent = [(f"{n}-{name}", data + bytes([n])) for n, (name, data) in enumerate(files)]
    upload = visitor.create_upload(sent)

    def send(number: int) -> None:
        visitor.request("PUT", f"/{upload}/files/{number}", sent[number][1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(len(sent))))
    while (progress := visitor.request("GET", f"/{upload}"))["state"] == "running":
        time.sleep(0.2)
    print(f"  {progress['state']}: {progress['done']} of {len(sent)} files dealt with")
    return int(progress["done"]) == len(sent)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--way", choices=("api", "page"), default="api")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as work,
        served(SCENE_MODE="shared", SCENE_VISITORS=work) as server,
    ):
        return 0 if measure(server, options.way) else 1


if __name__ == "__main__":
    sys.exit(main())
