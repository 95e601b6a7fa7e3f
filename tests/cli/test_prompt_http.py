"""Heads that drip are cut off; what comes promptly, and bodies, are not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn

from scene_model.cli import prompt_http
from scene_model.cli.prompt_http import PromptHTTP

SHORT_S = 1.5
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


def run(talk_to_server: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """In a thread of its own: a browser test leaves an event loop in the one of the tests."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(talk_to_server())).result()


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
    config = uvicorn.Config(app, lifespan="off", log_level="critical", http=PromptHTTP, port=0)
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
        silent, keep = await asyncio.open_connection(*at)
        dripped, drip = await asyncio.open_connection(*at)
        prompt, writer = await asyncio.open_connection(*at)
        writer.write(HEAD)
        for letter in HEAD[:5]:
            drip.write(bytes([letter]))
            await asyncio.sleep(SHORT_S / 6)
        # Both were cut off, though one sent something all the time.
        assert await silent.read() == b""
        assert await dripped.read() == b""
        # A body takes as long as it takes.
        writer.write(b"ok")
        assert (await prompt.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        # The next head on the same connection has no more time than the first.
        writer.write(HEAD[:8])
        assert await asyncio.wait_for(prompt.read(), SHORT_S * 20) == b""
        for sending in (keep, drip, writer):
            sending.close()


def test_heads_that_drip_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_http, "HEAD_S", SHORT_S)
    run(talk)


async def send_a_head_without_end() -> None:
    """Ends when the server has cut it off; that it is slow is not why, `HEAD_S` is far."""
    async with serving(answer) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: " + bytes([120]) * (2 * prompt_http.MAX_HEAD_BYTES))
        with contextlib.suppress(ConnectionError):
            assert b" 400 " in await asyncio.wait_for(reader.read(), prompt_http.HEAD_S / 2)
        writer.close()


def test_a_head_without_end_is_cut_off() -> None:
    run(send_a_head_without_end)


LONG = bytes(range(256)) * 16_384
READ_BYTES = 262_144  # what asyncio reads at a time


async def send_more_than_is_taken() -> None:
    taken: list[bytes] = []

    async def take_slowly(scope: object, receive: Any, send: Any) -> None:
        more = True
        while more:
            await asyncio.sleep(0.02)  # meanwhile more comes than may wait
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
            assert max(map(len, taken)) <= prompt_http.MAX_WAITING_BYTES + READ_BYTES
        writer.close()


def test_long_bodies_come_whole_and_wait_in_the_senders_memory() -> None:
    run(send_more_than_is_taken)
