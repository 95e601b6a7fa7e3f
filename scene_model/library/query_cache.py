"""Answers of the database, remembered until anybody changes the library."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Engine, Select

_KEPT = 32
Answer = TypeVar("Answer")


class QueryCache:
    """The latest answers; safe to share between threads.

    A page asks the same again and again, with every click. Whether the library was changed
    meanwhile, in this process or another, SQLite tells a connection of its own in microseconds.
    """

    def __init__(self, reader: Engine) -> None:
        """Take the engine that reads."""
        self._reader = reader
        self._watch: Any = None
        self._lock = threading.Lock()
        self._version = -1
        self._answers: dict[str, Any] = {}

    def ask(self, query: Select[Any], read: Callable[[Select[Any]], Answer]) -> Answer:
        """Answer a query: as before, if nothing has changed since."""
        compiled = query.compile(self._reader)
        key = f"{compiled}\n{compiled.params!r}"
        with self._lock:
            version = self._current_version()
            if version != self._version:
                self._answers.clear()
                self._version = version
            if key in self._answers:
                known: Answer = self._answers[key]
                return known
        answer = read(query)
        with self._lock:
            # Read after `version` was: what came in between is seen as a change next time.
            if version == self._version:
                while len(self._answers) >= _KEPT:
                    self._answers.pop(next(iter(self._answers)))
                self._answers[key] = answer
        return answer

    def version(self) -> int:
        """A number that is another one after anybody changed the library."""
        with self._lock:
            return self._current_version()

    def forget(self) -> None:
        """Ask the database anew; for measuring."""
        with self._lock:
            self._answers.clear()

    def close(self) -> None:
        """Let the connection go."""
        with self._lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None

    def _current_version(self) -> int:
        if self._watch is None:
            self._watch = self._reader.raw_connection()
        cursor = self._watch.cursor()
        version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
        cursor.close()
        return version
