"""The WebDAV inbox over HTTP: ``/inbox/``, for apps on phones that send photos by WebDAV.

Only the listener in the local network serves it. Every request needs the inbox's password. WsgiDAV
answers what concerns names; files are received here, by the code of other uploads, since a WSGI
application cannot tell a body that was cut off from one without a declared size that has ended.
"""

import base64
import binascii
import hashlib
import io
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from scene_model.api.access.guard import INBOX_PREFIX
from scene_model.api.phone import PhoneAccess
from scene_model.api.problem import problem_response
from scene_model.api.request.body import stream_body
from scene_model.api.uploads import write_body
from scene_model.errors import (
    FileTooLarge,
    InboxError,
    InternalError,
    PhoneCodeError,
    RequestTooLarge,
    SceneError,
    UsageError,
)
from scene_model.ingest.inbox.inbox import Arrived, Inbox
from scene_model.ingest.phone.codes import CodeUse, PhoneCode
from scene_model.library.files.file_system import library_error
from scene_model.services import Services

_REALM = 'Basic realm="Scene Gallery inbox", charset="UTF-8"'
# What WsgiDAV answers. Every other method but PUT is refused, above all those that read.
_NAME_METHODS = frozenset(
    ("OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "HEAD", "MOVE", "DELETE", "LOCK", "UNLOCK")
)
_ALLOW = ", ".join(sorted({*_NAME_METHODS, "PUT"}))
_MAX_BODY_BYTES = 1_000_000
_NO_LIMIT = 2**62

logger = logging.getLogger(__name__)
WsgiApp = Callable[..., Iterator[bytes]]


class InboxApp:
    """ASGI application of all inboxes of one server."""

    def __init__(self, access: PhoneAccess) -> None:
        """Open none yet."""
        self._access = access
        self._lock = threading.Lock()
        self._dav_apps: dict[str, tuple[Inbox, WsgiApp]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except SceneError as error:
            if error.http_status >= 500:
                logger.error("%s: %s", error.code, error.message)
            response = problem_response(error)
            if response.status_code == 401:
                response.headers["WWW-Authenticate"] = _REALM
        except Exception:
            logger.exception("a request to an inbox failed")
            response = problem_response(InternalError("Internal error; see the server's log."))
        if request.headers.get("content-length", "0") != "0" and response.status_code >= 400:
            response.headers["Connection"] = "close"  # the rest of the body is not read
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        code = self._code_of(request)
        method = request.method
        if method != "PUT" and method not in _NAME_METHODS:
            detail = (
                "This is an inbox for photos: apps add files here, and nothing is read from it."
            )
            response = problem_response(UsageError(detail), 405)
            response.headers["Allow"] = _ALLOW
            return response
        with self._access.present(code.owner):
            services = await run_in_threadpool(self._access.services, code.owner)
            inbox = await run_in_threadpool(services.inboxes.of, code.id)
            if method == "PUT":
                return await self._receive(request, services, inbox)
            return await self._answer_by_wsgidav(request, code, inbox)

    async def _answer_by_wsgidav(self, request: Request, code: PhoneCode, inbox: Inbox) -> Response:
        if request.method == "PROPFIND" and request.headers.get("depth", "1").lower() == "infinity":
            return problem_response(UsageError("Ask for one folder at a time: Depth 0 or 1."), 403)
        target = unquote(request.headers.get("destination", ""))
        if not target.isprintable() or set(target) & set("?;"):
            # WsgiDAV would cut the name there.
            raise InboxError(
                f"{target[-60:]!r} has a character that is not allowed in names.",
                code="inbox_name_invalid",
            )
        body = await _small_body(request)
        dav_app = await run_in_threadpool(self._dav_app, code.id, inbox)
        return await run_in_threadpool(_call, dav_app, _environ(request, body, code))

    def _code_of(self, request: Request) -> PhoneCode:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        password = ""
        if scheme.lower() == "basic":
            try:
                text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
            except (binascii.Error, ValueError):
                text = ""
            password = text.partition(":")[2]
        try:
            return self._access.codes.find(password, CodeUse.INBOX)
        except PhoneCodeError as error:
            raise PhoneCodeError(
                "The password is not valid here. On the computer, open Classify, “From a phone”, "
                "“An app that sends by WebDAV”, and make a new one.",
            ) from error

    def _dav_app(self, code_id: str, inbox: Inbox) -> WsgiApp:
        # Imported late: few use it, and it takes a third of a second.
        from scene_model.api.inbox_resources import create_dav_app

        with self._lock:
            cached_inbox, dav_app = self._dav_apps.get(code_id, (None, None))
            if dav_app is None or cached_inbox is not inbox:
                dav_app = create_dav_app(inbox, INBOX_PREFIX)
                self._dav_apps[code_id] = inbox, dav_app
            return dav_app

    async def _receive(self, request: Request, services: Services, inbox: Inbox) -> Response:
        path = _path(request)
        if "content-range" in request.headers:
            raise UsageError("A file is sent whole; Content-Range is not supported.")
        if request.headers.get("if-none-match") == "*" and inbox.entries.get(path.strip("/")):
            return problem_response(UsageError(f"{path} is there already."), 412)
        length = request.headers.get("content-length", "")
        declared = int(length) if length.isascii() and length.isdecimal() else None
        max_bytes = await run_in_threadpool(inbox.begin_file, path, declared)
        written, digest, received = inbox.new_path(), hashlib.sha256(), 0

        def count(part_bytes: int) -> None:
            nonlocal received
            received += part_bytes
            if received > max_bytes:
                raise FileTooLarge(f"The file has more than {max_bytes:,} bytes, the limit.")
            services.library.require_space(part_bytes)

        with services.uploads.receive_slot():
            try:
                await write_body(request, written, _NO_LIMIT, count, digest)
                arrived = Arrived(written, received, digest.hexdigest())
                is_new = await run_in_threadpool(inbox.finish_file, path, arrived)
            except OSError as error:
                raise library_error(error, services.library.folder) from error
            finally:
                await run_in_threadpool(written.unlink, missing_ok=True)
        return Response(status_code=201 if is_new else 204)


def _path(request: Request) -> str:
    """Return the path inside the inbox, as sent, without WebDAV's slash at the end."""
    path: str = request.scope["path"]
    return path.removeprefix(INBOX_PREFIX).removeprefix("/")


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in stream_body(request):
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise RequestTooLarge(
                f"The request body is larger than the limit of {_MAX_BODY_BYTES:,} bytes."
            )
    return bytes(body)


def _environ(request: Request, body: bytes, code: PhoneCode) -> dict[str, Any]:
    """Return a request as WSGI describes it: text is UTF-8 read as Latin-1."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/{_path(request)}".encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": request.url.hostname or "",
        "SERVER_PORT": str(request.url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgidav.auth.user_name": code.id,
    }
    for name, value in request.headers.items():
        if name not in ("content-length", "content-type", "transfer-encoding", "authorization"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    if request.method == "PROPFIND":
        environ.setdefault("HTTP_DEPTH", "1")
    return environ


def _call(app: WsgiApp, environ: dict[str, Any]) -> Response:
    answer: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        answer[:] = [int(status.split(" ", 1)[0]), headers]

    content = b"".join(app(environ, start_response))
    status, headers = answer
    response = Response(content, status)
    for name, value in headers:
        if (
            name.lower() not in ("content-length", "connection", "date", "server")
            or name.lower() == "content-length"
            and environ["REQUEST_METHOD"] == "HEAD"
        ):
            response.headers[name] = value
    if environ["REQUEST_METHOD"] == "OPTIONS":
        response.headers["Allow"] = _ALLOW
    return response
