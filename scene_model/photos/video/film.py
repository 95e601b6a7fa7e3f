"""Frames of a video by FFmpeg (PyAV): four over its length, upright, at the size that is enough.

FFmpeg is loaded with the first video, and only where photos are decoded: in the decoders.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from scene_model.errors import (
    DamagedPhoto,
    DecodingStopped,
    NotAPicture,
    PhotoError,
    TooManyPixels,
    UnsupportedPicture,
)
from scene_model.photos.colours import Pixels
from scene_model.photos.metadata import PhotoMetadata
from scene_model.photos.video.container import video_metadata
from scene_model.photos.video.extent import require_whole
from scene_model.photos.video.frames import FrameShape, check_frame_size, contrast_of
from scene_model.photos.video.kinds import FRAME_COUNT

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

_DEMUXERS = {"AVI": "avi", "MKV": "matroska", "WEBM": "matroska"}
_ISO_DEMUXER = "mov"
# What cameras, phones and programs for video write; FFmpeg reads hundreds more.
_CODECS = frozenset(
    "h264 hevc libdav1d av1 vp8 vp9 libvpx libvpx-vp9 mpeg4 mpeg2video mpeg1video h263 mjpeg "
    "mjpegb prores dvvideo msmpeg4v1 msmpeg4v2 msmpeg4 wmv1 wmv2 svq1 svq3 cinepak theora "
    "rawvideo dnxhd cfhd huffyuv ffv1 qtrle".split()
)
# Each frame is decoded from the key frame before it, at most so many pixels; then the last one
# that was reached counts. A number of pixels, not a time: a slow computer shows the same frames.
_STEP_PIXELS, _MAX_STEPS = 60_000_000, 250
_MAX_DAMAGED_PACKETS = 50
# After it, the file seems to end, so that FFmpeg returns what it has.
_READING_S = 6.0
# Where the duration is not stated, packets are read up to here.
_SCANNED_BYTES, _MAX_DURATION_S = 64_000_000, 10.0 * 365 * 86_400
# A frame with less contrast is black or all of one colour, and no good poster.
_MIN_CONTRAST = 10.0

TargetSize = Callable[[int, int], tuple[int, int]]
"""From width and height of the video, upright, to those of the frames."""


@dataclass(frozen=True)
class DecodedVideo:
    """Frames of a video, upright.

    frames: in their order, each of shape (height, width, 3), uint8, RGB. poster: index of the one
    that stands for the video. width, height: of the video. duration_s: None where it is not stated
    and cannot be read within bounds.
    """

    frames: tuple[Pixels, ...]
    poster: int
    width: int
    height: int
    duration_s: float | None
    metadata: PhotoMetadata


def decode_video(
    file: BinaryIO, kind: str, target: TargetSize, only_poster: bool = False
) -> DecodedVideo:
    """Decode up to four frames of a video; only local data of this file are read.

    kind: one of `VIDEO_FORMATS`. only_poster: decode no frame after the poster. Raises PhotoError.
    """
    import av

    require_whole(file, kind)
    file.seek(0)
    source = _Source(file, time.monotonic() + _READING_S)
    try:
        with av.open(
            source,
            format=_DEMUXERS.get(kind, _ISO_DEMUXER),
            metadata_errors="replace",
            options={"protocol_whitelist": "none", "codec_whitelist": ",".join(sorted(_CODECS))},
        ) as container:
            return _Film(cast("InputContainer", container), source, kind).decode(
                target, only_poster
            )
    except PhotoError:
        raise
    except MemoryError as error:
        raise TooManyPixels(
            f"Decoding the video ({kind}) takes more memory than a decoder may use. Make it "
            "smaller and add that.",
            code="too_much_memory",
        ) from error
    except (av.FFmpegError, OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
        raise _damaged(source, kind) from error


class _Source:
    """A file that ends when its time is over: FFmpeg stops reading, and keeps what it has."""

    def __init__(self, file: BinaryIO, deadline: float) -> None:
        """deadline: of `time.monotonic`."""
        self._file, self._deadline = file, deadline
        self.is_over, self.read_bytes = False, 0

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes; none after the deadline."""
        if self.is_over or time.monotonic() > self._deadline:
            self.is_over = True
            return b""
        data = self._file.read(size)
        self.read_bytes += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()


class _Film:
    def __init__(self, container: "InputContainer", source: _Source, kind: str) -> None:
        self._container, self._source, self._kind = container, source, kind
        self._stream = self._picture_stream()

    def decode(self, target: TargetSize, only_poster: bool) -> DecodedVideo:
        shape = FrameShape.of(self._stream, None)
        check_frame_size(*shape.coded)
        duration_s = self._duration()
        pixels: list[Pixels] = []
        contrasts: list[float] = []
        for frame in self._frames(duration_s):
            if not pixels:
                shape = FrameShape.of(self._stream, frame)
                check_frame_size(*shape.coded)
            pixels.append(shape.pixels_of(frame, *target(*shape.upright)))
            contrasts.append(contrast_of(frame))
            if only_poster and contrasts[-1] >= _MIN_CONTRAST:
                break
        if not pixels:
            raise _damaged(self._source, self._kind)
        good = [index for index, value in enumerate(contrasts) if value >= _MIN_CONTRAST]
        tags = {**self._stream.metadata, **self._container.metadata}
        return DecodedVideo(
            tuple(pixels),
            good[0] if good else 0,
            *shape.upright,
            duration_s,
            video_metadata(tags),
        )

    def _picture_stream(self) -> "VideoStream":
        from av.stream import Disposition

        for stream in self._container.streams.video:
            if not stream.disposition & Disposition.attached_pic:  # the cover of a sound file
                break
        else:
            raise NotAPicture(
                f"The file ({self._kind}) has no moving picture, only sound or other data."
            )
        codec: Any = stream.codec_context
        if codec is None or codec.name not in _CODECS:
            name = "an unknown codec" if codec is None else codec.name
            raise UnsupportedPicture(
                f"The video ({self._kind}) is compressed by {name}, which is not read. Convert it "
                "to H.264 and add that."
            )
        codec.thread_count = 1  # decoders run beside each other, and threads hold frames
        return stream

    def _duration(self) -> float | None:
        import av

        stream, stated = self._stream, self._container.duration
        seconds = stated / av.time_base if stated else 0.0
        if not seconds and stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        if not seconds:
            seconds = self._scanned_duration()
        return seconds if 0.0 < seconds < _MAX_DURATION_S else None

    def _scanned_duration(self) -> float:
        """Return the end of the last packet; 0 where reading them all takes too much."""
        import av

        last = 0.0
        with contextlib.suppress(av.FFmpegError):
            for packet in self._container.demux(self._stream):
                if self._source.read_bytes > _SCANNED_BYTES:
                    return 0.0
                if packet.pts is not None and packet.time_base is not None:
                    last = max(
                        last, float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    )
        return 0.0 if self._source.is_over else last

    def _frames(self, duration_s: float | None) -> Iterator["av.VideoFrame"]:
        """Yield the frames over the length that can be decoded; where none can, the first one."""
        if duration_s is None:
            moments = [0.0, 1.0, 3.0, 9.0]
        else:
            moments = [duration_s * (2 * i + 1) / (2 * FRAME_COUNT) for i in range(FRAME_COUNT)]
        is_any = False
        for moment in moments:
            frame = self._frame_at(moment)
            if frame is not None:
                is_any = True
                yield frame
        if not is_any and (frame := self._frame_at(0.0)) is not None:
            yield frame

    def _frame_at(self, seconds: float) -> "av.VideoFrame | None":
        """Return the frame at a moment, or the last one before it that is reached."""
        import av

        stream = self._stream
        width, height = stream.codec_context.width, stream.codec_context.height
        steps = min(_MAX_STEPS, max(1, _STEP_PIXELS // max(1, width * height)))
        try:
            time_base = float(stream.time_base or 1)
            offset = round(seconds / time_base) + (stream.start_time or 0)
            self._container.seek(offset, stream=stream)
        except MemoryError:
            raise
        except (av.FFmpegError, OverflowError):
            return None
        latest = None
        for frame in self._decoded():
            latest, steps = frame, steps - 1
            start = (stream.start_time or 0) * time_base
            if steps <= 0 or frame.time is None or frame.time - start >= seconds - 0.001:
                break
        return latest

    def _decoded(self) -> Iterator["av.VideoFrame"]:
        """Yield frames from here on; damaged packets are passed over."""
        import av

        damaged = 0
        packets = self._container.demux(self._stream)
        while damaged < _MAX_DAMAGED_PACKETS:
            try:
                packet = next(packets)
                yield from packet.decode()
            except StopIteration:
                return
            except MemoryError:
                raise
            except av.EOFError:
                return
            except av.FFmpegError:
                damaged += 1


def _damaged(source: _Source, kind: str) -> PhotoError:
    if source.is_over:
        return DecodingStopped(
            f"No frame of the video ({kind}) could be read within {_READING_S:.0f} s. It may be "
            "damaged; convert it to MP4 and add that."
        )
    return DamagedPhoto(
        f"The video ({kind}) is damaged: no frame can be decoded. Copy it again from where it came."
    )
