"""Host and Origin checks: only pages of this server may use it, under its configured host names.

Covers every request and every WebSocket, to pages, Streamlit's own paths and the API alike. A
foreign site open in the same browser can neither read nor change the library: its requests carry a
foreign Origin, or, after DNS rebinding, a foreign Host. Nothing foreign reaches Streamlit: its own
check of a foreign WebSocket asks an outside server for this computer's address.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers

from scene_model.api.problem import problem_response
from scene_model.errors import UsageError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

API_PREFIX = "/api"
# The upload page for phones: it has codes of its own, and neither tokens nor cookies.
PHONE_PREFIX = "/phone"
# The WebDAV inbox, which only the listener in the local network serves.
INBOX_PREFIX = "/inbox"

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z._-]+)(:[0-9]{1,5})?")
_ANOTHER_SITE = "The request comes from another site."


class SameSiteGuard:
    """ASGI middleware: refuses foreign hosts and foreign origins."""

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: frozenset[str],
        allowed_origins: frozenset[str] = frozenset(),
    ) -> None:
        """Wrap an app.

        allowed_hosts: lower-case host names without ports. allowed_origins: further sites whose
        pages may use the API, such as ``https://example.org``; never with a cookie.
        """
        self._app, self._allowed_hosts = app, allowed_hosts
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond 403; a path with a line break gets 404."""
        if scope["type"] in ("http", "websocket"):
            refusal = self._refusal(scope, Headers(scope=scope))
            if refusal is not None:
                await self._refuse(
                    UsageError(refusal, code="foreign_request"), scope, receive, send
                )
                return
            if scope["type"] == "http" and _has_line_break(str(scope["path"])):
                error = UsageError("The URL path contains a line break; no route of this API does.")
                await problem_response(error, 404)(scope, receive, send)
                return
            scope = _cleaned(scope)
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        if len(headers.getlist("host")) > 1 or len(headers.getlist("origin")) > 1:
            return "The request has several Host or Origin headers."
        host = headers.get("host", "").lower()
        if host_name(host) not in self._allowed_hosts or not _HOST.fullmatch(host):
            return (
                f"The host name {host_name(host)[:100]!r} is not allowed. Add it to "
                "SCENE_ALLOWED_HOSTS to allow it."
            )
        is_api = str(scope["path"]).startswith(API_PREFIX)
        origin = headers.get("origin")
        if origin is not None:
            if is_api and origin.lower() in self._allowed_origins:
                return None
            if not is_own_origin(origin, host):
                return _ANOTHER_SITE
        is_foreign = headers.get("sec-fetch-site", "").lower() in ("cross-site", "same-site")
        # Other sites may link to a page; they may not load parts of it. A WebSocket has an Origin.
        may_be_foreign = not is_api and (
            origin is not None or headers.get("sec-fetch-mode", "").lower() == "navigate"
        )
        return _ANOTHER_SITE if is_foreign and not may_be_foreign else None

    @staticmethod
    async def _refuse(error: UsageError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": error.message})
            return
        await problem_response(error)(scope, receive, send)


def is_phone_path(path: str) -> bool:
    """Whether a path belongs to the upload page for phones, which checks its own codes."""
    return path.startswith(f"{PHONE_PREFIX}/")


def is_own_origin(origin: str, host: str) -> bool:
    """Whether an Origin is that of the Host header, with or without TLS: a proxy may end it."""
    return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def valid_host(headers: Headers) -> str | None:
    """Return the Host header in lower case; None when it is not a name or address with a port."""
    host = headers.get("host", "").lower()
    return host if _HOST.fullmatch(host) else None


def _cleaned(scope: Scope) -> Scope:
    """Lower-case Host and Origin, as browsers send them; drop the cookies of a foreign origin.

    Streamlit compares both literally.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    is_foreign = origin is not None and not is_own_origin(origin, headers["host"])
    cleaned = [
        (name, value.lower() if name in (b"host", b"origin") else value)
        for name, value in scope["headers"]
        if not (is_foreign and name == b"cookie")
    ]
    return {**scope, "headers": cleaned}


def _has_line_break(path: str) -> bool:
    """Whether an API path has a line break; Starlette's patterns do not match those."""
    return path.startswith(API_PREFIX) and "\n" in path


def host_name(host: str) -> str:
    """Remove the port from a Host header: ``[::1]:8501`` → ``[::1]``."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()
