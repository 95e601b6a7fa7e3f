"""How often one caller may ask: a bucket of requests that fills up again at an even rate."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from scene_model.api.access.guard import API_PREFIX, ASGIApp, Receive, Scope, Send
from scene_model.api.problem import problem_response
from scene_model.api.access.token_gate import TOKEN_NAME
from scene_model.api.access.visitor_cookie import asking_owner
from scene_model.errors import TooManyRequests

_MAX_CALLERS = 10_000


@dataclass
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """One bucket a caller, a minute's requests deep; of one thread, the event loop's."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with full buckets; clock: seconds."""
        self._depth, self._rate, self._clock = per_minute, per_minute / 60, clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, caller: str) -> float:
        """Take one request of a caller's; returns how many seconds to wait for it, 0 if none."""
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            if len(self._buckets) >= _MAX_CALLERS:
                self._forget(now)
            bucket = self._buckets[caller] = _Bucket(self._depth, now)
        filled = min(self._depth, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        bucket.tokens = filled - 1 if filled >= 1 else filled
        return 0.0 if filled >= 1 else (1 - filled) / self._rate

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again; if all are in use, the one used longest ago."""
        full_after_s = self._depth / self._rate
        kept = {k: b for k, b in self._buckets.items() if now - b.at < full_after_s}
        while len(kept) >= _MAX_CALLERS:
            del kept[min(kept, key=lambda caller: kept[caller].at)]
        self._buckets = kept


class RateLimit:
    """ASGI middleware: answers 429 under ``/api`` to those who ask too often.

    Counts by token, else by visitor, else by address; opening a page without a cookie, which is
    how visitors begin, counts by address too.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        """Wrap an app."""
        self._app, self._per_minute, self._buckets = app, per_minute, Buckets(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        if scope["type"] == "http" and _counts(scope):
            wait_s = self._buckets.take(_caller(scope))
            if wait_s:
                error = TooManyRequests(
                    f"You asked more than {self._per_minute:,} times in a minute "
                    "(SCENE_API_RATE_PER_MINUTE). Try again after the seconds that Retry-After "
                    "says.",
                    math.ceil(wait_s),
                )
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _counts(scope: Scope) -> bool:
    path = str(scope["path"])
    if path.startswith(API_PREFIX):
        # Who watches over the server asks all the time, and is answered from memory.
        return path != f"{API_PREFIX}/health"
    return not any(name == b"cookie" for name, _ in scope["headers"])


def _caller(scope: Scope) -> str:
    if TOKEN_NAME in scope:
        return f"token {scope[TOKEN_NAME]}"
    owner = asking_owner()
    if owner is not None:
        return f"visitor {owner}"
    client = scope.get("client")
    return f"address {client[0] if client else ''}"
