"""A relay between a browser and a server that cuts all connections, as a lost Wi-Fi does."""

import asyncio
import socket
import struct
import threading
from collections.abc import Sequence

_CHUNK_BYTES = 65_536


class CutRelay:
    """Passes bytes on, until so many have gone to the server; then all connections are reset.

    cut_after: how many bytes in all, for each cut. down_s: how long nothing is let through after
    each cut; 0 to accept the next connection at once.
    """

    def __init__(self, target: tuple[str, int], cut_after: Sequence[int], down_s: Sequence[float]):
        self.cuts = 0
        self._target, self._cut_after, self._down_s = target, list(cut_after), list(down_s)
        self.sent_bytes, self._up_at = 0, 0.0
        self._writers = set[asyncio.StreamWriter]()
        self._loop = asyncio.new_event_loop()
        # Playwright runs a loop in the thread of the test.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        start = asyncio.start_server(self._relay, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._loop.time() < self._up_at:
            _reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, up_writer}
        await asyncio.gather(
            self._pass(reader, up_writer, is_up=True),
            self._pass(up_reader, writer, is_up=False),
            return_exceptions=True,
        )
        for end in (writer, up_writer):
            end.close()
            self._writers.discard(end)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_up: bool
    ) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            if is_up:
                self.sent_bytes += len(data)
                if self._cut_after and self.sent_bytes >= self._cut_after[0]:
                    self._cut()
                    return
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def _cut(self) -> None:
        self._cut_after.pop(0)
        self.cuts += 1
        self._up_at = self._loop.time() + (self._down_s.pop(0) if self._down_s else 0.0)
        self._reset_all()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            _reset(writer)
        self._writers.clear()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection at once, with what was not yet sent thrown away."""
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
