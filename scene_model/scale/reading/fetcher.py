"""Fetch the content of items: what is read whole into memory, and videos into a temporary file."""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import FetchError, PhotoError, UnreadableFile
from scene_model.photos.content import (
    Content,
    VideoContent,
    check_video_bytes,
    content_bytes,
    read_content,
)
from scene_model.photos.decode import PhotoLimits, check_file_bytes
from scene_model.photos.decoders.memory_budget import MemoryBudget
from scene_model.photos.hashes import file_content_hash
from scene_model.photos.sniff import FileKind, sniff
from scene_model.photos.video.kinds import VIDEO_FORMATS, VIDEO_SUFFIXES
from scene_model.scale.items import SourceItem
from scene_model.scale.reading.blocks import RemoteBlocks
from scene_model.scale.reading.body import Body, attempted, host_of
from scene_model.scale.reading.remote import RemoteFiles

_IN_FLIGHT_BYTES = 256_000_000
# What counts for a picture of unknown size.
_USUAL_BYTES = 16_000_000
_TOTAL_FACTOR = 20
_LOCAL_PIECE_BYTES = 1 << 20
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class FetchedContent:
    """Content of an item. version: of what was read."""

    content: Content
    version: str

    @property
    def bytes(self) -> int:
        """Its size."""
        return content_bytes(self.content)


class Fetcher:
    """Reads items, each up to three times; safe to share between threads.

    The bytes of pictures in memory at the same time are bounded; who would exceed that waits.
    """

    def __init__(self, limits: PhotoLimits, timeout_s: float) -> None:
        """timeout_s: the longest wait for the next bytes of a server."""
        self._limits, self._timeout_s = limits, timeout_s
        self.remote = RemoteFiles(timeout_s)
        self._blocks = RemoteBlocks(self.remote)
        self._budget = MemoryBudget(_IN_FLIGHT_BYTES)

    @contextlib.contextmanager
    def fetched(
        self, item: SourceItem, stop: threading.Event | None = None
    ) -> Iterator[FetchedContent]:
        """Hold the content of an item; leaving the block lets it go.

        stop: ends the pauses between attempts. Raises PhotoError.
        """
        if item.error is not None:
            error = PhotoError(item.error.message)
            error.code = item.error.code
            raise error
        with self._budget.reserve(_memory_bytes(item)):
            content = attempted(lambda: self._fetch(item), (stop or threading.Event()).wait)
            try:
                yield content
            finally:
                if isinstance(content.content, VideoContent) and _is_remote(item):
                    content.content.path.unlink(missing_ok=True)

    def _fetch(self, item: SourceItem) -> FetchedContent:
        if not _is_remote(item):
            path = Path(item.location)
            version = item.version or file_version(path)
            return FetchedContent(read_content(path, self._limits), version)
        body = self._body(item)
        try:
            return FetchedContent(self._received(item, body), body.version)
        finally:
            body.close()

    def _body(self, item: SourceItem) -> Body:
        place, size = item.place, item.size
        if place is None or size is None:
            return self.remote.open(item.location)
        if "://" in place.tar:
            end = place.offset + size
            pieces = self._blocks.pieces(place.tar, place.version, place.offset, end)
        else:
            pieces = _local_pieces(Path(place.tar), place.version, place.offset, size)
        return Body(size, item.version, pieces)

    def _received(self, item: SourceItem, body: Body) -> Content:
        """Read a body into memory, or a video into a temporary file."""
        deadline = time.monotonic() + self._timeout_s * _TOTAL_FACTOR
        head = bytearray()
        pieces = iter(body.pieces)
        for piece in pieces:
            head += piece
            if len(head) >= _HEAD_BYTES:
                break
            _check_deadline(item, deadline)
        sniffed = sniff(bytes(head[:_HEAD_BYTES]))
        is_video = sniffed.kind is FileKind.VIDEO and sniffed.name in VIDEO_FORMATS
        if is_video:
            return self._video(item, body, bytes(head), pieces, sniffed.name, deadline)
        check_file_bytes(body.file_bytes or len(head), self._limits)
        for piece in pieces:
            head += piece
            check_file_bytes(len(head), self._limits)
            _check_deadline(item, deadline)
        return bytes(head)

    def _video(
        self,
        item: SourceItem,
        body: Body,
        head: bytes,
        pieces: Iterator[bytes],
        kind: str,
        deadline: float,
    ) -> VideoContent:
        check_video_bytes(body.file_bytes or 0, self._limits)
        path: Path | None = None
        try:
            handle, name = tempfile.mkstemp(prefix="scene-gallery-", suffix=".video")
            path = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(head)
                for piece in pieces:
                    file.write(piece)
                    check_video_bytes(file.tell(), self._limits)
                    _check_deadline(item, deadline)
                file_bytes = file.tell()
            return VideoContent(path, file_content_hash(path), file_bytes, kind)
        except BaseException as error:
            if path is not None:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise UnreadableFile(
                    f"The video cannot be kept in {tempfile.gettempdir()} while it is decoded: "
                    f"{error.strerror}."
                ) from error
            raise


def file_version(path: Path) -> str:
    """Return size and time of modification of a file as text; empty where it has none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _is_remote(item: SourceItem) -> bool:
    """Return whether an item is read through a body, and not by its path."""
    return item.place is not None or "://" in item.location


def _memory_bytes(item: SourceItem) -> int:
    if Path(item.location).suffix.lower() in VIDEO_SUFFIXES:
        return _LOCAL_PIECE_BYTES
    return _USUAL_BYTES if item.size is None else item.size


def _local_pieces(path: Path, version: str, offset: int, size: int) -> Iterator[bytes]:
    """Yield the bytes of a tar's member; raises UnreadableFile."""
    try:
        with path.open("rb") as file:
            if file_version(path) != version:
                raise UnreadableFile(
                    "The tar changed after it was listed. Run the batch again.",
                    code="file_changing",
                )
            file.seek(offset)
            while size > 0:
                piece = file.read(min(size, _LOCAL_PIECE_BYTES))
                if not piece:
                    raise UnreadableFile("The tar ends before this picture does.")
                yield piece
                size -= len(piece)
    except OSError as error:
        raise UnreadableFile(f"The tar cannot be read: {error.strerror}.") from error


def _check_deadline(item: SourceItem, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise FetchError(
            f"{host_of(item.location)} sends too slowly. Raise SCENE_FETCH_TIMEOUT_S to wait "
            "longer.",
            code="timed_out",
        )
