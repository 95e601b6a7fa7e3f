"""A server on this computer that speaks the files API of Hugging Face, and can fail."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """files: by name, of the one repository that it has. gets: path and range of each request.

    faults: by name of a file, see `_Handler`. info: changes of the answer that lists the files.
    """

    def __init__(self, repository: str) -> None:
        self.repository, self.base = repository, ""
        self.files: dict[str, bytes] = {}
        self.lfs: set[str] = set()
        self.faults: dict[str, str] = {}
        self.info: dict[str, Any] = {"cardData": {"license": "apache-2.0"}}
        self.gets: list[tuple[str, str | None]] = []
        self.headers: list[dict[str, str]] = []

    def add_folder(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                self.files[name] = path.read_bytes()
                if name.endswith(".onnx"):
                    self.lfs.add(name)

    @property
    def fetched(self) -> list[tuple[str, str | None]]:
        """Names and ranges of the files that were asked for."""
        start = f"/{self.repository}/resolve/{COMMIT}/"
        return [
            (path.removeprefix(start), part) for path, part in self.gets if path.startswith(start)
        ]

    def listing(self) -> dict[str, Any]:
        return {
            "id": self.repository,
            "sha": COMMIT,
            "siblings": [self._sibling(name, data) for name, data in self.files.items()],
            **self.info,
        }

    def _sibling(self, name: str, data: bytes) -> dict[str, Any]:
        sibling: dict[str, Any] = {"rfilename": name, "size": len(data)}
        git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
        if name in self.lfs:
            digest = hashlib.sha256(data).hexdigest()
            return sibling | {"blobId": "0" * 40, "lfs": {"sha256": digest, "size": len(data)}}
        return sibling | {"blobId": git.hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    """Faults: a status; ``to URL``; ``cut`` once at half; ``other`` bytes; ``whole``, no parts."""

    hub: Hub

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.gets.append((path, self.headers.get("Range")))
        hub.headers.append(dict(self.headers))
        if path == f"/api/models/{hub.repository}/revision/main":
            self._answer(200, json.dumps(hub.listing()).encode())
            return
        name = path.removeprefix(f"/{hub.repository}/resolve/{COMMIT}/")
        fault, data = hub.faults.get(name, ""), hub.files.get(name)
        if fault.startswith("to "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("to "))
            self.end_headers()
        elif fault.isdecimal() or data is None:
            self._answer(int(fault or 404), b"no")
        else:
            self._send_file(name, data, fault)

    def _send_file(self, name: str, data: bytes, fault: str) -> None:
        if fault == "other":
            data = bytes(len(data))
        start = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        if start and fault != "whole":
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            data = data[int(start) :]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault == "cut":
            self.hub.faults[name] = ""
            data = data[: len(data) // 2]
            self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def hub_server(repository: str = "org/vit-tiny") -> Iterator[Hub]:
    """Run a hub while the block runs."""
    hub = Hub(repository)
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
