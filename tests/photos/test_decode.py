"""Every format, colour mode and orientation comes out upright RGB; every fault has a name."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from scene_model.errors import (
    DamagedPhoto,
    EmptyFile,
    FileTooLarge,
    NotAPicture,
    PhotoError,
    TooManyPixels,
    TruncatedPhoto,
    UnreadableFile,
    UnsupportedPicture,
    VideoFile,
)
from scene_model.photos.decode import (
    MinimumSize,
    PhotoLimits,
    decode_photo,
    read_photo_file,
)
from scene_model.photos.resize import resize_to_square
from tests.pictures import encode, quadrants, stored_as, textured

LOSSLESS = ("PNG", "TIFF", "BMP", "GIF")
LOSSY = ("JPEG", "WEBP", "AVIF", "HEIF", "JXL")


def whole(data: bytes) -> np.ndarray:
    return decode_photo(data, minimum=None).pixels


@pytest.mark.parametrize("format_name", LOSSLESS + LOSSY)
def test_formats(format_name: str) -> None:
    decoded = decode_photo(encode(quadrants(), format_name), minimum=None)
    assert (decoded.width, decoded.height, decoded.format) == (64, 48, format_name)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.c_contiguous
    expected = np.asarray(quadrants(), dtype=int)
    limit = 0 if format_name in LOSSLESS else 12
    assert np.abs(decoded.pixels - expected).mean() <= limit


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_from_one_original(orientation: int, temple: bytes) -> None:
    upright = Image.open(io.BytesIO(temple)).convert("RGB").crop((0, 0, 640, 416))
    decoded = decode_photo(stored_as(upright, orientation), minimum=None)
    assert (decoded.width, decoded.height) == upright.size
    assert np.abs(decoded.pixels - np.asarray(upright, dtype=int)).mean() < 3


def test_heic_of_a_phone_is_upright(shared_photos: Path) -> None:
    decoded = decode_photo((shared_photos / "IMG_5195.HEIC").read_bytes())
    assert (decoded.width, decoded.height) == (2566, 3313)
    assert decoded.pixels.shape[0] > decoded.pixels.shape[1]


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for format_name in ("GIF", "TIFF", "WEBP"):
        data = encode(frames[0], format_name, save_all=True, append_images=frames[1:])
        assert whole(data)[10, 10].argmax() == 0, format_name


def test_cmyk() -> None:
    pixels = whole(encode(quadrants().convert("CMYK")))
    assert np.abs(pixels - np.asarray(quadrants(), dtype=int)).mean() < 6


def test_transparency_lies_over_white() -> None:
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert (whole(encode(clear, "PNG")) == 255).all()
    half = Image.new("RGBA", (10, 10), (0, 0, 0, 128))
    assert abs(int(whole(encode(half, "PNG"))[0, 0, 0]) - 127) <= 1
    palette = Image.new("P", (10, 10), 0)
    palette.putpalette([9, 9, 9] * 256)
    assert (whole(encode(palette, "PNG", transparency=0)) == 255).all()
    grey_alpha = Image.new("LA", (10, 10), (0, 0))
    assert (whole(encode(grey_alpha, "PNG")) == 255).all()


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits(format_name: str) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(4, axis=0)
    pixels = whole(encode(Image.fromarray(ramp), format_name))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_float_and_bilevel() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(1, 256).repeat(4, axis=0)
    assert whole(encode(Image.fromarray(ramp), "TIFF"))[0, 255, 0] == 255
    assert (whole(encode(Image.new("1", (8, 8), 1), "PNG")) == 255).all()
    assert whole(encode(Image.new("L", (8, 8), 77), "PNG"))[0, 0].tolist() == [77, 77, 77]


def test_colour_profile_becomes_srgb() -> None:
    grey = Image.new("RGB", (8, 8), (100, 100, 100))
    linear = linear_rgb_profile()
    pixels = whole(encode(grey, "PNG", icc_profile=linear))
    # 100/255 of linear light is much brighter once it is encoded with sRGB's curve.
    assert 160 <= int(pixels[0, 0, 0]) <= 175


def test_broken_colour_profile_is_passed_over() -> None:
    broken = encode(quadrants(), "PNG", icc_profile=b"not a profile at all" * 10)
    assert (whole(broken) == np.asarray(quadrants())).all()


def linear_rgb_profile() -> bytes:
    """sRGB's primaries with a gamma of 1.0: Pillow's own sRGB profile, its curves replaced."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(count):
        start = 132 + 12 * entry
        if bytes(profile[start : start + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            offset = int.from_bytes(profile[start + 4 : start + 8], "big")
            profile[offset : offset + 12] = b"curv" + bytes(8)  # no entries: identity
            profile[start + 8 : start + 12] = (12).to_bytes(4, "big")
    # Its name would pass for sRGB's.
    return bytes(profile).replace(b"s\x00R\x00G\x00B", b"X\x00X\x00X\x00X")


def test_large_jpeg_is_never_decoded_whole(
    large_photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []
    load = Image.Image.load

    def recording(self: Image.Image) -> object:
        sizes.append(self.size)
        return load(self)

    monkeypatch.setattr(Image.Image, "load", recording)
    decoded = decode_photo(large_photo)
    assert (decoded.width, decoded.height) == (4000, 3000)
    assert max(max(size) for size in sizes) <= 1000
    assert min(decoded.pixels.shape[:2]) >= 224


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=40, deadline=None)
def test_scale_reaches_what_was_asked_and_no_photo_is_enlarged(
    width: int, height: int, short: int, long: int
) -> None:
    minimum = MinimumSize(short, max(short, long))
    pixels = decode_photo(encode(textured(width, height)), minimum=minimum).pixels
    sides = sorted(pixels.shape[:2])
    original = sorted((height, width))
    assert sides[0] >= min(short, original[0]) - 1
    assert sides[1] >= min(minimum.long_side, original[1]) - 1
    assert sides[0] <= original[0]
    assert sides[1] <= original[1]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", EmptyFile),
        (b"hello, this is text", NotAPicture),
        (b"%PDF-1.7 ...", NotAPicture),
        (b"\x00" * 100, NotAPicture),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00" * 64, VideoFile),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  " + b"\x00" * 64, VideoFile),
        (b"\x1aE\xdf\xa3" + b"\x00" * 64, VideoFile),
        (b"RIFF\x00\x00\x00\x00AVI LIST", VideoFile),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedPicture),
        (b"\xff\xd8\xff\xe0", DamagedPhoto),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 30, DamagedPhoto),
    ],
)
def test_each_fault_has_its_name(data: bytes, error: type[PhotoError]) -> None:
    with pytest.raises(error) as caught:
        decode_photo(data)
    assert type(caught.value) is error
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_truncated(format_name: str) -> None:
    data = encode(textured(300, 200), format_name)
    with pytest.raises(DamagedPhoto):
        decode_photo(data[: len(data) // 2])


def test_truncated_jpeg_is_called_so() -> None:
    data = encode(textured(300, 200))
    with pytest.raises(TruncatedPhoto, match="cut short"):
        decode_photo(data[: len(data) // 2])


def test_limits() -> None:
    data = encode(textured(100, 100))
    with pytest.raises(FileTooLarge, match=r"limit is 10\. Raise SCENE_MAX_FILE_BYTES"):
        decode_photo(data, PhotoLimits(max_file_bytes=10))
    with pytest.raises(TooManyPixels, match=r"10,000 pixels; the limit is 9,999"):
        decode_photo(data, PhotoLimits(max_pixels=9_999))
    assert decode_photo(data, PhotoLimits(max_pixels=10_000)).width == 100


def test_decompression_bomb_is_refused_by_its_header() -> None:
    # The header of a 1-bit PNG declares the size; its pixels would be 450 MB of zeros.
    bomb = bytearray(encode(Image.new("1", (600, 600)), "PNG"))
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
    with pytest.raises(TooManyPixels, match="3,600,000,000"):
        decode_photo(bytes(bomb))


@pytest.mark.slow
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damage_anywhere_raises_only_photo_errors(data: st.DataObject) -> None:
    format_name = data.draw(st.sampled_from(LOSSLESS + LOSSY))
    broken = bytearray(encode(quadrants(), format_name))
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(broken)))
    try:
        decode_photo(bytes(broken[:cut]))
    except PhotoError as error:
        assert error.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read_photo_file(tmp_path, PhotoLimits())
    with pytest.raises(UnreadableFile):
        read_photo_file(tmp_path / "vanished.jpg", PhotoLimits())
    (tmp_path / "big").write_bytes(b"12345")
    with pytest.raises(FileTooLarge):
        read_photo_file(tmp_path / "big", PhotoLimits(max_file_bytes=4))


@given(st.integers(1, 700), st.integers(1, 700))
@settings(max_examples=30, deadline=None)
def test_square_holds_the_whole_picture(width: int, height: int) -> None:
    pixels = np.asarray(textured(width, height))
    square = resize_to_square(pixels, 224)
    assert square.shape == (224, 224, 3)
    assert square.dtype == np.uint8
    assert np.abs(square.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() < 12


def test_sixteen_bits_where_nought_is_white() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(4, axis=0)
    data = encode(Image.fromarray(ramp), "TIFF", tiffinfo={262: 0})
    assert whole(data)[0, :, 0].tolist() == list(range(255, -1, -1))


def test_profile_of_a_picture_with_alpha() -> None:
    grey = Image.new("RGBA", (8, 8), (100, 100, 100, 255))
    assert whole(encode(grey, "PNG", icc_profile=linear_rgb_profile()))[0, 0, 0] > 150


def test_text_that_begins_like_a_bitmap() -> None:
    with pytest.raises(NotAPicture):
        decode_photo(b"BMW is a maker of cars and motorcycles in Munich, Bavaria.")
