"""Sharpness and exposure of a picture, to compare it with others of its scene."""

import cv2
import numpy as np
import pytest
from PIL import Image

from scene_model.photos.colours import Pixels
from scene_model.photos.decode import MinimumSize, decode_photo
from scene_model.photos.decoders.pool import Decoders
from scene_model.photos.quality import measure_quality
from tests.pictures import encode


@pytest.fixture(scope="module")
def pixels(flower: bytes) -> Pixels:
    pixels: Pixels = decode_photo(flower).pixels
    return pixels


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def brightened(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(np.clip(pixels * factor, 0, 255), np.uint8)


def test_blur_and_shake_cost_sharpness(pixels: Pixels) -> None:
    sharp = measure_quality(pixels).sharpness
    soft = measure_quality(blurred(pixels, 1.0)).sharpness
    shaken = measure_quality(np.asarray(cv2.blur(pixels, (6, 1)), np.uint8)).sharpness
    assert soft < sharp / 2
    assert shaken < sharp / 1.5


def test_exposure_leaves_sharpness(pixels: Pixels) -> None:
    sharp = measure_quality(pixels).sharpness
    assert measure_quality(brightened(pixels, 0.6)).sharpness == pytest.approx(sharp, rel=0.15)


def test_a_picture_with_a_third_in_focus_is_sharp(pixels: Pixels) -> None:
    """Of a portrait, the background is blurred on purpose."""
    shallow = blurred(pixels, 3.0)
    part = np.s_[: pixels.shape[0] // 2, : pixels.shape[1] * 2 // 3]
    shallow[part] = pixels[part]
    assert measure_quality(shallow).sharpness > measure_quality(pixels).sharpness / 1.5


def test_exposure_shows(pixels: Pixels) -> None:
    normal, bright = measure_quality(pixels), measure_quality(brightened(pixels, 2.5))
    dark = measure_quality(brightened(pixels, 0.4))
    assert bright.clipped > normal.clipped + 0.05
    assert dark.brightness < normal.brightness < bright.brightness
    assert dark.white_level < normal.white_level - 0.1
    assert dark.tonal_range < normal.tonal_range


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (300, 3), (7, 9)])
@pytest.mark.parametrize("level", [0, 255])
def test_tiny_and_even_pictures_are_measured(size: tuple[int, int], level: int) -> None:
    quality = measure_quality(np.full((*size, 3), level, np.uint8))
    assert quality.sharpness > 0
    assert quality.tonal_range == 0.0
    assert (quality.clipped, quality.white_level) == (level / 255, level / 255)


def test_decoders_measure_what_ingest_decodes(decoders: Decoders, flower: bytes) -> None:
    decoded = decoders.decode(flower)
    assert decoded.photo.quality == measure_quality(decoded.photo.pixels)
    assert decoders.decode(encode(Image.new("RGB", (9, 9))), minimum=None).photo.quality is None
    assert decoders.decode(flower, MinimumSize(1, 1)).photo.quality is not None
