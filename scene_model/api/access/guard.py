"""Host and Origin checks: only pages of this server may use it, under its configured host names.

Covers every request, to pages and routes alike. A foreign site open in the same browser can
neither read nor change the library: its requests carry a foreign Origin, or, after DNS rebinding,
a foreign Host.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from scene_model.api.problem import problem_response
from scene_model.errors import UsageError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

API_PREFIX = "/api"


class SameSiteGuard:
    """ASGI middleware: refuses foreign hosts everywhere and foreign origins under ``/api``."""

    def __init__(
        self,
        app: ASGIApp,
        allowed_hosts: frozenset[str],
        allowed_origins: frozenset[str] = frozenset(),
    ) -> None:
        """Wrap an app.

        allowed_hosts: lower-case host names without ports. allowed_origins: further sites whose
        pages may use the API, such as ``https://example.org``.
        """
        self._app, self._allowed_hosts = app, allowed_hosts
        self._allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond 403; a path with a line break gets 404."""
        if scope["type"] in ("http", "websocket"):
            headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                await self._refuse(
                    UsageError(refusal, code="foreign_request"), scope, receive, send
                )
                return
            if scope["type"] == "http" and _has_line_break(str(scope["path"])):
                error = UsageError("The URL path contains a line break; no route of this API does.")
                await problem_response(error, 404)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> str | None:
        host = headers.get("host", "")
        if host_name(host) not in self._allowed_hosts:
            return (
                f"The host name {host_name(host)[:100]!r} is not allowed. Add it to "
                "SCENE_ALLOWED_HOSTS to allow it."
            )
        if not str(scope["path"]).startswith(API_PREFIX):
            return None  # Streamlit checks the Origin of its own handlers
        origin = headers.get("origin")
        if origin is not None and origin.lower() in self._allowed_origins:
            return None
        if origin is not None and origin.lower().partition("://")[2] != host.lower():
            return "The request comes from another site."
        if headers.get("sec-fetch-site", "").lower() in ("cross-site", "same-site"):
            return "The request comes from another site."
        return None

    @staticmethod
    async def _refuse(error: UsageError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": error.message})
            return
        await problem_response(error)(scope, receive, send)


def _has_line_break(path: str) -> bool:
    """Whether an API path has a line break; Starlette's patterns do not match those."""
    return path.startswith(API_PREFIX) and "\n" in path


def host_name(host: str) -> str:
    """Remove the port from a Host header: ``[::1]:8501`` → ``[::1]``."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower()
