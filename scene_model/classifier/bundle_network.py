"""The networks of bundle.json: the backbone, its input, and the text side of a pair."""

import hashlib
import re
from typing import Annotated, Literal

from pydantic import Field

from scene_model.classifier.bundle_words import Section

EngineName = Literal["litert", "onnx"]
Channels = tuple[
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
    Annotated[float, Field(allow_inf_nan=False)],
]

MAX_SIDE = 2_048  # a photo's input of that size takes 50 MB as float32
_MAX_EMBEDDING = 65_536
_BACKBONE_ID_DIGITS = 16
_ZERO, _UNIT = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
# A plain name, the same on every system: no folders, no drive, no stream of NTFS.
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\:\0]{1,255}")


class BundleFile(Section):
    """A file of the bundle's folder and the SHA-256 of its bytes."""

    file: str
    sha256: str


class BackboneEntry(BundleFile):
    """The network: one photo in, as `InputEntry` says, one embedding out.

    engine: the runtime of its file. output: name of the graph's output; None: it has only one.
    """

    architecture: str
    embedding_size: int = Field(ge=1, le=_MAX_EMBEDDING)
    engine: EngineName = Field(default="litert", exclude_if=lambda value: value == "litert")
    output: str | None = Field(default=None, exclude_if=lambda value: value is None)


class InputEntry(Section):
    """How a photo becomes the network's input, see `preprocessing`.

    resize: "stretch" to width × height, or "centre_crop": the shorter side is resized to
    short_side, then the middle is cut out. scale, mean, deviation: of a float32 input,
    value = (pixel × scale - mean) / deviation, by channel in colour_order.
    """

    width: int = Field(ge=1, le=MAX_SIDE)
    height: int = Field(ge=1, le=MAX_SIDE)
    colour_order: Literal["RGB", "BGR"]
    dtype: Literal["uint8", "float32"]
    resize: Literal["stretch", "centre_crop"]
    layout: Literal["NHWC", "NCHW"] = Field(
        default="NHWC", exclude_if=lambda value: value == "NHWC"
    )
    short_side: int | None = Field(
        default=None, ge=1, le=MAX_SIDE, exclude_if=lambda value: value is None
    )
    scale: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, exclude_if=lambda value: value == 1.0
    )
    mean: Channels = Field(default=_ZERO, exclude_if=lambda value: value == _ZERO)
    deviation: Channels = Field(default=_UNIT, exclude_if=lambda value: value == _UNIT)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the network's input for one photo."""
        if self.layout == "NCHW":
            return 1, 3, self.height, self.width
        return 1, self.height, self.width, 3

    @property
    def needs_format_4(self) -> bool:
        """Whether programs that read up to format 3 cannot prepare this input."""
        return (
            (self.colour_order, self.dtype, self.resize, self.layout)
            != ("RGB", "uint8", "stretch", "NHWC")
        ) or self.width != self.height


class TextEntry(BundleFile):
    """The text network of a pair: token ids in, vectors of the joint space out.

    embedding_size: of the joint space. image_projection: npz with `kernel` (image embedding,
    joint) and, where there is one, `bias`; None where image embeddings are in the joint space
    already. prompt: the sentence around a label, with one {}.
    """

    engine: EngineName
    tokenizer: BundleFile
    context_length: int = Field(ge=2, le=8_192)
    padding_id: int = Field(ge=0)
    embedding_size: int = Field(ge=1, le=_MAX_EMBEDDING)
    image_projection: BundleFile | None = None
    prompt: str = "{}"
    calibration: BundleFile | None = None

    @property
    def files(self) -> tuple[BundleFile, ...]:
        """All files of the text side."""
        further = (self.tokenizer, self.image_projection, self.calibration)
        return self, *(entry for entry in further if entry is not None)


def backbone_id(backbone: BackboneEntry, photo_input: InputEntry) -> str:
    """Return the identity of a network's embeddings: what decides whether heads can read them.

    The first digits of its SHA-256; from format 4 on, of all that the embedding depends on: the
    same file gives other embeddings from another output, or after other preprocessing.
    """
    if backbone.output is None and not photo_input.needs_format_4:
        return backbone.sha256[:_BACKBONE_ID_DIGITS]
    rule = "\n".join(
        (backbone.sha256, backbone.output or "", photo_input.model_dump_json(by_alias=False))
    )
    return hashlib.sha256(rule.encode()).hexdigest()[:_BACKBONE_ID_DIGITS]


def problem_with_network(backbone: BackboneEntry, photo_input: InputEntry) -> str | None:
    """Describe the first value that does not fit the others; None when all do."""
    rule = photo_input
    if backbone.output == "":
        return "backbone.output is empty. Name an output of the graph, or leave it out."
    if rule.resize == "centre_crop":
        if rule.short_side is None:
            return "input.resize is 'centre_crop', which needs short_side: the length in pixels."
        if rule.short_side < max(rule.width, rule.height):
            return (
                f"input.short_side is {rule.short_side}, and {rule.width} × {rule.height} pixels "
                "are to be cut out of it. It must be at least as long as both."
            )
    elif rule.short_side is not None:
        return "input.short_side belongs to resize 'centre_crop'; 'stretch' takes none."
    if rule.dtype == "uint8" and (rule.scale, rule.mean, rule.deviation) != (1.0, _ZERO, _UNIT):
        return (
            "input.dtype is 'uint8', which takes pixels as they are: without scale, mean and "
            "deviation. Name 'float32' where the graph takes such numbers."
        )
    if min(rule.deviation) <= 0:
        return f"input.deviation is {rule.deviation}; each number must be above 0."
    return None


def problem_with_text(text: TextEntry, embedding_size: int) -> str | None:
    """Describe the first value of the text side that does not fit; embedding_size: of images."""
    if text.prompt.count("{}") != 1:
        return f"text.prompt is {text.prompt!r}; it must have {{}} once, where a label goes."
    if text.image_projection is None and text.embedding_size != embedding_size:
        return (
            f"text.embedding_size is {text.embedding_size} and backbone.embedding_size "
            f"{embedding_size}: without image_projection they must be equal."
        )
    return None


def problem_with_file_names(entries: dict[str, BundleFile]) -> str | None:
    """Describe the first file that lies outside the folder; entries: by their place in the file."""
    for place, entry in entries.items():
        if not _FILE_NAME.fullmatch(entry.file):
            return (
                f"{place}.file is {entry.file!r}. A bundle's files lie in its own folder: "
                "write only a file's name."
            )
    return None
