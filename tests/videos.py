"""Small videos made with FFmpeg, for the tests."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream

# By what the library calls the format: FFmpeg's name of the container, and a codec.
CONTAINERS = {
    "MP4": ("mp4", "libx264"),
    "MOV": ("mov", "libx264"),
    "M4V": ("ipod", "libx264"),
    "3GP": ("3gp", "mpeg4"),
    "MKV": ("matroska", "libx264"),
    "WEBM": ("webm", "libvpx"),
    "AVI": ("avi", "mjpeg"),
}
RATE = 10
_UPRIGHT = (65536, 0, 0, 0, 65536, 0, 0, 0, 0x40000000)
# The display matrix of a phone held upright, by degrees to the right.
_TURNED = {90: (0, 65536, 0, -65536, 0, 0, 0, 0, 0x40000000)}


class _Stream(io.RawIOBase):
    """What a recorder writes that cannot go back: the container has no duration."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def video(
    kind: str = "MP4",
    seconds: float = 2.0,
    tags: dict[str, str] | None = None,
    size: tuple[int, int] = (64, 48),
    is_live: bool = False,
    tint: int = 0,
) -> bytes:
    """Return a video whose upper left corner is white and whose lower half becomes brighter.

    tags: of the container. is_live: written as a stream. tint: makes another video.
    """
    container_name, codec = CONTAINERS[kind]
    file = _Stream() if is_live else io.BytesIO()
    options = {"movflags": "use_metadata_tags"} if kind == "MOV" else {}
    if is_live:
        options["live"] = "1"
    with av.open(file, "w", format=container_name, options=options) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(codec, rate=RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        count = round(seconds * RATE)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number / count, size, tint), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return bytes(file.data) if isinstance(file, _Stream) else file.getvalue()


def picture(part: float, size: tuple[int, int], tint: int = 0) -> np.ndarray:
    """Return the frame at a part of the video, in [0, 1)."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 2 :] = (int(40 + 200 * part), 80, tint)
    pixels[: height // 2, : width // 2] = 255
    return pixels


def turned(data: bytes, degrees: int = 90) -> bytes:
    """Return an MP4 or QuickTime file that is shown turned to the right."""
    track = data.index(b"tkhd")
    place = data.index(struct.pack(">9i", *_UPRIGHT), track)
    return data[:place] + struct.pack(">9i", *_TURNED[degrees]) + data[place + 36 :]


def padded(data: bytes, count: int) -> bytes:
    """Return an MP4 with a box of zeros at its end, which players pass over."""
    return data + struct.pack(">I4s", count + 8, b"free") + bytes(count)


def sound(container_name: str = "mp4") -> bytes:
    """Return a file with sound alone."""
    file = io.BytesIO()
    with av.open(file, "w", format=container_name) as container:
        stream = container.add_stream("aac", rate=16_000)
        silence = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
        for number in range(8):
            frame.pts = number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()
