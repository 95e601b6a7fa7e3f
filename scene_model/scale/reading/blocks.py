"""Blocks of remote tars: read in order, so that neighbours in a tar share one request."""

import threading
from collections import OrderedDict
from collections.abc import Iterator

from scene_model.errors import FetchError
from scene_model.scale.reading.body import ByteRange, truncated
from scene_model.scale.reading.remote import RemoteFiles

BLOCK_BYTES = 4 << 20
# Kept for members that several threads read: 48 MB.
_KEPT_BLOCKS = 12

_Key = tuple[str, str, int]


class RemoteBlocks:
    """The blocks read last; each is requested once while it is kept; safe to share."""

    def __init__(self, remote: RemoteFiles) -> None:
        """remote: what requests them."""
        self._remote = remote
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._locks: dict[_Key, threading.Lock] = {}
        self._lock = threading.Lock()
        self.bytes_read = 0

    def pieces(self, url: str, version: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes [start, end) of a file of a version; raises FetchError."""
        while start < end:
            index, skipped = divmod(start, BLOCK_BYTES)
            piece = self._block((url, version, index))[skipped : skipped + end - start]
            if not piece:
                raise truncated(url, start, end)
            yield piece
            start += len(piece)

    def _block(self, key: _Key) -> bytes:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        try:
            with lock:
                with self._lock:
                    if key in self._kept:
                        self._kept.move_to_end(key)
                        return self._kept[key]
                block = self._requested(key)
                with self._lock:
                    self._kept[key] = block
                    while len(self._kept) > _KEPT_BLOCKS:
                        self._kept.popitem(last=False)
                return block
        finally:
            with self._lock:
                self._locks.pop(key, None)

    def _requested(self, key: _Key) -> bytes:
        url, version, index = key
        start = index * BLOCK_BYTES
        body = self._remote.open(url, ByteRange(start, start + BLOCK_BYTES, version))
        try:
            block = b"".join(body.pieces)
        finally:
            body.close()
        if body.file_bytes is not None and len(block) != min(BLOCK_BYTES, body.file_bytes - start):
            raise FetchError("The tar changed while it was read. Run the batch again.", "changed")
        return block
