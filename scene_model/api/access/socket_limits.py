"""Limits on the WebSockets of a shared server; each open page holds one.

At the limit for all, a new one takes the place of one that was idle, so that nobody can keep the
others out by opening many. Those whose visitors have stored something are disconnected last. A
browser that is disconnected connects again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from scene_model.api.access.guard import ASGIApp, Receive, Scope, Send
from scene_model.api.access.proxy_headers import client_of
from scene_model.config import Settings
from scene_model.visitors.open_files import socket_limit

# Codes of 4000 and above are the application's own.
CLOSED_IDLE, CLOSED_FOR_ANOTHER, REFUSED = 4408, 4409, 4429
# A socket that sent something since then is not idle.
_IDLE_S = 10.0


@dataclass(eq=False)
class _Socket:
    client: str
    has_library: bool
    active_at: float
    displaced: asyncio.Event = field(default_factory=asyncio.Event)


class SocketLimits:
    """ASGI middleware: refuses or closes WebSockets above the limits, and idle ones.

    Used by one thread, the event loop's.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Settings,
        has_library: Callable[[Mapping[str, str]], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap an app.

        has_library: whether the visitor with some cookies has stored something. clock: in seconds.
        """
        self._app, self._limits, self._clock = app, limits, clock
        self._max_sockets = socket_limit(limits)
        self._has_library = has_library
        self._sockets: dict[_Socket, None] = {}
        self._by_client: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a WebSocket for as long as it has a place."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
        socket = _Socket(client_of(scope), self._has_library(cookies), self._clock())
        refusal = self._refusal(socket)
        if refusal is not None:
            await send({"type": "websocket.close", "code": REFUSED, "reason": refusal})
            return
        self._sockets[socket] = None
        self._by_client[socket.client] += 1
        try:
            await self._app(scope, self._receive_while_active(socket, receive, send), send)
        finally:
            self._forget(socket)

    def _refusal(self, newcomer: _Socket) -> str | None:
        """Make room for a new socket; returns why there is none."""
        if self._by_client[newcomer.client] >= self._limits.max_sockets_per_address:
            return "Too many open pages of this address (SCENE_MAX_SOCKETS_PER_ADDRESS)."
        if len(self._sockets) < self._max_sockets:
            return None
        displaced = min(
            (s for s in self._sockets if self._may_displace(newcomer, s)),
            # First those that hold nothing; then those of the address that has the most.
            key=lambda s: (s.has_library, -self._by_client[s.client], s.active_at),
            default=None,
        )
        if displaced is None:
            return "Too many open pages (SCENE_MAX_SOCKETS)."
        self._forget(displaced)
        displaced.displaced.set()
        return None

    def _may_displace(self, newcomer: _Socket, other: _Socket) -> bool:
        if newcomer.has_library and not other.has_library:
            return True
        return self._clock() - other.active_at >= _IDLE_S

    def _forget(self, socket: _Socket) -> None:
        if socket in self._sockets:
            del self._sockets[socket]
            self._by_client[socket.client] -= 1
            if not self._by_client[socket.client]:
                del self._by_client[socket.client]

    def _receive_while_active(self, socket: _Socket, receive: Receive, send: Send) -> Receive:
        async def receive_or_close() -> MutableMapping[str, Any]:
            message = asyncio.ensure_future(receive())
            displaced = asyncio.ensure_future(socket.displaced.wait())
            try:
                await asyncio.wait(
                    (message, displaced),
                    timeout=self._limits.socket_idle_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if message.done():
                    socket.active_at = self._clock()
                    return message.result()
            finally:
                message.cancel()
                displaced.cancel()
            code = CLOSED_FOR_ANOTHER if socket.displaced.is_set() else CLOSED_IDLE
            await send({"type": "websocket.close", "code": code, "reason": "idle"})
            return {"type": "websocket.disconnect", "code": code}

        return receive_or_close
