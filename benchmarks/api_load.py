"""Throughput of the REST API, compared with the Python classifier on the same machine.

A server process receives requests from 16 connections for the given time, with photos of 12
megapixels and of 150 pixels. In turns with it, a separate process classifies the same photos
without a server, in as many threads as the server has workers.

The client shares the processor with the server and therefore does little work: blocking sockets,
one thread per connection, requests built beforehand; of a response only the status and the length
are parsed.

    python -m benchmarks.api_load [--seconds 60] [--connections 16]

Prints throughput, ratio, latency, errors and memory; exits with 1 when a limit is exceeded.
"""

import argparse
import collections
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from benchmarks.photos import make_photos
from scene_model.config import PROJECT_DIR, Settings
from scene_model.model_files import open_classifier, open_decoders

SMALL_SIDE = 150
LEAST_RATIO = {"12 megapixels": 0.8, "150 pixels": 0.5}
MOST_GROWTH = 0.10
WARM_UP_S, ROUNDS = 10.0, 4
_BOUNDARY = b"benchmark"


def photos_of(kind: str) -> list[bytes]:
    """Return the photos of one kind, all different."""
    large = make_photos(PROJECT_DIR / "tests" / "assets")
    return large if kind == "12 megapixels" else [_small(data) for data in large]


def _small(data: bytes) -> bytes:
    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (SMALL_SIDE, SMALL_SIDE))
    picture.thumbnail((SMALL_SIDE, SMALL_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def alone(kind: str, seconds: float) -> float:
    """Photos per second without a server, with one thread per worker."""
    settings = Settings()
    classifier, photos = open_classifier(settings, open_decoders(settings)), photos_of(kind)
    for photo in photos[: 2 * settings.workers]:
        classifier.predict(photo)
    counts = [0] * settings.workers
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < end:
            classifier.predict(photos[(counts[number] * settings.workers + number) % len(photos)])
            counts[number] += 1

    began = time.perf_counter()
    _run(work, settings.workers)
    return sum(counts) / (time.perf_counter() - began)


def _run(work: Callable[[int], None], threads: int) -> None:
    started = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def alone_in_process(kind: str, seconds: float) -> float:
    """Run `alone` in a separate process, so that memory and threads are not shared."""
    command = [sys.executable, "-m", "benchmarks.api_load", "--alone", kind, "--seconds"]
    done = subprocess.run(
        [*command, str(seconds)], capture_output=True, text=True, check=True, cwd=PROJECT_DIR
    )
    return float(done.stdout)


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a server on a new library; yields its port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "scene_model", "serve", "--port", str(port)]
    environment = os.environ | {"SCENE_LIBRARY": str(folder / "library")}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=PROJECT_DIR, stdout=log, stderr=log
        )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health").close()  # noqa: S310
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit((folder / "server.log").read_text()) from None
                time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def resident_mb(process_id: int) -> float:
    """Resident memory of a process, MB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1000


@dataclass
class Responses:
    """Durations and statuses of the responses."""

    took_s: list[float] = field(default_factory=list)
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)

    def add(self, responses: "Responses") -> None:
        """Add the responses of a thread."""
        self.took_s += responses.took_s
        self.statuses.update(responses.statuses)


def request_of(photo: bytes, port: int) -> bytes:
    """Build the complete request for one photo."""
    body = (
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n--%b--\r\n" % (_BOUNDARY, photo, _BOUNDARY)
    )
    head = (
        f"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY.decode()}\r\n\r\n"
    )
    return head.encode() + body


def exchange(connection: socket.socket, request: bytes) -> int:
    """Send a request and read the complete response; returns the status."""
    connection.sendall(request)
    response = connection.recv(65_536)
    while b"\r\n\r\n" not in response:
        response += connection.recv(65_536)
    head, _, body = response.partition(b"\r\n\r\n")
    length = int(re.findall(rb"content-length: (\d+)", head)[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head[9:12])


def load(port: int, photos: list[bytes], seconds: float, connections: int) -> Responses:
    """Send requests over all connections for the given time, one at a time per connection."""
    requests = [request_of(photo, port) for photo in photos]
    responses, lock = Responses(), threading.Lock()
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        took, statuses = list[float](), collections.Counter[int]()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (began := time.perf_counter()) < end:
                status = exchange(
                    connection, requests[(len(took) * connections + number) % len(requests)]
                )
                took.append(time.perf_counter() - began)
                statuses[status] += 1
                if status == 429:
                    time.sleep(1)
        with lock:
            responses.add(Responses(took, statuses))

    _run(work, connections)
    return responses


def measure(kind: str, seconds: float, connections: int) -> bool:
    """Measure and print one kind of photo; True when every limit holds."""
    photos, responses, library = photos_of(kind), Responses(), list[float]()
    early = late = 0.0
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (port, process_id):
        load(port, photos, 2, connections)
        # In turns, so that other load on the machine affects both.
        for slice_s in (WARM_UP_S, *[(seconds - WARM_UP_S) / ROUNDS] * ROUNDS):
            library.append(alone_in_process(kind, slice_s / 2))
            responses.add(load(port, photos, slice_s, connections))
            late = resident_mb(process_id)
            early = early or late
    alone_rate = sum(library) / len(library)
    rate = responses.statuses[200] / seconds
    ratio, growth = rate / alone_rate, late / early - 1
    errors = sum(n for status, n in responses.statuses.items() if status not in (200, 429))
    took = sorted(responses.took_s)
    percentiles = [took[int(len(took) * share)] * 1000 for share in (0.5, 0.95, 0.99)]
    print(
        f"{kind}: without server {alone_rate:.1f} photos/s ({min(library):.1f} to "
        f"{max(library):.1f}), over REST {rate:.1f}, ratio {ratio:.0%} "
        f"(at least {LEAST_RATIO[kind]:.0%})"
    )
    print(
        f"  {len(took):,} responses, p50 {percentiles[0]:.0f} ms, p95 {percentiles[1]:.0f} ms, p99 "
        f"{percentiles[2]:.0f} ms; 429: {responses.statuses[429]}, other errors: {errors}"
    )
    print(
        f"  memory {early:.0f} MB after {WARM_UP_S:.0f} s, {late:.0f} MB at the end "
        f"({growth:+.1%})",
        flush=True,
    )
    return ratio >= LEAST_RATIO[kind] and not errors and growth <= MOST_GROWTH


def main() -> int:
    """Measure both kinds of photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--kind", choices=LEAST_RATIO, action="append")
    parser.add_argument("--alone", choices=LEAST_RATIO, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(alone(options.alone, options.seconds))
        return 0
    kinds = options.kind or list(LEAST_RATIO)
    holds = [measure(kind, options.seconds, options.connections) for kind in kinds]
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
