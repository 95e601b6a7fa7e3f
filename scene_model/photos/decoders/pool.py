"""The decoders of a server: two lanes, so that costly photos never hold up ordinary ones.

An ordinary photo is decoded in the first lane. One that takes much memory, by its header, or that
took too long there, goes to the second, which has less priority, a limit of time, and a limit of
memory for all its photos together. A decoder that exceeds its time is killed and replaced.
"""

import contextlib
import logging
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from scene_model import errors
from scene_model.errors import DecodingStopped, PhotoError
from scene_model.photos.content import VideoContent
from scene_model.photos.decode import DecodedPhoto, MinimumSize, PhotoLimits, check_file_bytes
from scene_model.photos.decoders.frames import Data, Fields, write_frame
from scene_model.photos.decoders.memory_budget import MemoryBudget
from scene_model.photos.decoders.replies import Replies, replies_of
from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.quality import PictureQuality

# A decoder that held more than this ends after the photo, and its memory returns to the system.
_RETIRE_BYTES = 200_000_000
_START_S = 60.0
_VIDEO_S = 9.0
# What one video may take while it is decoded.
_VIDEO_BYTES = 300_000_000

logger = logging.getLogger(__name__)

_ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, PhotoError)
}
_PACKAGE_PARENT = Path(__file__).resolve().parents[3]
_PROGRAM = """
import os, sys
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
sys.path.insert(0, sys.argv[1])
if len(sys.argv) > 2 and hasattr(os, "nice"):
    os.nice(int(sys.argv[2]))
from scene_model.photos.decoders.process import main
main()
"""


@dataclass(frozen=True)
class DecodedFile:
    """A decoded photo and its metadata."""

    photo: DecodedPhoto
    metadata: PhotoMetadata


class _Stopped(Exception):
    """A decoder was killed for its time, or ended by itself."""


class Decoders:
    """Processes that decode photos; started when first needed; safe to share between threads."""

    def __init__(
        self,
        limits: PhotoLimits,
        processes: int,
        aside: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        ordinary_bytes: int = 100_000_000,
        ordinary_s: float = 2.0,
    ) -> None:
        """Prepare up to ``processes`` decoders for ordinary photos, and as many for costly ones.

        aside: entered while a thread waits for a costly photo; it may give up its place to
        another meanwhile. ordinary_bytes, ordinary_s: the memory and time of an ordinary photo; a
        HEIC of 24 megapixels takes 216 MB.
        """
        self.limits = limits
        self._ordinary, self._costly = _Lane(processes), _Lane(processes, niceness=5)
        self._memory = MemoryBudget(limits.max_decoding_bytes)
        self._aside = aside
        self._ordinary_bytes, self._ordinary_s = ordinary_bytes, ordinary_s

    def decode(
        self,
        data: bytes,
        minimum: MinimumSize | None = MinimumSize(),  # noqa: B008 - frozen
        limits: PhotoLimits | None = None,
    ) -> DecodedFile:
        """Decode a photo and read its metadata.

        minimum: as `decode_photo`'s. limits: instead of this object's. Raises PhotoError.
        """
        limits = limits or self.limits
        check_file_bytes(len(data), limits)
        request: Fields = {
            "limits": vars(limits),
            "minimum": None if minimum is None else vars(minimum),
            "lane_bytes": self._ordinary_bytes,
        }
        needs = self._ordinary_bytes
        try:
            fields, pixels = self._ordinary.ask(request, data, self._ordinary_s)
            if "needs" not in fields:
                return _decoded_file(fields, pixels)
            needs = int(fields["needs"])
        except _Stopped as stop:
            # Not the photo's end: it gets more time, and another decoder, in the second lane.
            logger.info("a decoder is replaced: %s", stop)
        request["lane_bytes"] = max(needs, self._ordinary_bytes)
        with self._aside(), self._memory.reserve(needs):
            try:
                fields, pixels = self._costly.ask(
                    request, data, limits.max_decoding_s, retire=needs > _RETIRE_BYTES
                )
            except _Stopped as stop:
                logger.warning("a decoder is replaced: %s", stop)
                raise DecodingStopped(str(stop)) from None
        return _decoded_file(fields, pixels)

    def decode_video(
        self,
        video: VideoContent,
        minimum: MinimumSize | None = MinimumSize(),  # noqa: B008 - frozen
        only_poster: bool = False,
    ) -> DecodedFile:
        """Decode up to four frames of a video, and read its metadata.

        minimum: as `decode_photo`'s. only_poster: without the other frames. Raises PhotoError.
        """
        request: Fields = {
            "video": str(video.path.absolute()),
            "kind": video.kind,
            "minimum": None if minimum is None else vars(minimum),
            "only_poster": only_poster,
            "lane_bytes": _VIDEO_BYTES,
        }
        seconds = min(_VIDEO_S, self.limits.max_decoding_s)
        with self._aside(), self._memory.reserve(_VIDEO_BYTES):
            try:
                fields, pixels = self._costly.ask(request, b"", seconds)
            except _Stopped as stop:
                logger.warning("a decoder is replaced: %s", stop)
                raise DecodingStopped(
                    f"Decoding the video ({video.kind}) takes longer than {seconds:,.0f} s, or "
                    "more memory than it may. Convert it to MP4 and add that."
                ) from None
        return _decoded_video(fields, pixels)

    @property
    def process_ids(self) -> list[int]:
        """Return the ids of the idle processes."""
        return self._ordinary.process_ids + self._costly.process_ids

    def close(self) -> None:
        """End the processes, those in work after their photo."""
        self._ordinary.close()
        self._costly.close()


class _Lane:
    def __init__(self, processes: int, niceness: int = 0) -> None:
        self._places = threading.Semaphore(processes)
        self._idle: deque[_Decoder] = deque()
        self._niceness = niceness
        self._is_closed = False

    def ask(
        self, request: Fields, data: bytes, seconds: float, retire: bool = False
    ) -> tuple[Fields, Data]:
        """Send a request to a free decoder; raises _Stopped.

        retire: end the decoder afterwards.
        """
        with self._places:
            try:
                decoder = self._idle.pop()
            except IndexError:
                decoder = _started(self._niceness)
            try:
                reply = decoder.ask(request, data, seconds)
            except BaseException:
                decoder.close()
                raise
            if retire or self._is_closed:
                decoder.close()
            else:
                self._idle.append(decoder)
            return reply

    @property
    def process_ids(self) -> list[int]:
        return [decoder.process_id for decoder in tuple(self._idle)]

    def close(self) -> None:
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()


class _Decoder:
    """One process, with the pipes to it and from it."""

    def __init__(self, niceness: int) -> None:
        arguments = [] if niceness == 0 else [str(niceness)]
        # Ctrl-C is for the server to handle.
        new_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        process = subprocess.Popen(  # noqa: S603 - this interpreter and the program above
            [sys.executable, "-P", "-c", _PROGRAM, str(_PACKAGE_PARENT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Codecs write a line for each damaged photo: nobody shall fill the log with them.
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=new_group,
        )
        self._requests = cast(IO[bytes], process.stdin)
        self._replies = replies_of(cast(IO[bytes], process.stdout))
        self._is_started = False
        self.process_id = process.pid
        self.close = weakref.finalize(self, _end, process, self._requests, self._replies)

    def ask(self, request: Fields, data: bytes, seconds: float) -> tuple[Fields, Data]:
        """Send a request and wait for the reply; raises _Stopped."""
        try:
            if not self._is_started:
                # The time of a photo does not include the start of the process.
                write_frame(self._requests, {"hello": True})
                self._wait(_START_S, "The decoder did not start for")
                self._is_started = True
            write_frame(self._requests, request, data)
        except OSError:
            raise _Stopped("The decoder ended while it read the picture.") from None
        return self._wait(seconds, "Decoding the picture takes longer than")

    def _wait(self, seconds: float, what: str) -> tuple[Fields, Data]:
        try:
            reply = self._replies.next(seconds)
        except TimeoutError:
            raise _Stopped(
                f"{what} {seconds:,.0f} s (SCENE_MAX_DECODING_S). Save it as JPEG, or make it "
                "smaller, and send that."
            ) from None
        if reply is None:
            raise _Stopped(
                "The decoder ended while it decoded the picture, which may be damaged or need too "
                "much memory. Save it as JPEG and send that."
            )
        return reply


def _started(niceness: int) -> _Decoder:
    try:
        return _Decoder(niceness)
    except OSError as error:
        raise _Stopped(
            f"No decoder can be started: {error.strerror}. Try again when the computer has more "
            "memory and processes free."
        ) from error


def _end(process: "subprocess.Popen[bytes]", requests: IO[bytes], replies: Replies) -> None:
    process.kill()
    with contextlib.suppress(OSError):
        requests.close()
    process.wait()
    replies.close()


def _raise_error_in(fields: Fields) -> None:
    """Raise the PhotoError that a reply names."""
    if "error" in fields:
        kind = _ERRORS.get(fields["error"], PhotoError)
        raise kind(fields["message"], fields["code"] if fields["code"] in kind.codes else None)


def _decoded_file(fields: Fields, pixels: Data) -> DecodedFile:
    """Build the result from a reply; raises the PhotoError that it names."""
    _raise_error_in(fields)
    height, width = fields["pixels"]
    shape = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    original_width, original_height = fields["size"]
    quality = fields["quality"] and PictureQuality(**fields["quality"])
    size = (original_width, original_height)
    photo = DecodedPhoto(shape, *size, fields["format"], quality=quality)
    return DecodedFile(photo, PhotoMetadata(**fields["metadata"]))


def _decoded_video(fields: Fields, pixels: Data) -> DecodedFile:
    """Build the result from a reply on a video; raises the PhotoError that it names."""
    _raise_error_in(fields)
    frames = tuple(np.frombuffer(pixels, np.uint8).reshape(*fields["pixels"], 3))
    width, height = fields["size"]
    photo = DecodedPhoto(
        frames[fields["poster"]], width, height, fields["format"], frames, fields["duration_s"]
    )
    return DecodedFile(photo, PhotoMetadata(**fields["metadata"]))
