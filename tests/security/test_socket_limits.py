"""WebSockets of a shared server are limited, and idle ones make room."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from scene_model.api.access.socket_limits import (
    CLOSED_FOR_ANOTHER,
    CLOSED_IDLE,
    REFUSED,
    SocketLimits,
)
from scene_model.config import Settings
from tests import event_loop
from tests.visitors.conftest import Clock

Message = MutableMapping[str, Any]


class Socket:
    """A WebSocket of an address, and what the server sent to it."""

    def __init__(self, limits: SocketLimits, address: str, has_library: bool = False) -> None:
        cookie = b"library=yes" if has_library else b""
        self.sent: list[Message] = []
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self.say("websocket.connect")
        scope = {
            "type": "websocket",
            "path": "/_stcore/stream",
            "client": (address, 1),
            "headers": [(b"cookie", cookie)],
        }
        self._task = asyncio.ensure_future(limits(scope, self._messages.get, self._send))

    def say(self, kind: str) -> None:
        self._messages.put_nowait({"type": kind})

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def codes(self) -> list[int]:
        """The codes that the server closed it with."""
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]

    async def leave(self) -> None:
        self.say("websocket.disconnect")
        await self._task


async def page(_: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
    """Listen until the end, as Streamlit does."""
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})


class Server:
    """The limits around a page, with a clock of its own."""

    def __init__(self, **limits: float) -> None:
        self.clock = Clock()
        defaults = {"max_sockets": 3, "max_sockets_per_address": 2} | limits
        self._limits = SocketLimits(
            page,
            Settings.model_validate(defaults),
            lambda cookies: cookies.get("library") == "yes",
            self.clock,
        )

    async def connect(self, address: str, has_library: bool = False) -> Socket:
        socket = Socket(self._limits, address, has_library)
        await settled()
        return socket


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test(), 20)

    event_loop.run(limited)


def test_one_address_cannot_take_all() -> None:
    async def test() -> None:
        server = Server()
        first, second = [await server.connect("192.0.2.7") for _ in range(2)]
        assert (await server.connect("192.0.2.7")).codes == [REFUSED]
        assert (await server.connect("192.0.2.8")).codes == []
        await first.leave()
        assert (await server.connect("192.0.2.7")).codes == []
        assert second.codes == []

    run(test)


def test_an_idle_socket_makes_room() -> None:
    async def test() -> None:
        server = Server()
        sockets = [await server.connect(f"192.0.2.{number}") for number in range(3)]
        assert (await server.connect("192.0.2.9")).codes == [REFUSED], "none is idle"
        server.clock.now += 60
        sockets[0].say("websocket.receive")
        await settled()
        newcomer = await server.connect("192.0.2.9")
        assert [socket.codes for socket in (*sockets, newcomer)] == [
            [],
            [CLOSED_FOR_ANOTHER],
            [],
            [],
        ]

    run(test)


def test_the_address_with_most_sockets_makes_room() -> None:
    async def test() -> None:
        server = Server()
        single = await server.connect("192.0.2.1")
        server.clock.now += 1
        several = [await server.connect("192.0.2.2") for _ in range(2)]
        server.clock.now += 60
        await server.connect("192.0.2.9")
        assert (single.codes, several[0].codes, several[1].codes) == ([], [CLOSED_FOR_ANOTHER], [])

    run(test)


def test_who_has_stored_something_comes_first() -> None:
    async def test() -> None:
        server = Server()
        kept = await server.connect("192.0.2.1", has_library=True)
        empty = [await server.connect(f"192.0.2.{number}") for number in (2, 3)]
        assert (await server.connect("192.0.2.4", has_library=True)).codes == []
        assert kept.codes == []
        assert sorted(socket.codes for socket in empty) == [[], [CLOSED_FOR_ANOTHER]]

    run(test)


def test_a_page_left_open_is_disconnected() -> None:
    async def test() -> None:
        server = Server(socket_idle_s=0.05)
        socket = await server.connect("192.0.2.1")
        while not socket.codes:
            await asyncio.sleep(0.01)
        assert socket.codes == [CLOSED_IDLE]

    run(test)
