"""A small S3 server of the tests: objects in memory, faults on demand, every GET counted.

Path-style addresses, no signatures checked. It knows what a batch asks for: GET with ranges and
conditions, HEAD, PUT with conditions, DeleteObjects and ListObjectsV2. As it answers any GET, it is
a web server too.
"""

import contextlib
import hashlib
import re
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

Fault = Literal["500", "503", "403", "hang", "truncate", "reset", "change"]
PutFault = Literal["500", "403", "lost", "changed"]
MODIFIED = 1_700_000_000.0


@dataclass
class S3Server:
    """Buckets of objects, and what is to go wrong with them.

    faults: by `BUCKET/KEY`, what happens to its next GETs; "change": the object has other bytes
    from then on. faults_forever: what happens to all of them. redirects: where else to look.
    gets, puts: how often each was sent. put_faults: what happens to the next PUTs; "lost": the
    object is written, and the answer does not arrive. delete_faults: objects that nobody may
    remove. marks: the metadata of objects. ignores_conditions: whether a PUT replaces any object.
    """

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    faults_forever: dict[str, Fault] = field(default_factory=dict)
    changes: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    put_faults: dict[str, deque[PutFault]] = field(default_factory=lambda: defaultdict(deque))
    delete_faults: set[str] = field(default_factory=set)
    marks: dict[str, dict[str, str]] = field(default_factory=dict)
    ignores_conditions: bool = False
    gets: Counter[str] = field(default_factory=Counter)
    puts: Counter[str] = field(default_factory=Counter)
    lists: int = 0
    page_size: int = 1_000
    hang_s: float = 30.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What a client reads from the environment to use this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_REGION": "us-east-1",
        }

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        start = f"{bucket}/"
        with self.lock:
            names = [name[len(start) :] for name in self.objects if name.startswith(start)]
        return sorted(name for name in names if name.startswith(prefix))

    def fault(self, name: str) -> Fault | None:
        with self.lock:
            self.gets[name] += 1
            if name in self.faults_forever:
                return self.faults_forever[name]
            fault = self.faults[name].popleft() if self.faults.get(name) else None
            if fault == "change":
                self.objects[name] = self.changes[name]
            return fault


@contextlib.contextmanager
def running_s3(port: int = 0) -> Iterator[S3Server]:
    """Serve until the block is left."""
    state = S3Server()

    class Handler(_Handler):
        server_state = state

    server = _Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def etag_of(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed, or have waited enough, close connections."""


class _Handler(BaseHTTPRequestHandler):
    server_state: S3Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments: Any) -> None:
        pass

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "list-type" in query:
            self._list({name: values[0] for name, values in query.items()})
            return
        if self.name in self.server_state.redirects:
            self._answer(302, b"", {"Location": self.server_state.redirects[self.name]})
            return
        fault = self.server_state.fault(self.name)
        if fault in ("500", "503", "403"):
            self._answer(int(fault), b"<Error><Code>InternalError</Code></Error>")
        elif fault == "hang":
            self.server_state.is_over.wait(self.server_state.hang_s)
            self.close_connection = True
        elif fault == "reset":
            self.close_connection = True
        else:
            self._object(with_body=True, truncated=fault == "truncate")

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        state, name = self.server_state, self.name
        with state.lock:
            present = state.objects.get(name)
            match, none_match = self.headers.get("If-Match"), self.headers.get("If-None-Match")
            fault = state.put_faults[name].popleft() if state.put_faults.get(name) else None
            fails = not state.ignores_conditions and (
                (none_match == "*" and present is not None)
                or (match is not None and (present is None or etag_of(present) != match))
            )
            if not fails and fault in (None, "lost", "changed"):
                state.objects[name] = b"other bytes" if fault == "changed" else data
                state.marks[name] = {
                    header.lower(): value
                    for header, value in self.headers.items()
                    if header.lower().startswith("x-amz-meta-")
                }
                state.puts[name] += 1
        if fault in ("500", "403"):
            self._answer(int(fault), b"<Error><Code>AccessDenied</Code></Error>")
        elif fault == "lost":
            self.close_connection = True
        elif fails:
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        else:
            self._answer(200, b"", {"ETag": etag_of(data)})

    def do_POST(self) -> None:
        """DeleteObjects: what clients send also for one object."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        bucket = self.name.rstrip("/")
        keys = [unescape(key) for key in re.findall("<Key>(.*?)</Key>", body, re.DOTALL)]
        deleted = ""
        with self.server_state.lock:
            for key in keys:
                if f"{bucket}/{key}" in self.server_state.delete_faults:
                    deleted += (
                        f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code>"
                        "<Message>Access Denied</Message></Error>"
                    )
                    continue
                self.server_state.objects.pop(f"{bucket}/{key}", None)
                deleted += f"<Deleted><Key>{escape(key)}</Key></Deleted>"
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _object(self, with_body: bool, truncated: bool = False) -> None:
        with self.server_state.lock:
            data = self.server_state.objects.get(self.name)
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
            return
        etag = etag_of(data)
        if self.headers.get("If-Match") not in (None, etag):
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        headers = {"ETag": etag, "Last-Modified": formatdate(MODIFIED, usegmt=True)}
        headers |= self.server_state.marks.get(self.name, {})
        status, body = 200, data
        if "Range" in self.headers:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            if not first:
                start, end = max(0, len(data) - int(last)), len(data)
            else:
                start, end = int(first), min(int(last) + 1 if last else len(data), len(data))
            if start >= len(data):
                self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
                return
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            status, body = 206, data[start:end]
        self._answer(status, body, headers, with_body, len(body) // 2 if truncated else None)

    def _list(self, query: dict[str, str]) -> None:
        state = self.server_state
        state.lists += 1
        bucket, prefix = self.name.rstrip("/"), query.get("prefix", "")
        after = query.get("continuation-token", query.get("start-after", ""))
        keys = [key for key in state.keys(bucket, prefix) if key > after]
        page, rest = keys[: state.page_size], keys[state.page_size :]
        contents = "".join(self._entry(bucket, key) for key in page)
        more = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if rest else ""
        self._answer(
            200,
            (
                '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
                f"<Name>{bucket}</Name><KeyCount>{len(page)}</KeyCount>"
                f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{more}{contents}"
                "</ListBucketResult>"
            ).encode(),
            {"Content-Type": "application/xml"},
        )

    def _entry(self, bucket: str, key: str) -> str:
        data = self.server_state.objects[f"{bucket}/{key}"]
        modified = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(MODIFIED))
        return (
            f"<Contents><Key>{escape(key)}</Key><LastModified>{modified}</LastModified>"
            f"<ETag>{escape(etag_of(data))}</ETag><Size>{len(data)}</Size></Contents>"
        )

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        with_body: bool = True,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True
