"""Configs of preprocessing, and options beside them."""

from pathlib import Path
from typing import Any

import pytest

from scene_model.errors import ModelRefused
from scene_model.model_store.declared_input import DeclaredInput, declared_input, read_json
from scene_model.model_store.photo_input import photo_input

NUMBERS = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}


def of_processor(kind: str, **fields: Any) -> DeclaredInput:
    return declared_input({"image_processor_type": kind, **NUMBERS, **fields}, None)


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("ViTImageProcessor", {"size": {"height": 224, "width": 200}}, (200, 224, "stretch", None)),
        ("ViTFeatureExtractor", {"size": 224}, (224, 224, "stretch", None)),
        (
            "CLIPImageProcessor",
            {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": 224},
            (224, 224, "centre_crop", 256),
        ),
        ("CLIPFeatureExtractor", {"size": 224}, (224, 224, "centre_crop", 224)),
        (
            "ConvNextImageProcessor",
            {"size": {"shortest_edge": 224}, "crop_pct": 0.875},
            (224, 224, "centre_crop", 256),
        ),
        ("ConvNextFeatureExtractor", {"size": 384}, (384, 384, "stretch", None)),
        (
            "DeiTImageProcessor",
            {
                "size": {"height": 256, "width": 256},
                "do_center_crop": True,
                "crop_size": {"height": 224, "width": 224},
            },
            (224, 224, "centre_crop", 256),
        ),
    ],
)
def test_sizes(kind: str, fields: dict[str, Any], expected: tuple[object, ...]) -> None:
    rule = of_processor(kind, **fields)
    assert (rule.width, rule.height, rule.resize, rule.short_side) == expected
    assert (rule.colour_order, rule.scale) == ("RGB", 1 / 255)
    assert (rule.mean, rule.deviation) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


def test_numbers_and_colours() -> None:
    rule = of_processor(
        "MobileViTImageProcessor",
        size={"shortest_edge": 288},
        do_normalize=False,
        do_rescale=False,
        do_flip_channel_order=True,
    )
    assert (rule.colour_order, rule.scale, rule.mean) == ("BGR", 1.0, (0, 0, 0))


def test_open_clip_and_timm() -> None:
    pair = {"size": [224, 224], "mode": "RGB", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    rule = declared_input({**pair, "interpolation": "bicubic", "resize_mode": "shortest"}, None)
    assert (rule.resize, rule.short_side, rule.mean) == ("centre_crop", 224, (0.1, 0.2, 0.3))
    assert declared_input({**pair, "resize_mode": "squash"}, None).resize == "stretch"
    timm = {
        "input_size": [3, 224, 224],
        "mean": [0.5] * 3,
        "std": [0.2] * 3,
        "crop_pct": 0.9,
    }
    rule = declared_input(None, {"pretrained_cfg": timm})
    assert (rule.short_side, rule.deviation) == (248, (0.2, 0.2, 0.2))
    assert declared_input(None, {"model_type": "vit"}) == DeclaredInput()


@pytest.mark.parametrize(
    "processor",
    [
        {"size": {"longest_edge": 800}},
        {"size": [1, 2, 3, 4], "resize_mode": "shortest"},
        {"size": 224, "resize_mode": "longest", "mean": [1, 1, 1], "std": [1, 1, 1]},
        {"image_mean": [0.5], "image_std": [0.5]},
        {"rescale_factor": "a lot"},
        {"size": {"shortest_edge": float("inf")}},
        {"rescale_factor": 10**400},
    ],
)
def test_a_config_that_cannot_be_used(processor: dict[str, Any]) -> None:
    with pytest.raises(ModelRefused):
        declared_input(processor, None)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("colour_order", "BGR"),
        ("width", 200),
        ("resize", "centre_crop"),
        ("scale", 1.0),
        ("mean", (0.1, 0.2, 0.31)),
    ],
)
def test_an_option_that_contradicts_the_config(option: str, value: Any) -> None:
    rule = of_processor("ViTImageProcessor", size=224)
    assert rule.with_options(DeclaredInput(**{option: getattr(rule, option)})) == rule
    with pytest.raises(ModelRefused, match="but the model's config says") as caught:
        rule.with_options(DeclaredInput(**{option: value}))
    assert caught.value.code == "model_options"
    assert DeclaredInput().with_options(DeclaredInput(**{option: value})) == DeclaredInput(
        **{option: value}
    )


def test_files_that_are_no_config(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    for text in ("{", "[1]", "\ufeff", "[" * 100_000):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ModelRefused) as caught:
            read_json(file)
        assert caught.value.code == "model_damaged"
    with file.open("wb") as stream:
        stream.truncate(100_000_000)
    with pytest.raises(ModelRefused) as caught:
        read_json(file)
    assert caught.value.code == "model_too_large"
    with pytest.raises(ModelRefused):
        read_json(tmp_path / "none.json")


def test_the_layout_follows_from_the_shape() -> None:
    declared = DeclaredInput(224, 224, scale=1.0)
    assert photo_input([None, 3, 224, 224], "float32", declared).layout == "NCHW"
    assert photo_input([1, 224, 224, 3], "float32", declared).layout == "NHWC"
    assert photo_input([None] * 4, "float32", declared).layout == "NCHW"
    assert photo_input([1, 224, 200, 3], "uint8", DeclaredInput()).width == 200


def test_what_is_not_said_is_asked_for() -> None:
    with pytest.raises(ModelRefused, match="--size 224") as caught:
        photo_input([1, 3, None, None], "float32", DeclaredInput(scale=1.0))
    assert caught.value.code == "model_shape"
    with pytest.raises(ModelRefused, match="--scale 1/255") as caught:
        photo_input([1, 3, 8, 8], "float32", DeclaredInput())
    assert caught.value.code == "model_options"


@pytest.mark.parametrize(
    ("shape", "dtype", "declared"),
    [
        ([1, 4, 224, 224], "float32", DeclaredInput(scale=1.0)),
        ([8, 3, 224, 224], "float32", DeclaredInput(scale=1.0)),
        ([1, 3, 224], "float32", DeclaredInput(scale=1.0)),
        ([1, 3, 224, 224], "float16", DeclaredInput(scale=1.0)),
        ([1, 3, 224, 224], "float32", DeclaredInput(192, 192, scale=1.0)),
        ([1, 3, None, None], "float32", DeclaredInput(scale=1.0)),
        ([1, 3, 5000, 5000], "float32", DeclaredInput(scale=1.0)),
        ([1, 3, 224, 224], "float32", DeclaredInput()),
        ([1, 3, 224, 224], "float32", DeclaredInput(layout="NHWC", scale=1.0)),
        ([1, 3, 224, 224], "float32", DeclaredInput(scale=-1.0)),
    ],
)
def test_inputs_that_photos_do_not_fit(
    shape: list[int | None], dtype: str, declared: DeclaredInput
) -> None:
    with pytest.raises(ModelRefused):
        photo_input(shape, dtype, declared)
