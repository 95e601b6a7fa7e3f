"""The visitor cookie of a shared server: it determines the library of a request.

Scripts cannot read it and other sites cannot send it. The page's response sets it, so that the
WebSocket opened by the page carries it. Requests without a valid cookie have no owner, and every
route that needs a library refuses them. A cookie that names another server is refused and stays as
it is: a new one would take the visitor's library there away.
"""

import math
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import Response

from scene_model.api.access.buckets import Buckets
from scene_model.api.access.guard import (
    API_PREFIX,
    ASGIApp,
    Receive,
    Scope,
    Send,
    is_phone_path,
)
from scene_model.api.access.proxy_headers import client_of, is_encrypted
from scene_model.api.access.token_gate import SCOPE_OWNER
from scene_model.api.problem import problem_response
from scene_model.errors import TooManyRequests, VisitorElsewhere
from scene_model.visitors.keys import COOKIE_NAME, SECURE_COOKIE_NAME
from scene_model.visitors.visitors import Visitors

OwnerOf = Callable[[Mapping[str, str]], str | None]

# Key in the ASGI scope of a request for a page without a valid cookie.
SCOPE_IS_NEW_VISITOR = "scene.is_new_visitor"
# Codes of 4000 and above are the application's own.
CLOSED_ELSEWHERE = 4503

_request_owner: ContextVar[str | None] = ContextVar("request_owner", default=None)


def request_owner() -> str | None:
    """Return the library owner of the current request; None without one."""
    return _request_owner.get()


class VisitorCookie:
    """ASGI middleware: determines the owner of each request and gives new visitors a cookie."""

    def __init__(
        self,
        app: ASGIApp,
        get_visitors: Callable[[], Visitors],
        owner_of: OwnerOf,
        max_new_per_hour: int = 0,
    ) -> None:
        """Wrap an app.

        owner_of: returns the owner for a request's cookies, or None. max_new_per_hour: cookies
        that one address may get; 0: no limit.
        """
        self._app, self._get_visitors, self._owner_of = app, get_visitors, owner_of
        self._max_new = max_new_per_hour
        self._buckets = Buckets(max_new_per_hour, period_s=3600) if max_new_per_hour else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Process one request with its owner set."""
        if scope["type"] not in ("http", "websocket") or is_phone_path(str(scope["path"])):
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        cookies = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
        visitors = self._get_visitors()
        owner = scope.get(SCOPE_OWNER) or self._owner_of(cookies)
        if owner is None and visitors.keys.is_of_another_server(cookies):
            await _refuse_elsewhere(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        cookie = visitors.keys.valid_cookie(cookies)
        is_api = str(scope["path"]).startswith(API_PREFIX)
        scope[SCOPE_IS_NEW_VISITOR] = not is_api and cookie is None
        refusal: Response | None = None

        async def send_with_cookie(message: MutableMapping[str, Any]) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                is_page = not is_api and answer.get("content-type", "").startswith("text/html")
                if is_page and cookie is None:
                    refusal = self._refusal(scope)
                if refusal is not None:
                    await refusal(scope, receive, send)
                elif is_page or is_api:
                    self._add_headers(scope, cookie, is_page, answer)
            if refusal is None:
                await send(message)

        token = _request_owner.set(owner)
        try:
            if owner is None:
                await self._app(scope, receive, send_with_cookie)
            else:
                with visitors.present(owner):
                    await self._app(scope, receive, send_with_cookie)
        finally:
            _request_owner.reset(token)

    def _refusal(self, scope: Scope) -> Response | None:
        """Count a new visitor; returns the answer when there are too many."""
        wait_s = self._buckets.take(client_of(scope)) if self._buckets is not None else 0.0
        if not wait_s:
            return None
        return problem_response(
            TooManyRequests(
                f"More than {self._max_new:,} new visitors came from this address in an hour "
                "(SCENE_MAX_NEW_VISITORS_PER_HOUR). Try again later, with cookies allowed.",
                math.ceil(wait_s),
            )
        )

    def _add_headers(
        self, scope: Scope, cookie: str | None, is_page: bool, headers: MutableHeaders
    ) -> None:
        # Neither a proxy nor the browser's next user may get a cached response.
        headers["Cache-Control"] = "private, no-store"
        visitors = self._get_visitors()
        if is_page or cookie is not None:
            # Renew it with every response: a window may stay open longer than the cookie lasts.
            cookie = cookie or visitors.keys.issue()
            headers.append("Set-Cookie", _cookie(cookie, scope, visitors.settings.visitor_hours))


async def _refuse_elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        reason = "The library is on another server."
        await send({"type": "websocket.close", "code": CLOSED_ELSEWHERE, "reason": reason})
        return
    error = VisitorElsewhere(
        "Your photos are on another server of this site, which cannot be reached now. They are "
        "still there: try again in a few minutes. To begin anew without them, delete this site's "
        "cookies."
    )
    await problem_response(error)(scope, receive, send)


def _cookie(value: str, scope: Scope, hours: float) -> str:
    name, secure = (SECURE_COOKIE_NAME, "; Secure") if is_encrypted(scope) else (COOKIE_NAME, "")
    age_s = max(1, int(hours * 3600))
    return f"{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"
