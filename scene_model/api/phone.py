"""The upload page for phones and its routes: ``/phone/``, with a code instead of a cookie.

The same application is served beside the pages and, alone, by the listener in the local network.
The page and its files are public; every other route needs ``Authorization: Bearer TOKEN``.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from scene_model.api.access.guard import INBOX_PREFIX, PHONE_PREFIX, SameSiteGuard
from scene_model.api.access.security_headers import CONTENT_SECURITY_POLICY, SecurityHeaders
from scene_model.api.problem import problem_response
from scene_model.api.uploads import describe_upload, read_announced, receive_file
from scene_model.errors import InternalError, SceneError, UsageError
from scene_model.ingest.phone.codes import PhoneCode, PhoneCodes
from scene_model.ingest.phone.phone_uploads import PhoneLibrary, PhoneUploads
from scene_model.services import Services

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}

logger = logging.getLogger(__name__)


class PhoneAccess(Protocol):
    """What the routes need of the process: codes, uploads and the libraries they belong to."""

    @property
    def codes(self) -> PhoneCodes:
        """The codes."""

    @property
    def uploads(self) -> PhoneUploads:
        """The uploads of the codes."""

    def services(self, owner: str) -> Services:
        """Return the services of an owner, opened for storing."""

    def present(self, owner: str) -> AbstractContextManager[None]:
        """Keep an owner's library open for the duration of a request."""


_Handler = Callable[[Request, PhoneCode, PhoneLibrary], Awaitable[Response]]


def create_phone_app(access: PhoneAccess, files: Mapping[str, Path]) -> Starlette:
    """Create the application, to be mounted at `PHONE_PREFIX`.

    files: those of the page by the last part of their URL; "" is the page.
    """
    routes = [Route(f"/{name}", _file_route(path)) for name, path in files.items()]
    routes += [
        Route("/share", _lost_share, methods=["POST"]),
        Route("/session", _session(access)),
        Route("/uploads", _guarded(access, _announce(access)), methods=["POST"]),
        Route("/uploads/{id}", _guarded(access, _status(access))),
        Route("/uploads/{id}", _guarded(access, _cancel(access)), methods=["DELETE"]),
        Route("/uploads/{id}/end", _guarded(access, _end(access)), methods=["POST"]),
        Route(
            "/uploads/{id}/files/{number:int}", _guarded(access, _receive(access)), methods=["PUT"]
        ),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            SceneError: _scene_error,
            HTTPException: _no_route,
            Exception: _unexpected_error,
        },
    )
    app.router.redirect_slashes = False
    return app


def create_lan_app(phone_app: Starlette, inbox_app: ASGIApp, address: str) -> Starlette:
    """Wrap the applications for the listener on an address: nothing else is served there."""
    app = Starlette(
        routes=[
            Mount(PHONE_PREFIX, app=phone_app),
            Route(INBOX_PREFIX, inbox_app),
            Mount(INBOX_PREFIX, app=inbox_app),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(SameSiteGuard, allowed_hosts=frozenset({address})),
        ],
        exception_handlers={HTTPException: _no_route},
    )
    app.router.redirect_slashes = False
    return app


def _file_route(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def file(_: Request) -> Response:
        headers = {CONTENT_SECURITY_POLICY: _POLICY, "Cache-Control": "no-cache"}
        return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=headers)

    return file


async def _lost_share(_: Request) -> Response:
    """Answer photos that another app shared and no service worker took: the page explains."""
    return RedirectResponse(f"{PHONE_PREFIX}/?shared=lost", status_code=303)


def _guarded(access: PhoneAccess, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    """Require the token of a code in use, and open the library that it belongs to."""

    async def endpoint(request: Request) -> Response:
        code = _code_of(access, request)
        with access.present(code.owner):
            services = await run_in_threadpool(access.services, code.owner)
            return await handler(request, code, PhoneLibrary(services.uploads, services.jobs))

    return endpoint


def _code_of(access: PhoneAccess, request: Request) -> PhoneCode:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return access.codes.find(token.strip() if scheme.lower() == "bearer" else "")


def _answer(content: Any, status_code: int = 200) -> Response:
    return JSONResponse(content, status_code, headers={"Cache-Control": "no-store"})


def _session(access: PhoneAccess) -> Callable[[Request], Awaitable[Response]]:
    async def session(request: Request) -> Response:
        """Answer with the end of the code and the name under which the phone keeps its history."""
        code = _code_of(access, request)
        return _answer({"ends_at": code.ends_at, "library": access.codes.library_key(code.owner)})

    return session


def _announce(access: PhoneAccess) -> _Handler:
    async def announce(request: Request, code: PhoneCode, library: PhoneLibrary) -> Response:
        files = await read_announced(request)

        def begin() -> dict[str, Any]:
            job = access.uploads.announce(code.id, library, files)
            return describe_upload(library.uploads, job, with_files=True)

        return _answer(await run_in_threadpool(begin), 201)

    return announce


def _status(access: PhoneAccess) -> _Handler:
    async def status(request: Request, code: PhoneCode, library: PhoneLibrary) -> Response:
        """Progress; with ``after``, also the results of files without the first so many."""
        upload_id = request.path_params["id"]
        after, with_files = request.query_params.get("after"), request.query_params.get("files")
        if after is not None and not (after.isascii() and after.isdecimal()):
            raise UsageError(f"after: {after[:20]!r} is not a number.")

        def describe() -> dict[str, Any]:
            job = access.uploads.job(code, library, upload_id)
            body = describe_upload(library.uploads, job, with_files=with_files == "true")
            if after is not None:
                rows = access.uploads.results(library, upload_id, int(after))
                body["results"] = [
                    {"number": r.number, "state": r.state, "code": r.code, "message": r.message}
                    for r in rows
                ]
            body["waiting"] = job.progress().waiting
            return body

        return _answer(await run_in_threadpool(describe))

    return status


def _receive(access: PhoneAccess) -> _Handler:
    async def receive(request: Request, code: PhoneCode, library: PhoneLibrary) -> Response:
        """Receive one file; answers with the SHA-256 of what arrived."""
        upload_id, number = request.path_params["id"], request.path_params["number"]
        digest = hashlib.sha256()
        file_bytes = access.uploads.begin_file(code, library, upload_id, number)
        is_received = False
        try:
            is_received = await receive_file(request, library.uploads, upload_id, number, digest)
            access.uploads.require_accepted(code, upload_id, number)
        except BaseException:
            is_received = False
            raise
        finally:
            if not is_received:
                access.uploads.file_failed(code, file_bytes)
        return _answer({"number": number, "sha256": digest.hexdigest() if is_received else None})

    return receive


def _end(access: PhoneAccess) -> _Handler:
    async def end(request: Request, code: PhoneCode, library: PhoneLibrary) -> Response:
        """End an upload without the files that have not arrived."""
        job = access.uploads.job(code, library, request.path_params["id"])
        await run_in_threadpool(library.uploads.end, job.id)
        return _answer(describe_upload(library.uploads, job))

    return end


def _cancel(access: PhoneAccess) -> _Handler:
    async def cancel(request: Request, code: PhoneCode, library: PhoneLibrary) -> Response:
        """Cancel an upload; photos already in the library stay."""
        job = access.uploads.job(code, library, request.path_params["id"])
        await run_in_threadpool(job.cancel)
        return _answer(describe_upload(library.uploads, job))

    return cancel


def _scene_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, SceneError)  # noqa: S101 - registered for this type
    if error.http_status >= 500:
        logger.error("%s: %s", error.code, error.message)
    response = problem_response(error)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    detail = f"{request.method} {request.url.path[:200]} is not a route for phones."
    return problem_response(UsageError(detail), error.status_code)


def _unexpected_error(_: Request, error: Exception) -> Response:
    logger.exception("a request of a phone failed", exc_info=error)
    return problem_response(InternalError("Internal error; see the server's log."))
