"""Whose library a request speaks of: a cookie that scripts cannot read and other sites not send.

The page itself sets it, so that the websocket it then opens carries it already. Requests without
a good one belong to nobody, and every route that needs a library refuses them.
"""

from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser

from scene_model.api.access.guard import API_PREFIX, ASGIApp, Receive, Scope, Send
from scene_model.api.access.token_gate import TOKEN_OWNER
from scene_model.visitors.keys import COOKIE_NAME
from scene_model.visitors.visitors import Visitors

OwnerOf = Callable[[Mapping[str, str]], str | None]

_asking: ContextVar[str | None] = ContextVar("asking_owner", default=None)


def asking_owner() -> str | None:
    """Tell whose request is being answered; None when that is not known."""
    return _asking.get()


class VisitorCookie:
    """ASGI middleware: finds the owner of each request, gives new visitors their cookie."""

    def __init__(
        self, app: ASGIApp, get_visitors: Callable[[], Visitors], owner_of: OwnerOf
    ) -> None:
        """Wrap an app; ``owner_of`` tells the owner by a request's cookies, None for nobody."""
        self._app, self._get_visitors, self._owner_of = app, get_visitors, owner_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request in its owner's name."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        cookies = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
        visitors = self._get_visitors()
        owner = scope.get(TOKEN_OWNER) or self._owner_of(cookies)

        async def send_marked(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._mark(scope, cookies, MutableHeaders(scope=message))
            await send(message)

        token = _asking.set(owner)
        try:
            if owner is None:
                await self._app(scope, receive, send_marked)
            else:
                with visitors.present(owner):
                    await self._app(scope, receive, send_marked)
        finally:
            _asking.reset(token)

    def _mark(self, scope: Scope, cookies: Mapping[str, str], headers: MutableHeaders) -> None:
        is_api = str(scope["path"]).startswith(API_PREFIX)
        is_page = not is_api and headers.get("content-type", "").startswith("text/html")
        if not (is_page or is_api):
            return
        # Neither a proxy nor the next person at this browser may be shown it again.
        headers["Cache-Control"] = "private, no-store"
        visitors, held = self._get_visitors(), cookies.get(COOKIE_NAME, "")
        is_good = visitors.keys.owner(held) is not None
        if is_page or is_good:
            # Renewed with the photos of every page: a window may stay open longer than it lasts.
            value = held if is_good else visitors.keys.issue()
            headers.append("Set-Cookie", _cookie(value, scope, visitors.settings.visitor_hours))


def _cookie(value: str, scope: Scope, hours: float) -> str:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    age_s = max(1, int(hours * 3600))
    return f"{COOKIE_NAME}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"
