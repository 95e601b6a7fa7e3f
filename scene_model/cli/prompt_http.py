"""uvicorn's HTTP/1.1 protocol with a timeout and a size limit for request heads.

uvicorn's timeout covers only idle time between two requests: a connection that never completes its
first head stays open and holds a file descriptor. Its fast parser has no size limit for heads
either. The API limits bodies itself. Requests are not logged.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 20.0
MAX_HEAD_BYTES = 65_536
# Body bytes that the application has not received yet: as much as the event loop reads at a time.
MAX_BUFFERED_BYTES = 262_144


class HeadTimeoutProtocol(HttpToolsProtocol):
    """Closes a connection whose head is too long, or incomplete after `HEAD_TIMEOUT_S` seconds."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take uvicorn's arguments."""
        super().__init__(*arguments, **options)
        self._timeout: asyncio.TimerHandle | None = None
        self._is_in_head, self._head_bytes = False, 0
        # Privacy: never log which photos are requested. Streamlit's logging would turn it on.
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the first head."""
        super().connection_made(transport)
        self._start_timeout()

    def data_received(self, data: bytes) -> None:
        """Count the bytes of an incomplete head."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(
                    f"The request head is too long; the limit is {MAX_HEAD_BYTES:,} bytes."
                )

    def on_message_begin(self) -> None:
        """Start the timeout at the first byte of a head."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._start_timeout()

    def on_headers_complete(self) -> None:
        """Cancel the timeout: the head is complete."""
        self._is_in_head = False
        self._cancel_timeout()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a chunk on without copying it when the buffer is empty: bodies are long.

        The limit is higher than uvicorn's 64 kB, so that one read does not pause the next.
        """
        cycle = self.cycle
        if self._is_upgrade() or cycle.response_complete:
            return
        buffered: bytes | bytearray = cycle.body
        if not buffered:
            cycle.body = body  # type: ignore[assignment]
        else:
            cycle.body = buffered if isinstance(buffered, bytearray) else bytearray(buffered)
            cycle.body += body
        if len(cycle.body) > MAX_BUFFERED_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        self._cancel_timeout()
        super().connection_lost(exc)

    def _is_upgrade(self) -> bool:
        return bool(self.parser.should_upgrade()) and self._should_upgrade()

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(HEAD_TIMEOUT_S, self._close_connection)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _close_connection(self) -> None:
        self._timeout = None
        if not self.transport.is_closing():
            self.transport.close()
