"""bundle.json: its content, read and checked; `bundle` reads the files that it lists."""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from scene_model.classifier.bundle_network import (
    BackboneEntry,
    BundleFile,
    InputEntry,
    TextEntry,
    backbone_id,
    problem_with_file_names,
    problem_with_network,
    problem_with_text,
)
from scene_model.classifier.bundle_words import (
    GroupEntry,
    KindEntry,
    LabelEntry,
    Section,
    problem_with_words,
)
from scene_model.classifier.labels import HUMAN, NONE, TAUGHT, UNSURE_CLASS
from scene_model.errors import BundleDamaged, BundleNotFound, BundleTooNew

# Version 2 adds kinds and groups, version 3 the decisions over all heads; version 4 engines, other
# preprocessing, bundles without heads, and text. A bundle that needs none of these is written as 3.
FORMAT_VERSION = 4
_FORMAT_WITHOUT_ENGINES = 3
BUNDLE_FILE = "bundle.json"
_HEAD_ID = re.compile(r"[a-z0-9_]+")


class HeadEntry(Section):
    """One head: labels in output order, and calibration.

    temperature: logits are divided by it (Guo et al. 2017).
    confidence_threshold: below it a prediction is unsure.
    outside_threshold: above it the photo shows none of the head's labels; None without that output.
    second_tag_floor: the minimum score of a second tag in the gallery.
    """

    id: str
    name: str
    labels: tuple[LabelEntry, ...]
    temperature: float
    confidence_threshold: float
    outside_threshold: float | None = None
    second_tag_floor: float = 0.15


class BundleDescription(Section):
    """The content of bundle.json.

    heads: empty for a bundle that serves search only; heads_file, class_head and tag_head are then
    None. class_head: the head that decides a photo's class where it is sure. tag_head: the head
    whose tags, by the tag rule, are the photo's tags; the first is its class where the class head
    is unsure; None for a bundle without such a head. kinds, groups: those of the labels, with the
    kinds above them. decisions_file: see `Decisions`; None without any. text: the text side of a
    pair; None without one.
    """

    format_version: int
    name: str
    created_at: str
    backbone: BackboneEntry
    input: InputEntry
    heads_file: BundleFile | None
    heads: tuple[HeadEntry, ...]
    class_head: str | None = "scenes"
    tag_head: str | None = "camera"
    kinds: tuple[KindEntry, ...] = ()
    groups: tuple[GroupEntry, ...] = ()
    decisions_file: BundleFile | None = None
    float_weights: BundleFile | None = None
    text: TextEntry | None = Field(default=None, exclude_if=lambda value: value is None)
    metrics: dict[str, Any] = {}
    training: dict[str, Any] = {}
    licence: str
    attributions: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name and the first eight digits of the files' hashes: identifies the model."""
        network = self.backbone.sha256
        # A text side changes no prediction.
        if self._predicts_by_format_4:
            network = self.backbone_id
        further = (self.heads_file, self.decisions_file)
        hashes = network + "".join(entry.sha256 for entry in further if entry is not None)
        return f"{self.name}@{hashlib.sha256(hashes.encode()).hexdigest()[:8]}"

    @property
    def backbone_id(self) -> str:
        """Id of the network that computes the embeddings, see `bundle_network.backbone_id`."""
        return backbone_id(self.backbone, self.input)

    @property
    def needed_format(self) -> int:
        """The earliest format version, of those written today, that can describe the bundle."""
        is_new = self._predicts_by_format_4 or self.text is not None
        return FORMAT_VERSION if is_new else _FORMAT_WITHOUT_ENGINES

    @property
    def _predicts_by_format_4(self) -> bool:
        return (
            self.backbone.engine != "litert"
            or self.backbone.output is not None
            or self.input.needs_format_4
            or not self.heads
        )

    @property
    def files(self) -> dict[str, BundleFile]:
        """The files, by their place in bundle.json."""
        named = {
            "backbone": self.backbone,
            "heads_file": self.heads_file,
            "decisions_file": self.decisions_file,
            "float_weights": self.float_weights,
        }
        if self.text is not None:
            named |= {
                "text": self.text,
                "text.tokenizer": self.text.tokenizer,
                "text.image_projection": self.text.image_projection,
                "text.calibration": self.text.calibration,
            }
        return {place: entry for place, entry in named.items() if entry is not None}


def read_description(folder: Path) -> BundleDescription:
    """Read and check only bundle.json."""
    file = folder / BUNDLE_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleDamaged(f"{file} is not UTF-8 text. Copy the bundle again.") from error
    except OSError as error:
        raise BundleNotFound(
            f"No model bundle in {folder}: {BUNDLE_FILE} cannot be read. "
            "Set SCENE_BUNDLE to a folder that `python -m training publish` wrote."
        ) from error
    try:
        description = BundleDescription.model_validate_json(text)
    except ValidationError as error:
        _raise_if_too_new(text, error)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BundleDamaged(f"{file} cannot be read: {where}: {first['msg']}.") from error
    if description.format_version > FORMAT_VERSION:
        raise BundleTooNew(
            f"{file} has format {description.format_version}; this program reads up to "
            f"{FORMAT_VERSION}. Update Scene Gallery."
        )
    problem = _problem(description)
    if problem is not None:
        raise BundleDamaged(f"{file} cannot be used: {problem}")
    return description


def _problem(description: BundleDescription) -> str | None:
    needed = description.needed_format
    problem = (
        problem_with_file_names(description.files)
        or problem_with_network(description.backbone, description.input)
        or _problem_with_heads(description)
        or problem_with_words(
            {head.id: head.labels for head in description.heads},
            description.kinds,
            description.groups,
        )
    )
    if problem is None and description.text is not None:
        problem = problem_with_text(description.text, description.backbone.embedding_size)
    if problem is None and description.format_version <= _FORMAT_WITHOUT_ENGINES < needed:
        return (
            f"format_version is {description.format_version}, but only format {needed} describes "
            f"what it has. Write format_version {needed}."
        )
    return problem


def _problem_without_heads(description: BundleDescription) -> str | None:
    of_heads = ("heads_file", "class_head", "tag_head", "decisions_file")
    for name in of_heads:
        if getattr(description, name) is not None:
            return f"it has no heads, so {name} must be null."
    return None


def _problem_with_heads(description: BundleDescription) -> str | None:
    if not description.heads:
        return _problem_without_heads(description)
    if description.heads_file is None:
        return "it has heads, but heads_file, the file of their weights, is null."
    ids = [head.id for head in description.heads]
    head_ids = ", ".join(ids) or "none"
    for number, head in enumerate(description.heads):
        if not _HEAD_ID.fullmatch(head.id) or head.id in (HUMAN, NONE, TAUGHT):
            return (
                f"a head cannot have the id {head.id!r}. Its id may have lower-case letters, "
                f"digits and underscores, and be none of {HUMAN!r}, {NONE!r}, {TAUGHT!r}."
            )
        if head.id in ids[:number]:
            return f"two heads have the id {head.id!r}."
        labels = Counter(label.id for label in head.labels)
        if not labels:
            return f"the head {head.id!r} has no labels."
        ((label, times),) = labels.most_common(1)
        if times > 1:
            return f"the head {head.id!r} has the label {label!r} {times} times."
        if UNSURE_CLASS in labels:
            return (
                f"the head {head.id!r} has the label {UNSURE_CLASS!r}, which is the class of "
                "photos that no head is sure of. Give the label another id."
            )
    if description.class_head not in ids:
        return (
            f"class_head is {description.class_head!r}, but the heads are: {head_ids}. "
            "It names the head that files photos."
        )
    if description.tag_head is not None and description.tag_head not in ids:
        return (
            f"tag_head is {description.tag_head!r}, but the heads are: {head_ids}. "
            "It names the head that gives tags; null when there is none."
        )
    if description.tag_head == description.class_head:
        return (
            f"class_head and tag_head are both {description.class_head!r}. The tag head decides "
            "where the class head is unsure: name another, or null."
        )
    return None


def _raise_if_too_new(text: str, error: ValidationError) -> None:
    class _Version(BaseModel):
        format_version: int

    try:
        version = _Version.model_validate_json(text).format_version
    except ValidationError:
        return
    if version > FORMAT_VERSION:
        raise BundleTooNew(
            f"The bundle has format {version}; this program reads up to {FORMAT_VERSION}. "
            "Update Scene Gallery."
        ) from error
