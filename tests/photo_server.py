"""A web server of photos on this computer, which counts what is asked of it and can fail."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PhotoServer:
    """files: what it has, by path with the query. faults: by path, see `_Handler`. gets: paths."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, str] = {}
        self.gets: list[str] = []
        self.stop = threading.Event()
        self.base = ""

    def put(self, path: str, data: bytes) -> str:
        """Serve a file; returns its URL."""
        self.files[path] = data
        return self.base + path


class _Handler(BaseHTTPRequestHandler):
    photos: PhotoServer

    def do_GET(self) -> None:
        self.photos.gets.append(self.path)
        fault, data = self.photos.faults.get(self.path), self.photos.files.get(self.path)
        if fault == "hang":
            self.photos.stop.wait(30)
            self.close_connection = True
        elif fault is not None and fault.startswith("to "):
            self.send_response(302)
            self.send_header("Location", fault.removeprefix("to "))
            self.end_headers()
        elif fault is not None and fault.isdecimal():
            self.send_response(int(fault))
            self.end_headers()
        elif data is None:
            self.send_response(404)
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(data[: len(data) // 2] if fault == "truncate" else data)
            self.close_connection = fault == "truncate"

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that stop reading."""


@contextlib.contextmanager
def photo_server() -> Iterator[PhotoServer]:
    """Run a server while the block runs."""
    photos = PhotoServer()
    handler = type("Handler", (_Handler,), {"photos": photos})
    with _Server(("127.0.0.1", 0), handler) as server:
        photos.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield photos
        finally:
            photos.stop.set()
            server.shutdown()
            thread.join()
