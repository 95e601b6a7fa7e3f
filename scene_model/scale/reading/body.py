"""The body of an answer from an object store or a web server."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from scene_model.errors import FetchError

# What is asked for again after a pause; other errors would only be the same.
RETRIED_CODES = frozenset({"store_unavailable", "timed_out", "truncated"})
# Pauses before the second and the third attempt, in seconds; halved or doubled at random, so that
# a thousand workers do not come back at the same moment.
_PAUSES_S = (0.5, 2.0)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Body:
    """An answer whose body is read when its pieces are taken.

    file_bytes: the size of the whole file; None where the server does not say. version: its ETag,
    or what else tells that it changed; empty where the server does not say. pieces: the bytes that
    were asked for; raises FetchError. close: must be called in the end.
    """

    file_bytes: int | None
    version: str
    pieces: Iterator[bytes]
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class ByteRange:
    """A part of a file of a version: [start, end)."""

    start: int
    end: int
    version: str


def truncated(url: str, received: int, announced: int) -> FetchError:
    """Return the error for a body that ends too early."""
    return FetchError(
        f"{host_of(url)} ended after {received:,} of {announced:,} bytes. Try it again later.",
        code="truncated",
    )


def host_of(url: str) -> str:
    """Return scheme and host of a URL, or scheme and bucket: messages repeat no keys and tokens."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def attempted(ask: Callable[[], _Answer], wait: Callable[[float], object] = time.sleep) -> _Answer:
    """Ask up to three times, with pauses; raises the last FetchError.

    wait: pauses for so many seconds, or less.
    """
    for pause_s in _PAUSES_S:
        try:
            return ask()
        except FetchError as error:
            if error.code not in RETRIED_CODES:
                raise
        wait(pause_s * random.uniform(0.5, 2))  # noqa: S311 - no secret
    return ask()
