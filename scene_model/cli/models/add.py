"""``models add SOURCE``: a network of one's own, or of a hub, as a model."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from scene_model.cli.scan import path
from scene_model.cli.terminal import ProgressLine, agrees, counted, printable
from scene_model.config import Settings
from scene_model.errors import EXIT_DONE, ModelRefused, PathNotFound
from scene_model.model_store.add_model import (
    AddedModel,
    AddOptions,
    add_model,
    free_target,
    name_of,
)
from scene_model.model_store.declared_input import DeclaredInput
from scene_model.model_store.hub_model import (
    HubModel,
    download,
    forget_download,
    is_reference,
    read_hub,
)
from scene_model.model_store.local_model import LocalModel, read_local


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="an .onnx, .tflite or .keras file, a folder (of Hugging Face, or a SavedModel), or "
        "ORG/NAME[@REVISION] of Hugging Face",
    )
    parser.add_argument("--name", help="name of the model (default: made of the source's)")
    parser.add_argument("--yes", action="store_true", help="download without a question")
    parser.add_argument(
        "--labels", type=path, metavar="FILE", help="labels: one a line, or JSON, in their order"
    )
    parser.add_argument("--licence", help="the model's licence, where its files do not name it")
    further = parser.add_argument_group("only what the model's files do not say")
    further.add_argument(
        "--size", type=_size, metavar="N|WxH", help="size of the network's pictures"
    )
    further.add_argument("--resize", choices=("stretch", "centre_crop"), help="default: stretch")
    further.add_argument(
        "--short-side", type=int, metavar="N", help="of centre_crop: length before the cut"
    )
    further.add_argument(
        "--scale", type=_ratio, help="pixels, 0 to 255, are multiplied by it, such as 1/255"
    )
    further.add_argument(
        "--mean", type=_three, metavar="R,G,B", help="subtracted from each colour, after --scale"
    )
    further.add_argument(
        "--deviation",
        type=_three,
        metavar="R,G,B",
        help="each colour is divided by it, after --mean",
    )
    further.add_argument("--colour-order", choices=("RGB", "BGR"), help="default: RGB")
    further.add_argument("--layout", choices=("NCHW", "NHWC"), help="default: as the shape says")
    further.add_argument("--output", metavar="NAME", help="the network's output, if it has several")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Add the model and say what it is."""
    settings.require_personal("add models")
    model = _local(options, settings)
    added = add_model(model, _add_options(options), settings)
    forget_download(model)
    for line in _added_lines(added):
        print(printable(line))
    return EXIT_DONE


def _local(options: argparse.Namespace, settings: Settings) -> LocalModel:
    """Return the files of the source; a model of a hub is downloaded if the person agrees."""
    source = Path(options.source).expanduser()
    if source.exists():
        return read_local(source)
    if not is_reference(options.source):
        raise PathNotFound(
            f"There is no file or folder {options.source}, and it is no model of a hub, ORG/NAME."
        )
    free_target(options.name or name_of(options.source), settings)
    offer = read_hub(options.source, settings)
    print("\n".join(map(printable, _offer_lines(offer))))
    if not (options.yes or agrees(f"Download {offer.size:,} bytes?")):
        raise ModelRefused(
            "Nothing was downloaded. Add --yes to download without a question.",
            code="model_unconfirmed",
        )
    with ProgressLine("bytes downloaded") as line:
        return download(offer, settings, line.show)


def _offer_lines(offer: HubModel) -> list[str]:
    lines = [
        f"{offer.repository} of {offer.hub}",
        f"commit:  {offer.commit}",
        f"licence: {offer.licence}",
        f"size:    {offer.size:,} bytes",
    ]
    return lines + [
        f"  {entry.size:>13,}  {name}  {entry.shown_hash}" for name, entry in offer.entries.items()
    ]


def _added_lines(added: AddedModel) -> list[str]:
    description, trial = added.description, added.trial
    memory = "" if trial.peak_bytes is None else f", {trial.peak_bytes / 1e6:,.0f} MB of memory"
    lines = [
        f"added {added.folder}",
        f"{description.id}, {added.size / 1e6:,.1f} MB, licence: {description.licence}",
        f"network: {description.backbone.sha256}",
        f"{1000 * trial.seconds:,.1f} ms for a photo{memory}",
    ]
    if not description.heads:
        return [
            *lines,
            "It finds photos by words; it tags none. Choose it by "
            f"`models use {added.folder.name}`, or on the app's page “Model”.",
        ]
    labels = counted(len(description.heads[0].labels), "label")
    lines.append(f"{labels}; the shipped model has {added.ours:,} of them too")
    if not added.has_last_layer:
        lines.append(
            "Its last layer could not be told apart, so its answers serve as its embedding: "
            "similar photos and taught tags will be coarser."
        )
    return [
        *lines,
        "How often it is right has not been measured on your photos. Choose it by "
        f"`models use {added.folder.name}`, or on the app's page “Model”.",
    ]


def _add_options(options: argparse.Namespace) -> AddOptions:
    width, height = options.size or (None, None)
    declared = DeclaredInput(
        width,
        height,
        options.resize,
        options.short_side,
        options.colour_order,
        options.layout,
        options.scale,
        options.mean,
        options.deviation,
    )
    return AddOptions(options.name, options.labels, options.licence, options.output, declared)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    sides = _numbers((width, height or width), text, "224 or 320x240")
    return int(sides[0]), int(sides[1])


def _ratio(text: str) -> float:
    over, _, under = text.partition("/")
    numbers = _numbers((over, under or "1"), text, "1 or 1/255")
    return numbers[0] / numbers[1]


def _three(text: str) -> tuple[float, float, float]:
    first, second, third = _numbers(text.split(","), text, "0.5,0.5,0.5", count=3)
    return first, second, third


def _numbers(parts: Sequence[str], text: str, example: str, count: int = 2) -> list[float]:
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    usable = len(numbers) == count and all(map(math.isfinite, numbers))
    # Of three numbers, a mean may be 0 or less; a size and both parts of a ratio may not.
    if not usable or count == 2 and min(numbers) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be used; write it as {example}")
    return numbers
