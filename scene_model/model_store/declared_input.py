"""How photos become a network's input, as its config and a person's options say it."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene_model.errors import ModelRefused

Triple = tuple[float, float, float]
_ZERO: Triple = (0.0, 0.0, 0.0)
_UNIT: Triple = (1.0, 1.0, 1.0)
# Processors of earlier versions wrote one number for the size; for these it is the shorter side.
_SHORT_SIDE_PROCESSORS = ("CLIP", "ConvNext", "MobileViT", "ChineseCLIP")
# ConvNeXt stretches larger pictures instead of cutting out their middle.
_CONVNEXT_CUT_BELOW = 384
_CONVNEXT_CROP_SHARE = 224 / 256
_MAX_CONFIG_BYTES = 20_000_000
_OPTIONS = {
    "width": "--size",
    "height": "--size",
    "short_side": "--short-side",
    "colour_order": "--colour-order",
    "layout": "--layout",
    "resize": "--resize",
    "scale": "--scale",
    "mean": "--mean",
    "deviation": "--deviation",
}


@dataclass(frozen=True)
class DeclaredInput:
    """Parts of `InputEntry`; None is what was not said."""

    width: int | None = None
    height: int | None = None
    resize: str | None = None
    short_side: int | None = None
    colour_order: str | None = None
    layout: str | None = None
    scale: float | None = None
    mean: Triple | None = None
    deviation: Triple | None = None

    def with_options(self, options: "DeclaredInput") -> "DeclaredInput":
        """Add what a person said to what the config says; raises ModelRefused if they differ."""
        merged = {}
        for name, own in vars(self).items():
            option = getattr(options, name)
            if own is not None and option is not None and not _are_equal(own, option):
                raise ModelRefused(
                    f"{_OPTIONS[name]} says {_shown(option)}, but the model's config says "
                    f"{_shown(own)}. Leave {_OPTIONS[name]} out, or correct the config.",
                    code="model_options",
                )
            merged[name] = option if own is None else own
        return DeclaredInput(**merged)


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object; raises ModelRefused."""
    try:
        if file.stat().st_size > _MAX_CONFIG_BYTES:
            raise ModelRefused(
                f"{file.name} has {file.stat().st_size:,} bytes; a config has at most "
                f"{_MAX_CONFIG_BYTES:,}.",
                code="model_too_large",
            )
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelRefused(
            f"{file.name} cannot be read: {error.strerror}.", code="model_files_missing"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelRefused(
            f"{file.name} is no JSON: {error}. Copy or download it again.", code="model_damaged"
        ) from error
    if not isinstance(content, dict):
        raise ModelRefused(f"{file.name} is no JSON object.", code="model_damaged")
    return content


def declared_input(
    processor: Mapping[str, Any] | None, config: Mapping[str, Any] | None
) -> DeclaredInput:
    """Return what preprocessor_config.json, or else config.json, says. Raises ModelRefused."""
    try:
        if processor is not None:
            is_of_open_clip = "resize_mode" in processor or "interpolation" in processor
            return _of_open_clip(processor) if is_of_open_clip else _of_hugging_face(processor)
        if config is not None and isinstance(config.get("pretrained_cfg"), dict):
            return _of_timm(config["pretrained_cfg"])
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError) as error:
        raise ModelRefused(
            f"The config of the model's preprocessing cannot be read: {error!r}.",
            code="model_damaged",
        ) from error
    return DeclaredInput()


def _of_hugging_face(processor: Mapping[str, Any]) -> DeclaredInput:
    kind = str(processor.get("image_processor_type") or processor.get("feature_extractor_type"))
    rescales = processor.get("do_rescale", True)
    normalizes = processor.get("do_normalize", True) and "image_mean" in processor
    rule = DeclaredInput(
        colour_order="BGR" if processor.get("do_flip_channel_order") else "RGB",
        scale=float(processor.get("rescale_factor", 1 / 255)) if rescales else 1.0,
        mean=_triple(processor["image_mean"]) if normalizes else _ZERO,
        deviation=_triple(processor["image_std"]) if normalizes else _UNIT,
    )
    size = processor.get("size")
    if isinstance(size, int):
        is_short_side = kind.startswith(_SHORT_SIDE_PROCESSORS)
        size = {"shortest_edge": size} if is_short_side else {"height": size, "width": size}
    if not isinstance(size, dict):
        return rule
    if "shortest_edge" not in size and "height" not in size:
        raise ModelRefused(
            f"The config says size {size}. Only pictures of one size, or cut from a shorter side "
            "of one length, can be made.",
            code="model_shape",
        )
    if "ConvNext" in kind and "shortest_edge" in size:
        return _of_convnext(rule, int(size["shortest_edge"]), processor.get("crop_pct"))
    resized = size.get("shortest_edge") or min(size["height"], size["width"])
    crop = processor.get("crop_size") if processor.get("do_center_crop") else None
    if crop is None and "height" in size:
        return dataclasses.replace(
            rule, width=int(size["width"]), height=int(size["height"]), resize="stretch"
        )
    if isinstance(crop, int) or crop is None:
        side = resized if crop is None else crop
        crop = {"height": side, "width": side}
    return dataclasses.replace(
        rule,
        width=int(crop["width"]),
        height=int(crop["height"]),
        resize="centre_crop",
        short_side=int(resized),
    )


def _of_convnext(rule: DeclaredInput, side: int, share: float | None) -> DeclaredInput:
    """As `ConvNextImageProcessor` of transformers resizes."""
    rule = dataclasses.replace(rule, width=side, height=side)
    if side >= _CONVNEXT_CUT_BELOW:
        return dataclasses.replace(rule, resize="stretch")
    short_side = int(side / (share or _CONVNEXT_CROP_SHARE))
    return dataclasses.replace(rule, resize="centre_crop", short_side=short_side)


def _of_open_clip(processor: Mapping[str, Any]) -> DeclaredInput:
    size = processor.get("size", 224)
    height, width = (size, size) if isinstance(size, int) else (size[0], size[1])
    mode = processor.get("resize_mode", "shortest")
    if mode not in ("shortest", "squash"):
        raise ModelRefused(
            f"The config says resize_mode {mode!r}; only 'shortest' and 'squash' can be made.",
            code="model_shape",
        )
    crops = mode == "shortest"
    return DeclaredInput(
        int(width),
        int(height),
        "centre_crop" if crops else "stretch",
        max(int(width), int(height)) if crops else None,
        str(processor.get("mode", "RGB")),
        scale=1 / 255,
        mean=_triple(processor["mean"]),
        deviation=_triple(processor["std"]),
    )


def _of_timm(pretrained: Mapping[str, Any]) -> DeclaredInput:
    _, height, width = pretrained["input_size"]
    short_side = int(max(height, width) / float(pretrained.get("crop_pct") or 1.0))
    return DeclaredInput(
        int(width),
        int(height),
        "centre_crop",
        short_side,
        "RGB",
        scale=1 / 255,
        mean=_triple(pretrained["mean"]),
        deviation=_triple(pretrained["std"]),
    )


def _triple(values: Any) -> Triple:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _are_equal(own: Any, option: Any) -> bool:
    if isinstance(own, str) or isinstance(option, str):
        return bool(own == option)
    pairs = zip(own, option, strict=True) if isinstance(own, tuple) else [(own, option)]
    return all(abs(a - b) <= 1e-6 * max(1.0, abs(a)) for a, b in pairs)


def _shown(value: Any) -> str:
    return ",".join(f"{v:g}" for v in value) if isinstance(value, tuple) else str(value)
