"""JPEG XL: its header is checked before it is decoded, and what was a JPEG is read as one."""

import base64
import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scene_model.errors import DamagedPhoto, PhotoError, TooManyPixels
from scene_model.photos.decode import PhotoLimits, decode_photo
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.jpeg_xl.frames import first_frame
from scene_model.photos.jpeg_xl.picture import CONTAINER, open_jxl
from scene_model.photos.metadata import read_metadata
from scene_model.photos.sniff import sniff
from tests.pictures import encode, quadrants, stored_as, textured

# Quadrants of 16 × 12 pixels, written by cjxl 0.7 with the orientation 6.
TURNED = base64.b64decode(
    "AAAADEpYTCANCocKAAAAFGZ0eXBqeGwgAAAAAGp4bCAAAAA6anhsY/8KWDALBBSXBAgCAQCMAEsYk46DgwCoe8cY1AsEASBR"
    "1irj779P2e/vH9jVz9134BkB"
)


# Frames of 16 × 12 pixels in red, green and blue, written by cjxl 0.7.
ANIMATED = base64.b64decode(
    "/wpYMEEAFhSXBAgIoAIAAGgASxiLFQDUijEYpwtIANBK0QDASODfD0uD9gcICKACAADIAEsoNBb+pqBgQiTC2UAMFowkH9fm"
    "v4AIADCgCAATcKbm0SwvkOVfb4aDCvZFyms9vPwVCAigQgAARABLGIsVgF3W/wISAEiQ1J34Aw=="
)


def jxl_of_jpeg(jpeg: bytes, folder: Path) -> bytes:
    """A JPEG XL that holds a JPEG without loss."""
    path = folder / "photo.jpg"
    path.write_bytes(jpeg)
    with pytest.warns(UserWarning, match="JPEG reconstruction"), Image.open(path) as picture:
        return encode(picture, "JXL")


def header(width: int, height: int) -> bytes:
    """The header of a codestream with 32 bits for each side, and nothing after it."""
    bits, count = 0, 0
    for value, size in ((0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30), (1, 1)):
        bits |= value << count
        count += size
    return b"\xff\x0a" + bits.to_bytes(20, "little")


def test_kinds(decoders: Decoders, tmp_path: Path) -> None:
    bare = encode(quadrants(), "JXL")
    container = encode(quadrants(), "JXL", use_container=True)
    for data in (bare, container, jxl_of_jpeg(encode(quadrants()), tmp_path)):
        assert sniff(data).name == "JPEG XL"
        photo = decoders.decode(data, minimum=None).photo
        assert (photo.format, photo.width, photo.height) == ("JXL", 64, 48)
        assert np.abs(photo.pixels - np.asarray(quadrants(), dtype=int)).mean() < 12


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_modes(decoders: Decoders, mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.full((20, 30), 30_000, np.uint16))
    else:
        picture = textured(30, 20).convert(mode)
    assert decoders.decode(encode(picture, "JXL", lossless=True)).photo.pixels.shape == (20, 30, 3)


@pytest.mark.parametrize(("width", "height"), [(7, 5), (64, 48), (1, 900), (2_000, 3), (1025, 513)])
def test_header(width: int, height: int) -> None:
    picture = open_jxl(encode(Image.new("RGB", (width, height)), "JXL"))
    assert (picture.width, picture.height, picture.extra_channels) == (width, height, 0)
    assert open_jxl(header(width, height)).width == width


def test_transparency_counts_as_a_channel() -> None:
    picture = open_jxl(encode(Image.new("RGBA", (50, 40)), "JXL", lossless=True))
    assert (picture.width, picture.height, picture.extra_channels) == (50, 40, 1)


def test_turned_by_its_header() -> None:
    photo = decode_photo(TURNED, minimum=None)
    assert (photo.width, photo.height) == (12, 16)
    upright = np.asarray(quadrants(16, 12).transpose(Image.Transpose.ROTATE_270), dtype=int)
    assert np.abs(photo.pixels - upright).mean() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_inside_is_turned_by_its_exif(orientation: int, tmp_path: Path) -> None:
    jpeg = stored_as(textured(90, 60), orientation)
    photo = decode_photo(jxl_of_jpeg(jpeg, tmp_path), minimum=None)
    assert (photo.width, photo.height) == (90, 60)
    assert np.array_equal(photo.pixels, decode_photo(jpeg, minimum=None).pixels)


def test_first_frame_of_an_animation() -> None:
    assert decode_photo(ANIMATED, minimum=None).pixels[5, 5].tolist() == [255, 0, 0]
    header = struct.pack(">I4s", 0, b"jxlc")
    container = CONTAINER + b"\r\n\x87\n" + header + ANIMATED
    assert decode_photo(container, minimum=None).pixels[5, 5].tolist() == [255, 0, 0]


def test_frames_are_told_apart_only_where_it_is_certain() -> None:
    assert first_frame(ANIMATED[:40]) is None
    assert first_frame(encode(quadrants(), "JXL")) is None


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(2, 44))
def test_any_header_is_read_or_refused(noise: bytes, start: int) -> None:
    data = ANIMATED[:start] + noise
    first_frame(data)
    with contextlib.suppress(PhotoError):
        open_jxl(data)


def test_metadata() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Canon", 6
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    for content in (exif.tobytes()[6:], bytes(4) + exif.tobytes()[6:]):
        data = encode(quadrants(), "JXL", exif=content, use_container=True)
        metadata = read_metadata(open_jxl(data))
        assert (metadata.camera, metadata.taken_at) == ("Canon", "2020-01-02T03:04:05")
    # The standard: the orientation of EXIF does not count.
    assert decode_photo(data).width == 64


def test_bombs_are_refused_by_their_header(decoders: Decoders) -> None:
    for size, code in (
        ((100_000, 100_000), "too_many_pixels"),
        ((70_000, 10), "extreme_shape"),
        ((9_000, 9_000), "too_much_memory"),
    ):
        with pytest.raises(PhotoError) as caught:
            decoders.decode(header(*size))
        assert caught.value.code == code
    with pytest.raises(TooManyPixels):
        decoders.decode(encode(textured(400, 300), "JXL"), limits=PhotoLimits(max_pixels=1_000))


def test_a_jpeg_inside_has_the_size_of_the_header(tmp_path: Path) -> None:
    data = jxl_of_jpeg(encode(quadrants()), tmp_path)
    start = data.index(b"\xff\x0a")
    assert open_jxl(data).height == 48
    other = jxl_of_jpeg(encode(quadrants(80, 48)), tmp_path)
    with pytest.raises(DamagedPhoto):
        decode_photo(data[:start] + other[start : start + 6] + data[start + 6 :])


def test_damaged(decoders: Decoders) -> None:
    data = encode(textured(300, 200), "JXL")
    for broken in (data[:3], data[:40], data[: len(data) // 2], b"\xff\x0a" + bytes(50)):
        with pytest.raises(DamagedPhoto):
            decoders.decode(broken)
    box = struct.pack(">I4s", 0, b"Exif") + b"\xff" * 20
    container = encode(quadrants(), "JXL", use_container=True) + box
    assert decoders.decode(container).metadata.camera is None
