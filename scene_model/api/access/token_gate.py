"""Who is let in: this computer, whoever shows a token, and browsers that showed one before.

A program sends ``Authorization: Bearer TOKEN``. A browser asks its person for a name and the token
(HTTP Basic) and is given a cookie, since it sends no password along with a WebSocket everywhere.
On a shared server visitors come without a token, each to a library of their own; a token's holder
has one as well.
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
from scene_model.errors import TokenNeeded
from scene_model.visitors.keys import owner_name
from scene_model.visitors.tokens import Tokens

TICKET_NAME = "scene_ticket"
# Where in the scope the gate leaves the token's name, and on a shared server the library's owner.
TOKEN_NAME, TOKEN_OWNER = "scene.token", "scene.owner"

# They tell nothing about photos; the first is asked by what watches over the server.
_PUBLIC = frozenset({"/api/health", "/api/models", "/api/openapi.json", "/api/docs"})
_PUBLIC_FOLDER = "/api/docs-files/"
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A request that has one of these came by way of a proxy, from who knows where.
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class TokenGate:
    """ASGI middleware: refuses whoever is neither at this computer nor shows a token."""

    def __init__(self, app: ASGIApp, tokens: Tokens, is_shared: bool) -> None:
        """Wrap an app; is_shared: visitors without a token go on, to what their cookie says."""
        self._app, self._tokens, self._is_shared = app, tokens, is_shared
        self._secret = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        path = str(scope["path"])
        kind, shown = _shown_token(headers.get("authorization", ""))
        name = self._tokens.name_of(shown) if shown else None
        has_ticket = False
        if name is None:
            name = self._name_of_ticket(headers.get("cookie", ""))
            has_ticket = name is not None
        is_wrong = kind == "bearer" and shown and (name is None or has_ticket)
        if is_wrong and path.startswith(API_PREFIX):
            refusal = "The token is none of this server's (SCENE_API_TOKENS)."
            await self._refuse(TokenNeeded(refusal), scope, receive, send)
            return
        if name is None and not self._is_open(scope, headers, path):
            await self._refuse(TokenNeeded(_REFUSAL), scope, receive, send)
            return
        if name is not None:
            scope[TOKEN_NAME] = name
            if self._is_shared:
                scope[TOKEN_OWNER] = owner_name("token", name)
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
                ticket = f"{TICKET_NAME}={name}:{self._signature(name)}"
                flags = f"; Path=/; HttpOnly; SameSite=Lax{secure}"
                MutableHeaders(scope=message).append("Set-Cookie", ticket + flags)
            await send(message)

        return send_with_ticket

    def _name_of_ticket(self, cookie: str) -> str | None:
        if TICKET_NAME not in cookie:
            return None
        name, _, signature = cookie_parser(cookie).get(TICKET_NAME, "").partition(":")
        is_ours = hmac.compare_digest(signature.encode(), self._signature(name).encode())
        return name if is_ours and name in self._tokens.hashes else None

    def _signature(self, name: str) -> str:
        """Sign with what only this process knows: a ticket ends with it, and with its token."""
        held = f"{TICKET_NAME}:{name}:{self._tokens.hashes.get(name, '')}"
        return hmac.new(self._secret, held.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    @staticmethod
    async def _refuse(error: TokenNeeded, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4401, "reason": "A token is needed."})
            return
        response = problem_response(error)
        is_api = str(scope["path"]).startswith(API_PREFIX)
        # Only a page makes a browser ask its person.
        scheme = "Bearer" if is_api else 'Basic realm="Scene Gallery", charset="UTF-8"'
        response.headers["WWW-Authenticate"] = scheme
        await response(scope, receive, send)


_REFUSAL = (
    "Off its own computer this server answers to tokens alone. Whoever runs it makes one with "
    "`python -m scene_model token NAME`; send it as `Authorization: Bearer TOKEN`, or in a browser "
    "as the password."
)


def is_on_this_computer(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Tell whether a request was made on this computer, and not handed on by a proxy."""
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


def _shown_token(authorization: str) -> tuple[str, str]:
    """The scheme and the token of an Authorization header; empty where there is none."""
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
