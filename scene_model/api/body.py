"""JSON bodies, read up to a limit: a framework's own reading would take any number of bytes."""

from collections.abc import Callable, Coroutine
from typing import IO, Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from scene_model.errors import BrokenRequest, RequestTooLarge

Body = TypeVar("Body", bound=BaseModel)

_MAX_SMALL_BYTES = 1_000_000
_INLINE_BYTES = 65_536


def json_body(model: type[Body]) -> Callable[[Request], Coroutine[Any, Any, Body]]:
    """Make a dependency that reads a small JSON body; `body_of` documents it."""

    async def read(request: Request) -> Body:
        body = bytearray()
        try:
            async for piece in request.stream():
                body += piece
                if len(body) > _MAX_SMALL_BYTES:
                    raise RequestTooLarge(
                        f"The request has more than {_MAX_SMALL_BYTES:,} bytes, the limit here."
                    )
        except ClientDisconnect as error:
            raise BrokenRequest("The sender broke off.") from error
        try:
            return model.model_validate_json(bytes(body))
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from error

    return read


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The request body of a route that reads its JSON itself, for the OpenAPI document."""
    content = {"application/json": {"schema": model.model_json_schema()}}
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
    try:
        async for piece in request.stream():
            received += len(piece)
            if received > max_bytes:
                raise too_large
            if received > _INLINE_BYTES:
                await run_in_threadpool(file.write, piece)
            else:
                file.write(piece)
    except ClientDisconnect as error:
        raise BrokenRequest("The sender broke off.") from error
