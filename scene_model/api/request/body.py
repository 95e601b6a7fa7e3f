"""JSON bodies with a size limit: the framework's own reading has none."""

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
# The minimum rate of a sender, measured over SLOW_TIMEOUT_S of waiting for it. Slower requests are
# ended, since they occupy places in the queue.
MIN_BYTES_PER_S, SLOW_TIMEOUT_S = 1_000, 20.0


def json_body(model: type[Body]) -> Callable[[Request], Coroutine[Any, Any, Body]]:
    """Return a dependency that reads a JSON body of at most 1 MB; `body_of` documents it."""

    async def read(request: Request) -> Body:
        body = bytearray()
        async for chunk in stream_body(request):
            body += chunk
            if len(body) > _MAX_SMALL_BYTES:
                raise RequestTooLarge(
                    f"The request body is larger than the limit of {_MAX_SMALL_BYTES:,} bytes."
                )
        try:
            return model.model_validate_json(bytes(body))
        except ValidationError as error:
            details = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
            raise RequestValidationError(details) from error

    return read


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI request body of a route that reads its JSON itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # responses define the same models as components
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


async def read_into(request: Request, file: IO[bytes], max_bytes: int, setting: str) -> None:
    """Write a body to a file as it arrives; raises RequestTooLarge, which names the setting."""
    received = 0
    length = request.headers.get("content-length", "")
    declared = int(length) if length.isdecimal() else 0
    too_large = RequestTooLarge(
        f"The request body is larger than the limit of {max_bytes:,} bytes. Send less per "
        f"request, or raise {setting}."
    )
    if declared > max_bytes:
        raise too_large
    async for chunk in stream_body(request):
        received += len(chunk)
        if received > max_bytes:
            raise too_large
        if received > _INLINE_BYTES:
            await run_in_threadpool(file.write, chunk)
        else:
            file.write(chunk)


def require_few_values(body: bytes, limit: int) -> None:
    """Raise BrokenRequest before a JSON body with many values is parsed.

    64 MB of empty lists would take 1.5 GB as objects. Counted is what stands between values, in
    strings too, so that the limit must leave room.
    """
    count = body.count(b",") + body.count(b"[") + body.count(b"{")
    if count > limit:
        raise BrokenRequest(
            f"The request has more than {limit:,} JSON values. Send only what is documented."
        )


async def stream_body(request: Request) -> AsyncIterator[bytes]:
    """Yield a body's chunks as they arrive.

    Raises BrokenRequest when the sender disconnects, and SenderSlow when it sends fewer than
    `MIN_BYTES_PER_S` over `SLOW_TIMEOUT_S` of waiting; the receiver's own work does not count.
    """
    stream, loop = request.stream(), asyncio.get_running_loop()
    waited_s, received = 0.0, 0
    while True:
        started = loop.time()
        try:
            async with asyncio.timeout(SLOW_TIMEOUT_S - waited_s):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            raise _too_slow(received) from error
        except ClientDisconnect as error:
            raise BrokenRequest("The sender disconnected.") from error
        if chunk is None:
            return
        waited_s += loop.time() - started
        received += len(chunk)
        if received >= MIN_BYTES_PER_S * SLOW_TIMEOUT_S:
            waited_s, received = 0.0, 0
        elif waited_s >= SLOW_TIMEOUT_S:
            raise _too_slow(received)
        yield chunk


def _too_slow(received: int) -> SenderSlow:
    return SenderSlow(
        f"{received:,} bytes arrived in {SLOW_TIMEOUT_S:,.0f} s; the minimum is "
        f"{MIN_BYTES_PER_S:,} bytes per second. Send the request again."
    )
