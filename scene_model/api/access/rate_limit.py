"""Per-client token-bucket rate limit."""

import math

from scene_model.api.access.buckets import Buckets
from scene_model.api.access.guard import (
    API_PREFIX,
    ASGIApp,
    Receive,
    Scope,
    Send,
    is_phone_path,
)
from scene_model.api.access.proxy_headers import client_of
from scene_model.api.access.token_gate import SCOPE_TOKEN_NAME
from scene_model.api.access.visitor_cookie import SCOPE_IS_NEW_VISITOR, request_owner
from scene_model.api.problem import problem_response
from scene_model.errors import TooManyRequests


class RateLimit:
    """ASGI middleware: responds 429 under ``/api`` when a caller exceeds the rate.

    Counts by token, else by visitor, else by address. Page requests without a valid cookie, which
    create a visitor, count too: by address.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        """Wrap an app."""
        self._app, self._per_minute, self._buckets = app, per_minute, Buckets(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or respond 429."""
        if scope["type"] == "http" and _is_counted(scope):
            wait_s = self._buckets.take(_caller(scope))
            if wait_s:
                error = TooManyRequests(
                    f"More than {self._per_minute:,} requests in a minute "
                    "(SCENE_API_RATE_PER_MINUTE). Try again after the number of seconds in the "
                    "Retry-After header.",
                    math.ceil(wait_s),
                )
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_counted(scope: Scope) -> bool:
    path = str(scope["path"])
    if is_phone_path(path):
        return True
    if path.startswith(API_PREFIX):
        # Monitoring polls it constantly, and it costs nothing.
        return path != f"{API_PREFIX}/health"
    return bool(scope.get(SCOPE_IS_NEW_VISITOR))


def _caller(scope: Scope) -> str:
    if SCOPE_TOKEN_NAME in scope:
        return f"token {scope[SCOPE_TOKEN_NAME]}"
    owner = request_owner()
    if owner is not None:
        return f"visitor {owner}"
    return f"address {client_of(scope)}"
