"""The replies of a decoder, waited for with a limit of time.

Where the system can wait for a pipe, the thread that asked reads the reply itself: to hand it from
one thread to another costs a small photo a tenth of its time. On Windows a thread reads.
"""

import contextlib
import os
import queue
import select
import sys
import threading
import time
from typing import IO, Protocol

from scene_model.photos.decoders.frames import LENGTHS, Data, Fields, fields_of, read_frame

# The pixels of an ordinary photo fit in; without it, pipes hold 64 kB.
_PIPE_BYTES = 1_000_000

Reply = tuple[Fields, Data]


class Replies(Protocol):
    """Reads the replies of one decoder."""

    def next(self, seconds: float) -> Reply | None:
        """Wait for the next reply; None when the decoder has ended. Raises TimeoutError."""

    def close(self) -> None:
        """Close the pipe, when the decoder has ended."""


class PolledReplies:
    """Reads in the thread that waits."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._received = b""
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)
        if sys.platform == "linux":
            import fcntl

            # The system limits the size of a pipe, and that of all pipes of a user together.
            with contextlib.suppress(OSError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def next(self, seconds: float) -> Reply | None:
        """Poll the pipe and read what has come, until the reply is whole or the time is over."""
        until = time.monotonic() + seconds
        if not self._receive(LENGTHS.size, until):
            return None
        text_bytes, data_bytes = LENGTHS.unpack_from(self._received)
        data_at = LENGTHS.size + text_bytes
        end = data_at + data_bytes
        if not self._receive(end, until):
            return None
        reply, self._received = self._received, self._received[end:]
        try:
            return fields_of(reply[LENGTHS.size : data_at]), memoryview(reply)[data_at:end]
        except ValueError:
            return None

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()

    def _receive(self, count: int, until: float) -> bool:
        """Read until at least ``count`` bytes are there; False when the pipe ends before."""
        parts, missing = [self._received], count - len(self._received)
        while missing > 0:
            remaining_ms = 1000 * (until - time.monotonic())
            if remaining_ms <= 0 or not self._poll.poll(remaining_ms):
                raise TimeoutError
            part = os.read(self._pipe.fileno(), _PIPE_BYTES)
            if not part:
                return False
            parts.append(part)
            missing -= len(part)
        self._received = b"".join(parts) if len(parts) > 1 else parts[0]
        return True


class ThreadedReplies:
    """Reads in a thread of its own."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(pipe, self._replies), daemon=True).start()

    def next(self, seconds: float) -> Reply | None:
        """Wait for what the thread has read."""
        try:
            return self._replies.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None

    def close(self) -> None:
        """Do nothing: the thread closes the pipe, which ends with the decoder."""


def _read(pipe: IO[bytes], replies: "queue.SimpleQueue[Reply | None]") -> None:
    with pipe:
        while True:
            try:
                reply = read_frame(pipe)
            except (OSError, ValueError):
                reply = None
            replies.put(reply)
            if reply is None:
                return


def replies_of(pipe: IO[bytes]) -> Replies:
    """Read a decoder's replies in the way that this system has."""
    return PolledReplies(pipe) if hasattr(select, "poll") else ThreadedReplies(pipe)
