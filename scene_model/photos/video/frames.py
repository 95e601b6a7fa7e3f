"""One frame of a video: its shape on the screen, its pixels, and whether it shows anything."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scene_model.errors import TooManyPixels
from scene_model.photos.colours import Pixels
from scene_model.photos.video.tone_map import is_hdr, tone_mapped

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Larger than 8K; FFmpeg holds up to twenty frames.
MAX_FRAME_PIXELS = 36_000_000
_CONTRAST_SIDE, _MAX_ASPECT = 64, 4.0


@dataclass(frozen=True)
class FrameShape:
    """The shape of a video's frames.

    coded: width and height as stored. aspect: width of a pixel. turns: by 90°, to the left.
    """

    coded: tuple[int, int]
    aspect: float
    turns: int

    @classmethod
    def of(cls, stream: "VideoStream", frame: "VideoFrame | None") -> "FrameShape":
        """Return the shape of a stream; frame: one of it, which alone says how it is turned."""
        codec = stream.codec_context
        ratio = stream.sample_aspect_ratio
        aspect = float(ratio) if ratio else 1.0
        if not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT:
            aspect = 1.0
        coded = (codec.width, codec.height) if frame is None else (frame.width, frame.height)
        turns = 0 if frame is None else round(frame.rotation / 90) % 4
        return cls(coded, aspect, turns)

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as shown."""
        width, height = round(self.coded[0] * self.aspect), self.coded[1]
        return (height, width) if self.turns % 2 else (width, height)

    def pixels_of(self, frame: "VideoFrame", width: int, height: int) -> Pixels:
        """Scale and turn a frame; width, height: of the result."""
        if self.turns % 2:
            width, height = height, width
        if is_hdr(frame):
            return np.ascontiguousarray(np.rot90(tone_mapped(frame, width, height), self.turns))
        rgb = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, self.turns), dtype=np.uint8)


def contrast_of(frame: "VideoFrame") -> float:
    """Return the standard deviation of the grey values, of 255."""
    side = _CONTRAST_SIDE
    return float(frame.reformat(width=side, height=side, format="gray").to_ndarray().std())


def check_frame_size(width: int, height: int) -> None:
    """Raise TooManyPixels for frames of which too many bytes would be held."""
    if width * height > MAX_FRAME_PIXELS:
        raise TooManyPixels(
            f"The video has {width:,} × {height:,} pixels; the limit is "
            f"{MAX_FRAME_PIXELS:,} pixels for a frame. Make it smaller and add that."
        )
