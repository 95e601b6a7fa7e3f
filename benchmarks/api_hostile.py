"""Load the REST API with many hostile and broken clients at the same time.

Twenty clients that send slowly, stop or disconnect; uploads of 2 GB with and without a
Content-Length; batches of 10,000 files; decompression bombs named .jpg; 1 GB of base64. Meanwhile
`/api/health` is requested ten times a second and must respond within a second. Afterwards the
server must classify as before, and no received file may remain on disk.

    python -m benchmarks.api_hostile

Prints the status of each request, the slowest response of `/api/health` and the peak memory; exits
with 1 at a failure. Linux only.
"""

import base64
import contextlib
import io
import json
import os
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from benchmarks.api_load import request_of, served
from scene_model.config import PROJECT_DIR

MOST_HEALTH_S = 1.0
LARGE_BYTES, JSON_BYTES, FILES = 2_000_000_000, 1_000_000_000, 10_000
_CHUNK = bytes(1_000_000)
_PART = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n\r\n'
_END = b"\r\n--x--\r\n"
_FORM = "multipart/form-data; boundary=x"


def head(path: str, content_type: str, length: int | None) -> bytes:
    """Build a request's head; without a length the body is sent with chunked encoding."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (f"POST /api{path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}", size)
    return "\r\n".join((*lines, "Connection: close", "", "")).encode()


def chunked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Encode byte strings as HTTP/1.1 chunks."""
    for chunk in chunks:
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def send(port: int, request_head: bytes, chunks: Iterator[bytes]) -> tuple[int, bytes]:
    """Send until the server closes the connection; returns status (0 for none) and body."""
    response = b""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request_head)
            for chunk in chunks:
                connection.sendall(chunk)
        with contextlib.suppress(OSError):
            while received := connection.recv(1_000_000):
                response += received
    response_head, _, body = response.partition(b"\r\n\r\n")
    return (int(response_head[9:12]) if response_head else 0), body


def large_file(field: bytes) -> Iterator[bytes]:
    """Yield a form with one file of `LARGE_BYTES`."""
    yield _PART % (field, b"large.jpg")
    for _ in range(LARGE_BYTES // len(_CHUNK)):
        yield _CHUNK
    yield _END


def base64_json() -> Iterator[bytes]:
    """Yield a JSON document with one base64 string of `JSON_BYTES`."""
    yield b'{"images": ["'
    for _ in range(JSON_BYTES // len(_CHUNK)):
        yield b"A" * len(_CHUNK)
    yield b'"]}'


def png_bomb(side: int) -> bytes:
    """Make a PNG of side × side pixels of one colour, a few kilobytes."""
    row = bytes(1 + side // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checked)

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def jpeg_bomb() -> bytes:
    """Make a small JPEG whose header declares 65,500 × 65,500 pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


class Attack:
    """Sends all hostile requests from separate threads; `failures` lists unexpected statuses."""

    def __init__(self, port: int) -> None:
        """Set the server's port."""
        self._port = port
        self.failures: list[str] = []

    def expect(self, request: str, status: int, *expected: int) -> None:
        """Print a status, and record a failure when it is not one of the expected ones."""
        print(f"  {request}: {status or 'no response'}", flush=True)
        if status not in expected:
            self.failures.append(f"{request}: {status}, expected {expected}")

    def drip(self, path: str) -> None:
        """Send a few bytes a second until the server times out."""

        def chunks() -> Iterator[bytes]:
            yield _PART % (b"file" if path == "/predict" else b"files", b"slow.jpg")
            while True:
                time.sleep(0.5)
                yield b"slow"

        status, _ = send(self._port, head(path, _FORM, 1_000_000), chunks())
        # A client that is still sending may lose the response when the connection is closed.
        self.expect(f"slow body to {path}", status, 408, 0)

    def hang(self, path: str) -> None:
        """Send half of a body and then nothing."""
        half = iter([_PART % (b"files", b"half.jpg") + bytes(500_000)])
        status, _ = send(self._port, head(path, _FORM, 1_000_000), half)
        self.expect(f"incomplete body to {path}", status, 408)

    def disconnect(self, path: str) -> None:
        """Reset the connection in the middle of a body, twenty times."""
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self._port)) as connection:
                connection.sendall(head(path, _FORM, 1_000_000))
                connection.sendall(_PART % (b"files", b"half.jpg") + bytes(300_000))
                # SO_LINGER with 0 s: close with a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.5)

    def large(self, path: str, field: bytes, expected: int) -> None:
        """Upload 2 GB, without and with a Content-Length."""
        form = chunked(large_file(field))
        status, _ = send(self._port, head(path, _FORM, None), form)
        self.expect(f"2 GB to {path}, chunked", status, expected)
        length = LARGE_BYTES + len(_PART % (field, b"large.jpg")) + len(_END)
        status, _ = send(self._port, head(path, _FORM, length), large_file(field))
        # Refused before the body is read, so the response may be lost, as above.
        statuses = {expected, 0} if expected == 413 else {expected}
        self.expect(f"2 GB to {path}", status, *statuses)

    def much_json(self) -> None:
        """Send 1 GB of base64, without and with a Content-Length."""
        for name, chunks, length in (
            (", chunked", chunked(base64_json()), None),
            ("", base64_json(), JSON_BYTES),
        ):
            request_head = head("/classify", "application/json", length)
            status, _ = send(self._port, request_head, chunks)
            self.expect(f"1 GB of base64{name}", status, 413, 0)

    def many_files(self, name: str, data: bytes) -> None:
        """Send 10,000 files in one batch and wait for the response."""
        parts = (_PART % (b"files", b"%d.jpg" % n) + data + b"\r\n" for n in range(FILES))
        body = b"".join(parts) + b"--x--\r\n"
        request_head = head("/predict/batch", _FORM, len(body))
        status, response = send(self._port, request_head, iter([body]))
        self.expect(f"10,000 {name}", status, 200)
        results = json.loads(response)["results"] if status == 200 else []
        if len(results) != FILES:
            self.failures.append(f"10,000 {name}: {len(results)} results")

    def bombs(self) -> None:
        """Send small files that decode to huge pictures."""
        for name, data in (("PNG", png_bomb(60_000)), ("JPEG", jpeg_bomb())):
            for _ in range(4):
                body = _PART % (b"file", b"bomb.jpg") + data + _END
                request_head = head("/predict", _FORM, len(body))
                status, _ = send(self._port, request_head, iter([body]))
                self.expect(f"{name} bomb of {len(data):,} bytes", status, 413, 415, 422)
            body = json.dumps({"images": [base64.b64encode(data).decode()]}).encode()
            request_head = head("/classify", "application/json", len(body))
            status, _ = send(self._port, request_head, iter([body]))
            self.expect(f"{name} bomb as base64", status, 400, 413)

    def all_at_once(self) -> None:
        """Run everything concurrently and wait for the end."""
        small = io.BytesIO()
        Image.effect_noise((48, 48), 60).convert("RGB").save(small, "JPEG")
        works: list[Callable[[], None]] = []
        for path in ("/predict", "/predict/batch"):
            works += [lambda path=path: self.drip(path)] * 4  # type: ignore[misc]
            works += [lambda path=path: self.hang(path)] * 3  # type: ignore[misc]
            works += [lambda path=path: self.disconnect(path)] * 3  # type: ignore[misc]
        works += [
            lambda: self.large("/predict", b"file", 413),
            lambda: self.large("/predict/batch", b"files", 200),
            self.much_json,
            lambda: self.many_files("small photos", small.getvalue()),
            lambda: self.many_files("files that are not pictures", b"no picture"),
            self.bombs,
        ]
        with ThreadPoolExecutor(len(works)) as pool:
            futures: list[Future[None]] = [pool.submit(work) for work in works]
        for future in futures:
            future.result()


class Watch:
    """Requests `/api/health` ten times a second, each time over a new connection."""

    def __init__(self, port: int) -> None:
        """Start the thread."""
        self._url = f"http://127.0.0.1:{port}/api/health"
        self.took_s: list[float] = []
        self.failures: list[str] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def end(self) -> None:
        """Stop the thread."""
        self._is_over.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._is_over.wait(0.1):
            began = time.perf_counter()
            try:
                urllib.request.urlopen(self._url, timeout=30).close()  # noqa: S310
            except (OSError, urllib.error.URLError) as error:
                self.failures.append(f"health: {error}")
            self.took_s.append(time.perf_counter() - began)


def peak_mb(process_id: int) -> float:
    """Peak resident memory of a process, MB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1000


def left_over(batches: Path) -> list[str]:
    """List the files that remain after up to a minute, when finished batches have expired."""
    for _ in range(60):
        left = [str(path.relative_to(batches)) for path in batches.rglob("*")]
        if not left:
            break
        time.sleep(1)
    return left


def main() -> int:
    """Run the attack and print the results."""
    os.environ["SCENE_BATCH_LIFETIME_S"] = "10"
    photo = (PROJECT_DIR / "tests" / "assets" / "china.jpg").read_bytes()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (port, process_id):
        before, watch, attack = peak_mb(process_id), Watch(port), Attack(port)
        began = time.perf_counter()
        attack.all_at_once()
        seconds = time.perf_counter() - began
        watch.end()
        failures = attack.failures + watch.failures
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request_of(photo, port))
            after = connection.recv(65_536)
        if not after.startswith(b"HTTP/1.1 200"):
            failures.append(f"afterwards: {after[:200]!r}")
        left = left_over(Path(folder) / "library" / "batches")
        failures += [f"left on disk: {path}" for path in left[:5]]
        slowest, peak = max(watch.took_s), peak_mb(process_id)
    if slowest > MOST_HEALTH_S:
        failures.append(f"health took {slowest:.2f} s")
    print(
        f"{seconds:.0f} s of attack; {len(watch.took_s)} requests of /api/health, slowest "
        f"{slowest * 1000:.0f} ms; memory {before:.0f} MB before, {peak:.0f} MB at most"
    )
    print(
        "\n".join(failures)
        or "No failure: the server still classifies, and no file is left on disk."
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
