"""JSON bodies, read up to a limit: a framework's own reading would take any number of bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import IO, Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from scene_model.errors import BrokenRequest, RequestTooLarge, SenderSlow

Body = TypeVar("Body", bound=BaseModel)

_MAX_SMALL_BYTES = 1_000_000
_INLINE_BYTES = 65_536
# A sender that is slower than this, over so long a wait for it, has gone or holds a place that
# others want.
MIN_BYTES_PER_S, SLOW_S = 1_000, 20.0


def json_body(model: type[Body]) -> Callable[[Request], Coroutine[Any, Any, Body]]:
    """Make a dependency that reads a small JSON body; `body_of` documents it."""

    async def read(request: Request) -> Body:
        body = bytearray()
        async for piece in stream_of(request):
            body += piece
            if len(body) > _MAX_SMALL_BYTES:
                raise RequestTooLarge(
                    f"The request has more than {_MAX_SMALL_BYTES:,} bytes, the limit here."
                )
        try:
            return model.model_validate_json(bytes(body))
        except ValidationError as error:
            details = [{**said, "loc": ("body", *said["loc"])} for said in error.errors()]
            raise RequestValidationError(details) from error

    return read


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The request body of a route that reads its JSON itself, for the OpenAPI document."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # they are among the components: what is taken is also answered
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


async def read_into(request: Request, file: IO[bytes], max_bytes: int, setting: str) -> None:
    """Write a body to a file as it comes; raises RequestTooLarge, which names the setting."""
    received = 0
    length = request.headers.get("content-length", "")
    declared = int(length) if length.isdecimal() else 0
    too_large = RequestTooLarge(
        f"The request has more than {max_bytes:,} bytes, the limit. Send less at a time, or "
        f"raise {setting}."
    )
    if declared > max_bytes:
        raise too_large
    async for piece in stream_of(request):
        received += len(piece)
        if received > max_bytes:
            raise too_large
        if received > _INLINE_BYTES:
            await run_in_threadpool(file.write, piece)
        else:
            file.write(piece)


async def stream_of(request: Request) -> AsyncIterator[bytes]:
    """Yield a body's bytes as they come.

    Raises BrokenRequest when the sender breaks off, and SenderSlow when too few bytes come in
    `SLOW_S` of waiting for them; what the receiver does in between is not the sender's time.
    """
    stream, loop = request.stream(), asyncio.get_running_loop()
    waited_s, received = 0.0, 0
    while True:
        began = loop.time()
        try:
            async with asyncio.timeout(SLOW_S - waited_s):
                piece = await anext(stream, None)
        except TimeoutError as error:
            raise _too_slow(received) from error
        except ClientDisconnect as error:
            raise BrokenRequest("The sender broke off.") from error
        if piece is None:
            return
        waited_s += loop.time() - began
        received += len(piece)
        if received >= MIN_BYTES_PER_S * SLOW_S:
            waited_s, received = 0.0, 0
        elif waited_s >= SLOW_S:
            raise _too_slow(received)
        yield piece


def _too_slow(received: int) -> SenderSlow:
    return SenderSlow(
        f"{received:,} bytes came in {SLOW_S:,.0f} s; the least is {MIN_BYTES_PER_S:,} a second. "
        "Send the request again."
    )
