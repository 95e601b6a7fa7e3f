"""From pixels to a network's input, compared with the same rule in plain numpy."""

import numpy as np
import pytest

from scene_model.classifier.bundle_network import InputEntry
from scene_model.classifier.preprocessing import Preprocessing
from scene_model.photos.colours import Pixels
from tests.tiny_networks import UINT8_RULE, float_rule


def picture(height: int, width: int) -> Pixels:
    rng = np.random.default_rng(height * 1000 + width)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def crop_rule(side: int = 8, short_side: int = 10) -> InputEntry:
    return UINT8_RULE.model_copy(
        update={
            "width": side,
            "height": side,
            "resize": "centre_crop",
            "short_side": short_side,
        }
    )


def test_a_stretched_picture_keeps_all_of_its_edges() -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :4], pixels[:, -4:] = 255, 100
    resized = Preprocessing(UINT8_RULE).resized(pixels)
    assert (resized[:, 0] == 255).all()
    assert (resized[:, -1] == 100).all()


@pytest.mark.parametrize(("height", "width"), [(20, 20), (20, 40), (40, 20), (20, 78)])
def test_the_middle_is_cut_out_after_the_short_side_is_resized(height: int, width: int) -> None:
    pixels = picture(height, width)
    # Half the size by means of 2 × 2 pixels, then 8 × 8 pixels in the middle.
    halved = pixels.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    top, left = (height // 2 - 8) // 2, (width // 2 - 8) // 2
    resized = Preprocessing(crop_rule()).resized(pixels)
    assert np.abs(resized - halved[top : top + 8, left : left + 8]).max() <= 0.51


@pytest.mark.parametrize("shape", [(10, 10_000), (10_000, 10), (1, 4_096), (3, 600)])
def test_a_panorama_is_cut_before_it_is_resized(shape: tuple[int, int]) -> None:
    rule = crop_rule(224, 256)
    short, long = min(shape), max(shape)
    pixels = np.zeros((*shape, 3), np.uint8)
    middle = slice(long // 2 - short * 2, long // 2 + short * 2)
    if shape[0] == short:
        pixels[:, middle] = 200
    else:
        pixels[middle] = 200
    resized = Preprocessing(rule).resized(pixels)
    assert resized.shape == (224, 224, 3)
    assert (resized == 200).all()


def test_a_small_picture_is_enlarged() -> None:
    resized = Preprocessing(crop_rule()).resized(np.full((3, 5, 3), 77, np.uint8))
    assert resized.shape == (8, 8, 3)
    assert (resized == 77).all()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("order", ["RGB", "BGR"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_numbers_colours_and_axes(layout: str, order: str, dtype: str) -> None:
    base = float_rule() if dtype == "float32" else UINT8_RULE
    rule = base.model_copy(update={"layout": layout, "colour_order": order})
    pixels = picture(8, 8)
    tensor = Preprocessing(rule).tensor(pixels)
    assert (tensor.shape, tensor.dtype) == (rule.shape, np.dtype(dtype))
    for row, column, channel in np.ndindex(8, 8, 3):
        source = channel if order == "RGB" else 2 - channel
        value = float(pixels[row, column, source])
        if dtype == "float32":
            value = (value * rule.scale - rule.mean[channel]) / rule.deviation[channel]
        place = (0, row, column, channel) if layout == "NHWC" else (0, channel, row, column)
        assert tensor[place] == pytest.approx(value, abs=1e-5)


def test_the_length_from_which_a_photo_is_large_enough() -> None:
    assert Preprocessing(UINT8_RULE).short_side == 8
    assert Preprocessing(crop_rule(224, 256)).short_side == 256
