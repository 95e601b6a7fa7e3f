"""A cache of query results that is valid until any process changes the library."""

import hashlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Engine, Select

_MAX_ENTRIES = 32
Result = TypeVar("Result")


class QueryCache:
    """The latest query results; thread-safe.

    A page repeats the same queries at every click. SQLite's data_version, read in microseconds on
    a dedicated connection, shows whether any process has changed the library since.
    """

    def __init__(self, reader: Engine) -> None:
        """reader: engine for the version check."""
        self._reader = reader
        self._version_connection: Any = None
        self._lock = threading.Lock()
        self._version = -1
        self._results: dict[bytes, Any] = {}

    def get(self, query: Select[Any], read: Callable[[Select[Any]], Result]) -> Result:
        """Return the cached result of a query, or run it with ``read`` and cache the result."""
        compiled = query.compile(self._reader)
        # A hash, because a query may list thousands of ids.
        key = hashlib.sha256(f"{compiled}\n{compiled.params!r}".encode()).digest()
        with self._lock:
            version = self._current_version()
            if version != self._version:
                self._results.clear()
                self._version = version
            if key in self._results:
                cached: Result = self._results[key]
                return cached
        result = read(query)
        with self._lock:
            # The version was read before the query: a change in between invalidates the entry
            # at the next call.
            if version == self._version:
                while len(self._results) >= _MAX_ENTRIES:
                    self._results.pop(next(iter(self._results)))
                self._results[key] = result
        return result

    def version(self) -> int:
        """Return a number that changes whenever any process writes to the library."""
        with self._lock:
            return self._current_version()

    def clear(self) -> None:
        """Remove all cached results."""
        with self._lock:
            self._results.clear()

    def close(self) -> None:
        """Close the dedicated connection."""
        with self._lock:
            if self._version_connection is not None:
                self._version_connection.close()
                self._version_connection = None

    def _current_version(self) -> int:
        if self._version_connection is None:
            self._version_connection = self._reader.raw_connection()
        cursor = self._version_connection.cursor()
        version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
        cursor.close()
        return version
