"""Both ways to wait for a decoder's reply: whole frames, ends, and limits of time."""

import errno
import os
import select
import sys
from collections.abc import Iterator
from typing import IO

import pytest

from scene_model.photos.decoders.frames import LENGTHS, write_frame
from scene_model.photos.decoders.replies import PolledReplies, Replies, ThreadedReplies

WAYS = [
    pytest.param(
        PolledReplies,
        marks=pytest.mark.skipif(not hasattr(select, "poll"), reason="no poll on this system"),
        id="polled",
    ),
    pytest.param(ThreadedReplies, id="threaded"),
]


@pytest.fixture(params=WAYS)
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[IO[bytes], Replies]]:
    """The decoder's end of a pipe, and the replies read from the other."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as decoder:
        replies = request.param(os.fdopen(reader, "rb"))
        yield decoder, replies
    replies.close()


def test_whole_replies(ends: tuple[IO[bytes], Replies]) -> None:
    decoder, replies = ends
    write_frame(decoder, {"pixels": [1, 1]}, b"rgb")
    write_frame(decoder, {"error": "DamagedPhoto"})
    assert replies.next(60) == ({"pixels": [1, 1]}, b"rgb")
    assert replies.next(60) == ({"error": "DamagedPhoto"}, b"")


def test_a_decoder_that_ends(ends: tuple[IO[bytes], Replies]) -> None:
    decoder, replies = ends
    decoder.write(LENGTHS.pack(100, 0) + b"{")
    decoder.close()
    assert replies.next(60) is None


def test_fields_that_are_no_json(ends: tuple[IO[bytes], Replies]) -> None:
    decoder, replies = ends
    decoder.write(LENGTHS.pack(3, 0) + b"{{{")
    decoder.close()
    assert replies.next(60) is None


@pytest.mark.parametrize("begun", [b"", LENGTHS.pack(100, 0) + b"{"])
def test_a_decoder_that_answers_nothing_or_half(
    ends: tuple[IO[bytes], Replies], begun: bytes
) -> None:
    decoder, replies = ends
    decoder.write(begun)
    decoder.flush()
    with pytest.raises(TimeoutError):
        replies.next(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of a size")
def test_a_system_that_grants_no_larger_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    reader, writer = os.pipe()
    replies = PolledReplies(os.fdopen(reader, "rb"))
    with os.fdopen(writer, "wb") as decoder:
        write_frame(decoder, {"hello": True})
        assert replies.next(60) == ({"hello": True}, b"")
    replies.close()
