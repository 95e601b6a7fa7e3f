"""A limit on the lines logged in a minute, so that refused requests cannot fill the disk."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

_PERIOD_S = 60.0
# One kind of line may take this share.
_KINDS = 10
_MAX_COUNTED_KINDS = 1_000
_MAX_KIND_LENGTH = 200
_OTHER_KINDS = "other kinds"


class LogLimit(logging.Filter):
    """Drops the lines above a limit for each minute, and logs how many it dropped; thread-safe."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: in seconds."""
        super().__init__()
        self._per_minute, self._per_kind = per_minute, max(1, per_minute // _KINDS)
        self._clock, self._lock = clock, threading.Lock()
        self._began_at = clock()
        self._logged = Counter[str]()
        self._dropped = Counter[str]()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged; the next of a kind tells how many were not."""
        # Several handlers ask about the same record.
        is_logged: bool | None = getattr(record, "scene_is_logged", None)
        if is_logged is None:
            is_logged = record.scene_is_logged = self._count(record)
        return is_logged

    def _count(self, record: logging.LogRecord) -> bool:
        kind = f"{record.name} {record.levelno} {str(record.msg)[:_MAX_KIND_LENGTH]}"
        with self._lock:
            if self._clock() - self._began_at >= _PERIOD_S:
                self._began_at = self._clock()
                self._logged.clear()
                if len(self._dropped) >= _MAX_COUNTED_KINDS:
                    self._dropped = Counter({_OTHER_KINDS: self._dropped.total()})
            if len(self._logged) + len(self._dropped) >= _MAX_COUNTED_KINDS:
                kind = _OTHER_KINDS
            if self._logged.total() >= self._per_minute or self._logged[kind] >= self._per_kind:
                self._dropped[kind] += 1
                return False
            self._logged[kind] += 1
            dropped = self._dropped.pop(kind, 0)
        if dropped:
            record.msg = f"{record.getMessage()} (and {dropped:,} such lines that were left out)"
            record.args = None
        return True


def limit_logs(per_minute: int) -> None:
    """Limit what all loggers and handlers of this process log together."""
    limit = LogLimit(per_minute)
    loggers = [logging.root, *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    # Streamlit replaces handlers; loggers that are made later log through the handlers.
    handlers = [handler for logger in loggers for handler in logger.handlers]
    for filterer in (*loggers, *handlers, logging.lastResort):
        if filterer is not None:
            for earlier in [f for f in filterer.filters if isinstance(f, LogLimit)]:
                filterer.removeFilter(earlier)
            filterer.addFilter(limit)
