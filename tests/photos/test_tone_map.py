"""Frames of HDR videos keep the brightness that they stand for."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from scene_model.errors import DecodingStopped
from scene_model.photos.content import VideoContent, read_content
from scene_model.photos.decode import MinimumSize, PhotoLimits
from scene_model.photos.decoders.pool import Decoders

Shown = Callable[[float, int], int]
PQ, HLG, SDR, BT2020, BT709 = 16, 18, 1, 9, 1
SIDE = 64
# What stands for white paper (203 cd/m²), a grey of 18 % of it, and 1,000 cd/m².
WHITE, GREY, PEAK = {PQ: 0.581, HLG: 0.75}, {PQ: 0.411, HLG: 0.436}, {PQ: 0.752, HLG: 1.0}


def grey_video(value: float, transfer: int) -> bytes:
    """A video of one grey in 10 bits, whose numbers mean light by a transfer function."""
    file = io.BytesIO()
    primaries = BT709 if transfer == SDR else BT2020
    with av.open(file, "w", format="matroska") as container:
        options = {"crf": "1", "preset": "ultrafast", "x265-params": "log-level=none"}
        stream = container.add_stream("libx265", rate=10, options=options)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p10le"
        codec = stream.codec_context
        codec.color_trc, codec.color_primaries, codec.colorspace = transfer, primaries, primaries
        codec.color_range = 1
        for number in range(4):
            frame = av.VideoFrame(SIDE, SIDE, "yuv420p10le")
            for plane, level in zip(frame.planes, (64 + 876 * value, 512, 512), strict=True):
                row = np.full(plane.buffer_size // 2, round(level), np.uint16)
                plane.update(row.tobytes())
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.fixture
def shown(decoders: Decoders, tmp_path: Path) -> Shown:
    """Return the grey that a poster shows for a value."""

    def show(value: float, transfer: int) -> int:
        path = tmp_path / "film.mkv"
        path.write_bytes(grey_video(value, transfer))
        content = read_content(path, PhotoLimits())
        assert isinstance(content, VideoContent)
        try:
            decoded = decoders.decode_video(content, MinimumSize())
        except DecodingStopped:  # its seconds are few where many tests run at the same time
            decoded = decoders.decode_video(content, MinimumSize())
        pixels = decoded.photo.pixels
        assert int(np.ptp(pixels.reshape(-1, 3).astype(int))) <= 2
        return int(pixels[0, 0, 1])

    return show


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_white_and_grey_of_hdr_look_as_on_a_normal_screen(shown: Shown, transfer: int) -> None:
    grey, white, peak = (shown(level[transfer], transfer) for level in (GREY, WHITE, PEAK))
    assert abs(grey - 118) <= 5  # 18 % of white in sRGB; as it is 105 or 111
    assert 222 <= white <= 240  # paper is bright, and lights have room above it
    assert peak >= 253
    assert shown(0.0, transfer) == 0


def test_other_videos_are_not_changed(shown: Shown) -> None:
    assert abs(shown(0.5, SDR) - 128) <= 2
