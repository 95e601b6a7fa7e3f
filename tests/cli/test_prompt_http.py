"""Slow and endless request heads are cut off; prompt heads and slow bodies are not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from scene_model.cli import prompt_http
from scene_model.cli.prompt_http import HeadTimeoutProtocol
from tests.event_loop import run

SHORT_S = 1.5
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


async def answer(scope: dict[str, object], receive: object, send: object) -> None:
    assert scope["type"] == "http"
    assert callable(receive)
    assert callable(send)
    body = b""
    while len(body) < 2:
        body += (await receive())["body"]
    await answer_ok(send, body)


async def answer_ok(send: Any, body: bytes = b"ok") -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """Serve an app; yields the port."""
    config = uvicorn.Config(
        app, lifespan="off", log_level="critical", http=HeadTimeoutProtocol, port=0
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def talk() -> None:
    async with serving(answer) as port:
        at = ("127.0.0.1", port)
        silent_reader, silent_writer = await asyncio.open_connection(*at)
        slow_reader, slow_writer = await asyncio.open_connection(*at)
        prompt_reader, writer = await asyncio.open_connection(*at)
        writer.write(HEAD)
        for letter in HEAD[:5]:
            slow_writer.write(bytes([letter]))
            await asyncio.sleep(SHORT_S / 6)
        # Both were cut off, although one was sending bytes all the time.
        assert await silent_reader.read() == b""
        assert await slow_reader.read() == b""
        # A body has no time limit here.
        writer.write(b"ok")
        assert (await prompt_reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        # The next head on the same connection has the same time limit.
        writer.write(HEAD[:8])
        assert await asyncio.wait_for(prompt_reader.read(), SHORT_S * 20) == b""
        for sending in (silent_writer, slow_writer, writer):
            sending.close()


def test_slow_heads_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_http, "HEAD_TIMEOUT_S", SHORT_S)
    run(talk)


async def send_a_head_without_end() -> None:
    """Read until the server closes, long before `HEAD_TIMEOUT_S`: the head is too long."""
    async with serving(answer) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: " + bytes([120]) * (2 * prompt_http.MAX_HEAD_BYTES))
        with contextlib.suppress(ConnectionError):
            assert b" 400 " in await asyncio.wait_for(reader.read(), prompt_http.HEAD_TIMEOUT_S / 2)
        writer.close()


def test_an_endless_head_is_refused() -> None:
    run(send_a_head_without_end)


LONG = bytes(range(256)) * 16_384
READ_BYTES = 262_144  # what asyncio reads at a time


async def send_more_than_is_taken() -> None:
    taken: list[bytes] = []

    async def take_slowly(scope: object, receive: Any, send: Any) -> None:
        more = True
        while more:
            await asyncio.sleep(0.02)  # meanwhile more arrives than may be buffered
            message = await receive()
            taken.append(message["body"])
            more = message["more_body"]
        await answer_ok(send)

    async with serving(take_slowly) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):  # the second on the same connection
            taken.clear()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LONG))
            writer.write(LONG)
            await reader.readuntil(b"ok")
            assert b"".join(taken) == LONG
            assert max(map(len, taken)) <= prompt_http.MAX_BUFFERED_BYTES + READ_BYTES
        writer.close()


def test_long_bodies_arrive_complete_with_bounded_buffering() -> None:
    run(send_more_than_is_taken)
