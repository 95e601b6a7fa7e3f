"""Per-client token-bucket rate limit."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from scene_model.api.access.guard import API_PREFIX, ASGIApp, Receive, Scope, Send
from scene_model.api.access.token_gate import SCOPE_TOKEN_NAME
from scene_model.api.access.visitor_cookie import SCOPE_IS_NEW_VISITOR, request_owner
from scene_model.api.problem import problem_response
from scene_model.errors import TooManyRequests

_MAX_BUCKETS = 10_000


@dataclass
class _Bucket:
    tokens: float
    updated_at: float


class Buckets:
    """One bucket per caller, with a capacity of one minute's requests; for one thread only."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with full buckets; clock: in seconds."""
        self._depth, self._rate, self._clock = per_minute, per_minute / 60, clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, caller: str) -> float:
        """Count one request of a caller; returns the seconds to wait, 0 when it is allowed."""
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                self._drop_idle(now)
            bucket = self._buckets[caller] = _Bucket(self._depth, now)
        filled = min(self._depth, bucket.tokens + (now - bucket.updated_at) * self._rate)
        bucket.updated_at = now
        bucket.tokens = filled - 1 if filled >= 1 else filled
        return 0.0 if filled >= 1 else (1 - filled) / self._rate

    def _drop_idle(self, now: float) -> None:
        """Drop the buckets that are full again; if none is, the least recently used."""
        full_after_s = self._depth / self._rate
        remaining = {k: b for k, b in self._buckets.items() if now - b.updated_at < full_after_s}
        while len(remaining) >= _MAX_BUCKETS:
            del remaining[min(remaining, key=lambda caller: remaining[caller].updated_at)]
        self._buckets = remaining


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
    client = scope.get("client")
    return f"address {client[0] if client else ''}"
