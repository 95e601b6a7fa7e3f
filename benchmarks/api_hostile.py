"""What badly meant or broken clients do to the REST API, all at the same time.

Twenty senders that drip, hang or break off; uploads of 2 GB, announced and not; batches of 10,000
files; pictures that unpack to gigapixels, named .jpg; 1 GB of base64. Meanwhile `/api/health` is
asked ten times a second, and has to answer within a second throughout. Afterwards the server has
to classify as before, and nothing of what was sent may lie on the disk.

    python -m benchmarks.api_hostile

Prints what each client was told, the slowest answer of `/api/health` and the most memory; exits 1
when something is not as it should be. Linux only.
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
_PIECE = bytes(1_000_000)
_PART = b'--x\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n\r\n'
_END = b"\r\n--x--\r\n"
_FORM = "multipart/form-data; boundary=x"


def head(path: str, content_type: str, length: int | None) -> bytes:
    """A request's head; without a length its body comes in chunks."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (f"POST /api{path} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}", size)
    return "\r\n".join((*lines, "Connection: close", "", "")).encode()


def chunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces as HTTP/1.1 chunks."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def told(port: int, first: bytes, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """Send, for as long as it is taken, and return the status and the body; 0 for none."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(first)
            for piece in pieces:
                connection.sendall(piece)
        with contextlib.suppress(OSError):
            while received := connection.recv(1_000_000):
                answer += received
    before, _, body = answer.partition(b"\r\n\r\n")
    return (int(before[9:12]) if before else 0), body


def large_file(field: bytes) -> Iterator[bytes]:
    """A form with one file of `LARGE_BYTES`."""
    yield _PART % (field, b"large.jpg")
    for _ in range(LARGE_BYTES // len(_PIECE)):
        yield _PIECE
    yield _END


def base64_json() -> Iterator[bytes]:
    """`JSON_BYTES` of base64 in one string."""
    yield b'{"images": ["'
    for _ in range(JSON_BYTES // len(_PIECE)):
        yield b"A" * len(_PIECE)
    yield b'"]}'


def png_bomb(side: int) -> bytes:
    """A PNG of side × side pixels of one colour, a few kilobytes."""
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
    """A small JPEG that says it has 65,500 × 65,500 pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


class Attack:
    """Everything that is sent, in threads of their own; `failures` says what went wrong."""

    def __init__(self, port: int) -> None:
        """Aim at a port."""
        self._port = port
        self.failures: list[str] = []

    def expect(self, what: str, status: int, *wanted: int) -> None:
        """Print what a client was told, and note what it should not have been."""
        print(f"  {what}: {status or 'no answer'}", flush=True)
        if status not in wanted:
            self.failures.append(f"{what}: {status}, not {wanted}")

    def drip(self, path: str) -> None:
        """Send a few bytes a second until the server has enough."""

        def pieces() -> Iterator[bytes]:
            yield _PART % (b"file" if path == "/predict" else b"files", b"slow.jpg")
            while True:
                time.sleep(0.5)
                yield b"slow"

        status, _ = told(self._port, head(path, _FORM, 1_000_000), pieces())
        # Whoever goes on sending may lose the answer to a closed connection.
        self.expect(f"dripping into {path}", status, 408, 0)

    def hang(self, path: str) -> None:
        """Send half of it, and then nothing."""
        half = iter([_PART % (b"files", b"half.jpg") + bytes(500_000)])
        status, _ = told(self._port, head(path, _FORM, 1_000_000), half)
        self.expect(f"hanging in {path}", status, 408)

    def break_off(self, path: str) -> None:
        """Go away in the middle, again and again."""
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self._port)) as connection:
                connection.sendall(head(path, _FORM, 1_000_000))
                connection.sendall(_PART % (b"files", b"half.jpg") + bytes(300_000))
                # Reset, not closed: nothing is left to read.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            time.sleep(0.5)

    def large(self, path: str, field: bytes, wanted: int) -> None:
        """Upload 2 GB: once without saying how much it is, once saying so."""
        form = chunked(large_file(field))
        status, _ = told(self._port, head(path, _FORM, None), form)
        self.expect(f"2 GB into {path}", status, wanted)
        length = LARGE_BYTES + len(_PART % (field, b"large.jpg")) + len(_END)
        status, _ = told(self._port, head(path, _FORM, length), large_file(field))
        # Refused before it is read, so the answer may be lost, as above.
        self.expect(
            f"2 GB into {path}, announced", status, *({wanted, 0} if wanted == 413 else {wanted})
        )

    def much_json(self) -> None:
        """Send 1 GB of base64: once without saying so, once saying so."""
        for name, pieces, length in (
            ("", chunked(base64_json()), None),
            (", announced", base64_json(), JSON_BYTES),
        ):
            first = head("/classify", "application/json", length)
            status, _ = told(self._port, first, pieces)
            self.expect(f"1 GB of base64{name}", status, 413, 0)

    def many_files(self, name: str, data: bytes) -> None:
        """Send 10,000 files in one batch and wait for the end."""
        parts = (_PART % (b"files", b"%d.jpg" % n) + data + b"\r\n" for n in range(FILES))
        body = b"".join(parts) + b"--x--\r\n"
        first = head("/predict/batch", _FORM, len(body))
        status, answer = told(self._port, first, iter([body]))
        self.expect(f"10,000 {name}", status, 200)
        results = json.loads(answer)["results"] if status == 200 else []
        if len(results) != FILES:
            self.failures.append(f"10,000 {name}: {len(results)} results")

    def bombs(self) -> None:
        """Send small files that claim to be large pictures."""
        for name, data in (("PNG", png_bomb(60_000)), ("JPEG", jpeg_bomb())):
            for _ in range(4):
                body = _PART % (b"file", b"bomb.jpg") + data + _END
                first = head("/predict", _FORM, len(body))
                status, _ = told(self._port, first, iter([body]))
                self.expect(f"{name} bomb of {len(data):,} bytes", status, 413, 415, 422)
            body = json.dumps({"images": [base64.b64encode(data).decode()]}).encode()
            first = head("/classify", "application/json", len(body))
            status, _ = told(self._port, first, iter([body]))
            self.expect(f"{name} bomb as base64", status, 400, 413)

    def all_at_once(self) -> None:
        """Do all of it, and wait for the end."""
        small = io.BytesIO()
        Image.effect_noise((48, 48), 60).convert("RGB").save(small, "JPEG")
        works: list[Callable[[], None]] = []
        for path in ("/predict", "/predict/batch"):
            works += [lambda path=path: self.drip(path)] * 4  # type: ignore[misc]
            works += [lambda path=path: self.hang(path)] * 3  # type: ignore[misc]
            works += [lambda path=path: self.break_off(path)] * 3  # type: ignore[misc]
        works += [
            lambda: self.large("/predict", b"file", 413),
            lambda: self.large("/predict/batch", b"files", 200),
            self.much_json,
            lambda: self.many_files("small photos", small.getvalue()),
            lambda: self.many_files("files that are no pictures", b"no picture"),
            self.bombs,
        ]
        with ThreadPoolExecutor(len(works)) as pool:
            done: list[Future[None]] = [pool.submit(work) for work in works]
        for future in done:
            future.result()


class Watch:
    """Asks for the server's health ten times a second, a new connection each."""

    def __init__(self, port: int) -> None:
        """Begin."""
        self._url = f"http://127.0.0.1:{port}/api/health"
        self.took_s: list[float] = []
        self.failures: list[str] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def end(self) -> None:
        """Ask no more."""
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._is_over.wait(0.1):
            began = time.perf_counter()
            try:
                urllib.request.urlopen(self._url, timeout=30).close()  # noqa: S310
            except (OSError, urllib.error.URLError) as error:
                self.failures.append(f"health: {error}")
            self.took_s.append(time.perf_counter() - began)


def peak_mb(process_id: int) -> float:
    """The most memory a process had, MB."""
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1000


def left_over(batches: Path) -> list[str]:
    """What lies there half a minute later, when what ended has expired."""
    for _ in range(60):
        left = [str(path.relative_to(batches)) for path in batches.rglob("*")]
        if not left:
            break
        time.sleep(1)
    return left


def main() -> int:
    """Attack, and print how the server took it."""
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
        failures += [f"left on the disk: {path}" for path in left[:5]]
        slowest, peak = max(watch.took_s), peak_mb(process_id)
    if slowest > MOST_HEALTH_S:
        failures.append(f"health took {slowest:.2f} s")
    print(
        f"{seconds:.0f} s of attack; /api/health asked {len(watch.took_s)} times, slowest answer "
        f"{slowest * 1000:.0f} ms; memory {before:.0f} MB before, {peak:.0f} MB at most"
    )
    print("\n".join(failures) or "All as it should be; it classifies, and nothing is left over.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
