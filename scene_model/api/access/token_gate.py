"""Token authentication: requests from another computer need a token or a ticket cookie.

A program sends ``Authorization: Bearer TOKEN``. A browser prompts for a name and the token (HTTP
Basic) and gets a ticket cookie, because not every browser sends the password with a WebSocket. On
a shared server visitors need no token, each has a library; so has each token.
"""

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser

from scene_model.api.access.guard import API_PREFIX, ASGIApp, Receive, Scope, Send, host_name
from scene_model.api.problem import problem_response
from scene_model.errors import UsageError
from scene_model.visitors.keys import owner_name
from scene_model.visitors.tokens import Tokens

TICKET_COOKIE = "scene_ticket"
# Keys in the ASGI scope for the token's name and, on a shared server, the library's owner.
SCOPE_TOKEN_NAME, SCOPE_OWNER = "scene.token", "scene.owner"

# Public: they reveal nothing about photos. Monitoring requests the first.
_PUBLIC = frozenset({"/api/health", "/api/models", "/api/openapi.json", "/api/docs"})
_PUBLIC_FOLDER = "/api/docs-files/"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A request with one of these headers came through a proxy, so its origin is unknown.
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class TokenGate:
    """ASGI middleware: refuses requests from other computers without a valid token."""

    def __init__(self, app: ASGIApp, tokens: Tokens, is_shared: bool) -> None:
        """Wrap an app; is_shared: pass requests without a token on, for `VisitorCookie`."""
        self._app, self._tokens, self._is_shared = app, tokens, is_shared
        self._secret = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond 401."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        path = str(scope["path"])
        kind, token = _token_of(headers.get("authorization", ""))
        name = self._tokens.name_of(token) if token else None
        has_ticket = False
        if name is None:
            name = self._name_of_ticket(headers.get("cookie", ""))
            has_ticket = name is not None
        is_wrong = kind == "bearer" and token and (name is None or has_ticket)
        if is_wrong and path.startswith(API_PREFIX):
            message = "The token is not valid on this server (SCENE_API_TOKENS)."
            await self._refuse(UsageError(message, code="token_needed"), scope, receive, send)
            return
        if name is None and not self._is_open(scope, headers, path):
            await self._refuse(
                UsageError(_HOW_TO_AUTHENTICATE, code="token_needed"), scope, receive, send
            )
            return
        if name is not None:
            scope[SCOPE_TOKEN_NAME] = name
            if self._is_shared:
                scope[SCOPE_OWNER] = owner_name("token", name)
        is_page = not self._is_shared and not path.startswith(API_PREFIX)
        if name is not None and is_page and not has_ticket:
            send = self._with_ticket(name, scope, send)
        await self._app(scope, receive, send)

    def _is_open(self, scope: Scope, headers: Mapping[str, str], path: str) -> bool:
        is_public = path in _PUBLIC or path.startswith(_PUBLIC_FOLDER)
        return self._is_shared or is_public or is_on_this_computer(scope, headers)

    def _with_ticket(self, name: str, scope: Scope, send: Send) -> Send:
        secure = "; Secure" if scope.get("scheme") == "https" else ""

        async def send_with_ticket(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                ticket = f"{TICKET_COOKIE}={name}:{self._signature(name)}"
                flags = f"; Path=/; HttpOnly; SameSite=Lax{secure}"
                MutableHeaders(scope=message).append("Set-Cookie", ticket + flags)
            await send(message)

        return send_with_ticket

    def _name_of_ticket(self, cookie: str) -> str | None:
        if TICKET_COOKIE not in cookie:
            return None
        name, _, signature = cookie_parser(cookie).get(TICKET_COOKIE, "").partition(":")
        is_valid = hmac.compare_digest(signature.encode(), self._signature(name).encode())
        return name if is_valid and name in self._tokens.hashes else None

    def _signature(self, name: str) -> str:
        """Sign with this process's secret; tickets become invalid with it or with their token."""
        payload = f"{TICKET_COOKIE}:{name}:{self._tokens.hashes.get(name, '')}"
        return hmac.new(
            self._secret, payload.encode("utf-8", "replace"), hashlib.sha256
        ).hexdigest()

    @staticmethod
    async def _refuse(error: UsageError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401, "reason": "A token is needed."})
            return
        response = problem_response(error)
        is_api = str(scope["path"]).startswith(API_PREFIX)
        # Only for pages: "Basic" makes a browser prompt for the password.
        scheme = "Bearer" if is_api else 'Basic realm="Scene Gallery", charset="UTF-8"'
        response.headers["WWW-Authenticate"] = scheme
        await response(scope, receive, send)


_HOW_TO_AUTHENTICATE = (
    "Requests from another computer need a token. Whoever runs the server creates one with "
    "`python -m scene_model token NAME`. Send it as `Authorization: Bearer TOKEN`; in a browser, "
    "enter it as the password."
)


def is_on_this_computer(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a request was made on this computer and not forwarded by a proxy."""
    client = scope.get("client")
    if client is None or any(name in headers for name in _PROXY_HEADERS):
        return False
    if host_name(headers.get("host", "")) not in _LOOPBACK_NAMES:
        return False
    try:
        address = ipaddress.ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _token_of(authorization: str) -> tuple[str, str]:
    """Return the scheme and the token of an Authorization header; empty if there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return "bearer", value.strip()
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except ValueError:
            return "", ""
        return "basic", decoded.partition(":")[2]
    return "", ""
