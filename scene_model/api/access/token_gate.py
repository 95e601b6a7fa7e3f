"""Token authentication: where tokens are set, each request needs one or a ticket cookie.

Requests from this computer too: behind a reverse proxy on it, everybody's come from there. Without
tokens only requests from this computer are passed on, and none that a proxy forwarded.

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

from scene_model.api.access.guard import (
    API_PREFIX,
    ASGIApp,
    Receive,
    Scope,
    Send,
    host_name,
    is_phone_path,
)
from scene_model.api.access.proxy_headers import is_encrypted
from scene_model.api.problem import problem_response
from scene_model.errors import UsageError
from scene_model.visitors.keys import owner_name
from scene_model.visitors.tokens import Tokens

TICKET_COOKIE = "scene_ticket"
SECURE_TICKET_COOKIE = f"__Host-{TICKET_COOKIE}"
# Keys in the ASGI scope for the token's name and, on a shared server, the library's owner.
SCOPE_TOKEN_NAME, SCOPE_OWNER = "scene.token", "scene.owner"

# Public: they reveal nothing about photos. Monitoring requests the first.
_PUBLIC = frozenset({"/api/health", "/api/models", "/api/openapi.json", "/api/docs"})
_PUBLIC_FOLDER = "/api/docs-files/"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A request with one of these headers came through a proxy, so its origin is unknown.
_PROXY_HEADERS, _PROXY_HEADER_PREFIX = frozenset({"forwarded", "via", "x-real-ip"}), "x-forwarded-"


class TokenGate:
    """ASGI middleware: refuses requests without a valid token."""

    def __init__(
        self, app: ASGIApp, tokens: Tokens, is_shared: bool, trusts_loopback: bool = False
    ) -> None:
        """Wrap an app.

        is_shared: pass requests without a token on, for `VisitorCookie`. trusts_loopback: pass
        requests from this computer on although there are tokens.
        """
        self._app, self._tokens, self._is_shared = app, tokens, is_shared
        self._trusts_loopback = trusts_loopback
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
            message = self._how_to_authenticate(scope, headers)
            await self._refuse(UsageError(message, code="token_needed"), scope, receive, send)
            return
        if name is not None:
            scope[SCOPE_TOKEN_NAME] = name
            if self._is_shared:
                scope[SCOPE_OWNER] = owner_name("token", name)
        is_page = not (self._is_shared or path.startswith(API_PREFIX) or is_phone_path(path))
        if name is not None and is_page and not has_ticket:
            send = self._with_ticket(name, scope, send)
        await self._app(scope, receive, send)

    def _is_open(self, scope: Scope, headers: Mapping[str, str], path: str) -> bool:
        if self._is_shared or path in _PUBLIC or path.startswith(_PUBLIC_FOLDER):
            return True
        if scope["type"] == "http" and is_phone_path(path):
            return True
        if self._tokens.hashes and not self._trusts_loopback:
            return False
        return is_on_this_computer(scope, headers)

    def _how_to_authenticate(self, scope: Scope, headers: Mapping[str, str]) -> str:
        if not self._tokens.hashes and _is_forwarded(headers):
            return _NO_TOKENS_BEHIND_A_PROXY
        if self._tokens.hashes and is_on_this_computer(scope, headers):
            return f"{_HOW_TO_AUTHENTICATE} {_HOW_TO_TRUST_LOOPBACK}"
        return _HOW_TO_AUTHENTICATE

    def _with_ticket(self, name: str, scope: Scope, send: Send) -> Send:
        is_secure = is_encrypted(scope)
        cookie = SECURE_TICKET_COOKIE if is_secure else TICKET_COOKIE
        secure = "; Secure" if is_secure else ""

        async def send_with_ticket(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                ticket = f"{cookie}={name}:{self._signature(name)}"
                flags = f"; Path=/; HttpOnly; SameSite=Lax{secure}"
                MutableHeaders(scope=message).append("Set-Cookie", ticket + flags)
            await send(message)

        return send_with_ticket

    def _name_of_ticket(self, cookie: str) -> str | None:
        if TICKET_COOKIE not in cookie:
            return None
        cookies = cookie_parser(cookie)
        for cookie_name in (SECURE_TICKET_COOKIE, TICKET_COOKIE):
            name, _, signature = cookies.get(cookie_name, "").partition(":")
            is_valid = hmac.compare_digest(signature.encode(), self._signature(name).encode())
            if is_valid and name in self._tokens.hashes:
                return name
        return None

    def _signature(self, name: str) -> str:
        """Sign with this process's secret; tickets become invalid with it or with their token."""
        payload = f"{TICKET_COOKIE}:{name}:{self._tokens.hashes.get(name, '')}"
        return hmac.new(
            self._secret, payload.encode("utf-8", "replace"), hashlib.sha256
        ).hexdigest()

    async def _refuse(self, error: UsageError, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401, "reason": "A token is needed."})
            return
        response = problem_response(error)
        is_api = str(scope["path"]).startswith(API_PREFIX)
        # Only for pages, and only when there is a token: "Basic" makes a browser prompt for it.
        is_prompt = self._tokens.hashes and not is_api
        scheme = "Bearer" if not is_prompt else 'Basic realm="Scene Gallery", charset="UTF-8"'
        response.headers["WWW-Authenticate"] = scheme
        await response(scope, receive, send)


_HOW_TO_AUTHENTICATE = (
    "This request needs a token. Whoever runs the server creates one with `python -m scene_model "
    "token NAME`. Send it as `Authorization: Bearer TOKEN`; in a browser, enter it as the password."
)
_HOW_TO_TRUST_LOOPBACK = (
    "To let requests from the server's own computer in without one, set SCENE_TRUST_LOOPBACK=true; "
    "never behind a reverse proxy on that computer."
)
_NO_TOKENS_BEHIND_A_PROXY = (
    "This request came through a proxy, and the server has no tokens. Set SCENE_API_TOKENS to what "
    "`python -m scene_model token NAME` prints, or SCENE_MODE=shared to give every visitor a "
    "library."
)


def is_on_this_computer(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a request was made on this computer and not forwarded by a proxy."""
    client = scope.get("client")
    if client is None or _is_forwarded(headers):
        return False
    if host_name(headers.get("host", "")) not in _LOOPBACK_NAMES:
        return False
    try:
        address = ipaddress.ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _is_forwarded(headers: Mapping[str, str]) -> bool:
    return any(name in _PROXY_HEADERS or name.startswith(_PROXY_HEADER_PREFIX) for name in headers)


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
