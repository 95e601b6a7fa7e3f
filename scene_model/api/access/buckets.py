"""Token buckets: how often each caller may do something."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_MAX_BUCKETS = 10_000


@dataclass
class _Bucket:
    tokens: float
    updated_at: float


class Buckets:
    """One bucket per caller, with a capacity of one period's requests; for one thread only."""

    def __init__(
        self, limit: int, clock: Callable[[], float] = time.monotonic, period_s: float = 60.0
    ) -> None:
        """Start with full buckets. limit: requests in a period. clock: in seconds."""
        self._depth, self._rate, self._clock = limit, limit / period_s, clock
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
