"""Small files that are costly to decode get a named error, or are decoded within the limits."""

import pytest

from scene_model.errors import PhotoError
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from tests.pictures import encode, textured
from tests.security import bombs
from tests.security.bombs import BOMBS

# How each ends with the limits of a machine with two cores.
CODES = {
    "webp_34_bytes": "too_much_memory",
    "png_1x100000000": "extreme_shape",
    "png_100000000x1": "extreme_shape",
    "jpeg_1500_scans": "too_many_parts",
    "jpeg_20000_scans": "too_many_parts",
    "jpeg_48mb_segments": "too_many_parts",
    "png_48mb_segments": "too_many_parts",
    "gif_48mb_segments": "too_many_parts",
    "png_100mp": None,
    "gif_100mp": None,
    "tiff_100mp": None,
}


def test_every_bomb_is_tried() -> None:
    """Two take too long to make; `benchmarks.bombs` makes them."""
    assert BOMBS.keys() - CODES.keys() == {"avif_100mp", "heif_100mp"}


@pytest.mark.parametrize("name", sorted(CODES))
def test_bomb(decoders: Decoders, name: str) -> None:
    assert ending(decoders, BOMBS[name]()) == CODES[name]


@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "JXL", "WEBP"])
def test_format_without_reduced_scale_needs_memory_for_all_pixels(
    decoders: Decoders, kind: str
) -> None:
    photo = encode(textured(1_000, 1_000), kind)
    assert ending(decoders, photo, PhotoLimits(max_decoding_bytes=8_000_000)) == "too_much_memory"
    assert ending(decoders, photo) is None


def test_photos_with_many_parts_are_read(decoders: Decoders) -> None:
    """A progressive photo, one with long metadata in many segments, and a PNG in small chunks."""
    assert ending(decoders, encode(textured(400, 300), progressive=True)) is None
    assert ending(decoders, bombs.jpeg_with_scans(50, side=200)) is None
    assert ending(decoders, bombs.jpeg_with_empty_segments(1_000)) is None
    assert ending(decoders, bombs.png_with_empty_chunks(1_000)) is None
    assert ending(decoders, bombs.gif_with_empty_comments(1_000)) is None


def test_second_picture_in_a_photo_is_not_counted(decoders: Decoders) -> None:
    """What follows the picture, such as a video, may hold the bytes of a scan's marker."""
    photo = encode(textured(400, 300), progressive=True)
    assert ending(decoders, photo + b"\xff\xda" * 500) is None


def test_long_pictures(decoders: Decoders) -> None:
    assert ending(decoders, bombs.png_of(20_000, 1_000)) is None
    assert ending(decoders, bombs.png_of(1, 4_000)) is None
    assert ending(decoders, bombs.png_of(20_000, 50)) == "extreme_shape"


def ending(decoders: Decoders, data: bytes, limits: PhotoLimits | None = None) -> str | None:
    """Decode a picture; returns the code of its error, or None."""
    try:
        decoders.decode(data, limits=limits)
    except PhotoError as error:
        return error.code
    return None
