"""Memory that several photos share while they are decoded."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryBudget:
    """Bytes that may be in use at the same time; whoever waits longest is next; thread-safe."""

    def __init__(self, total: int) -> None:
        """total: in bytes."""
        self._total, self._used = total, 0
        self._changed = threading.Condition()
        self._tickets: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._tickets)

    @contextmanager
    def reserve(self, count: int) -> Iterator[None]:
        """Wait for so many bytes; who needs more than the total waits until nothing is in use."""
        ticket = object()
        with self._changed:
            self._tickets.append(ticket)
            try:
                self._changed.wait_for(lambda: self._is_next(ticket, count))
                self._used += count
            finally:
                self._tickets.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used -= count
                self._changed.notify_all()

    def _is_next(self, ticket: object, count: int) -> bool:
        has_room = self._used == 0 or self._used + count <= self._total
        return has_room and self._tickets[0] is ticket
