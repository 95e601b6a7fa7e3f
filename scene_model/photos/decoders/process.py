"""A decoder: a process that reads photos from standard input and answers with pixels."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from scene_model.errors import PhotoError, UnreadableFile
from scene_model.photos.decode import (
    MinimumSize,
    PhotoLimits,
    decode_picture,
    decoding_bytes,
    open_picture,
    reduced_size,
    require_memory,
)
from scene_model.photos.decoders.frames import Data, Fields, read_frame, write_frame
from scene_model.photos.metadata import read_metadata
from scene_model.photos.quality import measure_quality
from scene_model.photos.raw.kinds import RAW_FORMATS
from scene_model.photos.sniff import sniff
from scene_model.photos.video.film import decode_video
from scene_model.photos.wrapped import OpenedPicture

# The estimate, once more and some, for what codecs and their threads hold beside it.
_SLACK, _SLACK_BYTES = 1.3, 200_000_000


def main() -> None:
    """Answer one request after another until the server closes the pipe, or ends."""
    # What ends a service asks all of its processes to end, but the photos in work are finished.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a codec prints must not get between the replies
    while (frame := read_frame(requests)) is not None:
        write_frame(replies, *answer(*frame))


def answer(request: Fields, data: bytes) -> tuple[Fields, Data]:
    """Decode a photo, and return the fields of the answer and its pixels.

    If decoding takes more than ``lane_bytes`` of memory, the answer is how much: ``needs``. For a
    photo that cannot be used it is ``error`` and its message. ``hello`` is answered by the same:
    the process has started.
    """
    if "hello" in request:
        return request, b""
    if "video" in request:
        return _answer_video(request)
    limits = PhotoLimits(**request["limits"])
    minimum = None if request["minimum"] is None else MinimumSize(**request["minimum"])
    try:
        picture = _open(data, limits)
        needs = decoding_bytes(picture, minimum)
        require_memory(needs, limits)
        if needs > request["lane_bytes"]:
            return {"needs": needs}, b""
        with _memory_limit(int(_SLACK * needs) + _SLACK_BYTES):
            photo = decode_picture(picture, minimum)
            # After the pixels: reading EXIF loads a PNG and would suppress its decoding errors.
            metadata = read_metadata(picture, data)
            pixels = np.ascontiguousarray(photo.pixels).data.cast("B")
    except PhotoError as error:
        return {"error": type(error).__name__, "code": error.code, "message": error.message}, b""
    height, width = photo.pixels.shape[:2]
    fields = {
        "pixels": [height, width],
        "size": [photo.width, photo.height],
        "format": photo.format,
        "metadata": vars(metadata),
        # At full size it would take long, and nobody asks for it.
        "quality": None if minimum is None else vars(measure_quality(photo.pixels)),
    }
    return fields, pixels


def _answer_video(request: Fields) -> tuple[Fields, Data]:
    """Decode the frames of a video on disk; the answer has all of them, one after the other."""
    minimum = None if request["minimum"] is None else MinimumSize(**request["minimum"])

    def target(width: int, height: int) -> tuple[int, int]:
        return (width, height) if minimum is None else reduced_size(width, height, minimum)

    try:
        with _memory_limit(request["lane_bytes"]), _opened(Path(request["video"])) as file:
            video = decode_video(file, request["kind"], target, request["only_poster"])
            pixels = np.stack(video.frames)
    except PhotoError as error:
        return {"error": type(error).__name__, "code": error.code, "message": error.message}, b""
    fields = {
        "pixels": pixels.shape[:3],
        "poster": video.poster,
        "duration_s": video.duration_s,
        "size": [video.width, video.height],
        "format": request["kind"],
        "metadata": vars(video.metadata),
    }
    return fields, pixels.data.cast("B")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"The file cannot be read: {error.strerror}.") from error


def _open(data: bytes, limits: PhotoLimits) -> OpenedPicture:
    if sniff(data).name not in RAW_FORMATS:
        return open_picture(data, limits)
    with _memory_limit(_SLACK_BYTES):  # LibRaw takes out the preview while the file is opened
        return open_picture(data, limits)


@contextmanager
def _memory_limit(more_bytes: int) -> Iterator[None]:
    """Limit what this process may take in addition; where the system has no limit, do nothing."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    held = _data_bytes()
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (held + more_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _data_bytes() -> int:
    """Return the size of this process's data and stacks, as Linux counts it."""
    statm = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(statm, 200).split()[5]) * os.sysconf("SC_PAGE_SIZE")
    finally:
        os.close(statm)
