"""A network's input for photos: what the file says, completed by config and options."""

from scene_model.classifier.bundle_network import MAX_SIDE, InputEntry
from scene_model.errors import ModelRefused
from scene_model.model_store.declared_input import DeclaredInput

_CHANNELS = 3
Shape = list[int | None]


def photo_input(shape: Shape, dtype: str, declared: DeclaredInput) -> InputEntry:
    """Complete an input; shape: of the network's, None for an open length. Raises ModelRefused."""
    if len(shape) != 4 or dtype not in ("float32", "uint8"):
        raise ModelRefused(
            f"The network's input is {dtype} {_shown(shape)}. One for photos takes float32 or "
            "uint8 of 4 dimensions: pictures, and height, width and colours in some order.",
            code="model_shape",
        )
    if shape[0] not in (1, None):
        raise ModelRefused(
            f"The network takes {shape[0]} pictures at a time; export it for 1, or any number.",
            code="model_shape",
        )
    layout = _layout(shape, declared)
    height, width = shape[2:] if layout == "NCHW" else shape[1:3]
    height = _side("high", height, declared.height)
    width = _side("wide", width, declared.width)
    scale, mean, deviation = _numbers(dtype, declared)
    resize = declared.resize or ("centre_crop" if declared.short_side else "stretch")
    crops = resize == "centre_crop"
    entry = InputEntry.model_construct(
        width=width,
        height=height,
        colour_order=declared.colour_order or "RGB",
        dtype=dtype,
        resize=resize,
        layout=layout,
        short_side=(declared.short_side or max(width, height)) if crops else None,
        scale=scale,
        mean=mean,
        deviation=deviation,
    )
    return _validated(entry)


def _validated(entry: InputEntry) -> InputEntry:
    try:
        return InputEntry.model_validate(entry.model_dump())
    except ValueError as error:
        first = str(error).splitlines()[1:3]
        raise ModelRefused(
            f"The network's input cannot be made: {' '.join(line.strip() for line in first)}",
            code="model_options",
        ) from error


def _layout(shape: Shape, declared: DeclaredInput) -> str:
    fits = {
        "NCHW": shape[1] in (_CHANNELS, None),
        "NHWC": shape[3] in (_CHANNELS, None),
    }
    if not any(fits.values()):
        raise ModelRefused(
            f"The network's input has the shape {_shown(shape)}; neither its second nor its last "
            "dimension is 3, for red, green and blue.",
            code="model_shape",
        )
    if declared.layout is not None:
        if not fits[declared.layout]:
            raise ModelRefused(
                f"--layout says {declared.layout}, but the network's input has the shape "
                f"{_shown(shape)}. Leave --layout out.",
                code="model_options",
            )
        return declared.layout
    # Where both fit, as nearly all networks exported from PyTorch.
    return "NCHW" if fits["NCHW"] else "NHWC"


def _side(what: str, fixed: int | None, declared: int | None) -> int:
    if fixed is None and declared is None:
        raise ModelRefused(
            "The network takes pictures of any size, and no config says which one it was trained "
            "with. Say it: --size 224, or --size WIDTHxHEIGHT.",
            code="model_shape",
        )
    if fixed is not None and declared is not None and fixed != declared:
        raise ModelRefused(
            f"The network takes pictures {fixed} pixels {what}; its config, or --size, says "
            f"{declared}. Leave --size out, or correct the config.",
            code="model_options",
        )
    side = fixed or declared or 0
    if not 1 <= side <= MAX_SIDE:
        raise ModelRefused(
            f"The network takes pictures {side:,} pixels {what}; at most {MAX_SIDE:,} can be.",
            code="model_shape",
        )
    return side


def _numbers(
    dtype: str, declared: DeclaredInput
) -> tuple[float, tuple[float, float, float], tuple[float, float, float]]:
    given = (declared.scale, declared.mean, declared.deviation)
    if dtype == "uint8":
        return 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if given == (None, None, None):
        raise ModelRefused(
            "The network takes numbers, and no config says how pixels become these. Say it: "
            "--scale 1 for pixels as they are, 0 to 255; --scale 1/255 for 0 to 1; --scale 1/255 "
            "--mean 0.5,0.5,0.5 --deviation 0.5,0.5,0.5 for -1 to 1; --scale 1/255 --mean "
            "0.485,0.456,0.406 --deviation 0.229,0.224,0.225 for most networks of PyTorch.",
            code="model_options",
        )
    return (
        1.0 if declared.scale is None else declared.scale,
        declared.mean or (0.0, 0.0, 0.0),
        declared.deviation or (1.0, 1.0, 1.0),
    )


def _shown(shape: Shape) -> str:
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
