"""uvicorn's HTTP/1.1 with an end to waiting: whoever drips a request's head is cut off.

uvicorn times out only what is silent between two requests; a connection that never finishes its
first head stays for good, and each takes a file descriptor. Nor does its quick parser end at a
head that has no end. Bodies are the API's own affair. And it keeps no log of requests.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S = 20.0
MAX_HEAD_BYTES = 65_536
# Of a body that nobody has taken yet: as much as the event loop reads at a time.
MAX_WAITING_BYTES = 262_144


class PromptHTTP(HttpToolsProtocol):
    """Closes a connection whose next head is not whole after `HEAD_S` seconds, or too long."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*arguments, **options)
        self._late: asyncio.TimerHandle | None = None
        self._is_in_head, self._head_bytes = False, 0
        # Who asked for which photo is nobody's business; Streamlit's logging turns it on otherwise.
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes, and count those of a head that is not whole yet."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response(f"A head has at most {MAX_HEAD_BYTES:,} bytes.")

    def on_message_begin(self) -> None:
        """Wait for this head, from its first byte on."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The wait is over: the head is whole."""
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece on as it is where none waits before it: bodies are long, and copies cost.

        Nor does one reading alone stop the next, as uvicorn's own limit of 64 kB would.
        """
        cycle = self.cycle
        if self._is_upgrade() or cycle.response_complete:
            return
        waiting: bytes | bytearray = cycle.body
        if not waiting:
            cycle.body = body  # type: ignore[assignment]
        else:
            cycle.body = waiting if isinstance(waiting, bytearray) else bytearray(waiting)
            cycle.body += body
        if len(cycle.body) > MAX_WAITING_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_upgrade(self) -> bool:
        return bool(self.parser.should_upgrade()) and self._should_upgrade()

    def _wait_for_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._cut_off)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut_off(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()
