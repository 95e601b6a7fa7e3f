"""A published model: everything needed to repeat a prediction, in one folder, no pickle.

``bundle.json`` lists every other file with its SHA-256; all are checked when the bundle is
opened, so that a partly copied model is never used.
"""

import hashlib
import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from scene_model.classifier.bundle_decisions import Decisions, problem_with_decisions
from scene_model.classifier.bundle_words import (
    GroupEntry,
    KindEntry,
    LabelEntry,
    Section,
    problem_with_words,
)
from scene_model.classifier.labels import HUMAN, NONE, TAUGHT, UNSURE_CLASS, LabelSet
from scene_model.errors import BundleDamaged, BundleNotFound, BundleTooNew, LabelCountMismatch

# Version 2 adds kinds and groups, version 3 the decisions over all heads.
FORMAT_VERSION = 3
BUNDLE_FILE = "bundle.json"
MODEL_CARD_FILE = "MODEL_CARD.md"
_HEAD_ID = re.compile(r"[a-z0-9_]+")
_BACKBONE_ID_DIGITS = 16
FloatArray = npt.NDArray[np.float32]


class BundleFile(Section):
    """A file of the bundle and the SHA-256 of its bytes."""

    file: str
    sha256: str


class BackboneEntry(BundleFile):
    """The quantized network: uint8 RGB (1, height, width, 3) in, float32 embedding out."""

    architecture: str
    embedding_size: int


class InputEntry(Section):
    """How a photo becomes the network's input; ``stretch`` is `resize_to_square`."""

    width: int
    height: int
    colour_order: Literal["RGB"]
    dtype: Literal["uint8"]
    resize: Literal["stretch"]


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

    class_head: the head that decides a photo's class where it is sure. tag_head: the head whose
    tags, by the tag rule, are the photo's tags; the first is its class where the class head is
    unsure; None for a bundle without such a head. kinds, groups: those of the labels, with the
    kinds above them. decisions_file: see `Decisions`; None without any.
    """

    format_version: int
    name: str
    created_at: str
    backbone: BackboneEntry
    input: InputEntry
    heads_file: BundleFile
    heads: tuple[HeadEntry, ...]
    class_head: str = "scenes"
    tag_head: str | None = "camera"
    kinds: tuple[KindEntry, ...] = ()
    groups: tuple[GroupEntry, ...] = ()
    decisions_file: BundleFile | None = None
    float_weights: BundleFile | None = None
    metrics: dict[str, Any] = {}
    training: dict[str, Any] = {}
    licence: str
    attributions: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name and the first eight digits of the files' hashes: identifies the model."""
        hashes = self.backbone.sha256 + self.heads_file.sha256
        if self.decisions_file is not None:
            hashes += self.decisions_file.sha256
        return f"{self.name}@{hashlib.sha256(hashes.encode()).hexdigest()[:8]}"

    @property
    def backbone_id(self) -> str:
        """The first digits of the network's SHA-256: identifies the network of an embedding."""
        return self.backbone.sha256[:_BACKBONE_ID_DIGITS]


@dataclass(frozen=True)
class HeadWeights:
    """A dense layer on the embedding: kernel (embedding, outputs), bias (outputs,), float32."""

    kernel: FloatArray
    bias: FloatArray


@dataclass(frozen=True)
class Bundle:
    """An opened, checked bundle."""

    folder: Path
    description: BundleDescription
    head_weights: dict[str, HeadWeights]
    decisions: Decisions = Decisions()

    @property
    def backbone_path(self) -> Path:
        """The network's file."""
        return self.folder / self.description.backbone.file

    def label_set(self, head: HeadEntry) -> LabelSet:
        """Return the labels of a head, with the kinds and groups of the bundle."""
        return self._label_sets[head.id]

    @cached_property
    def _label_sets(self) -> dict[str, LabelSet]:
        kinds = tuple(entry.as_kind() for entry in self.description.kinds)
        groups = tuple(entry.as_group() for entry in self.description.groups)
        return {
            head.id: LabelSet(tuple(entry.as_label() for entry in head.labels), kinds, groups)
            for head in self.description.heads
        }


def open_bundle(folder: Path) -> Bundle:
    """Open a bundle and check all of its files.

    Raises BundleNotFound, BundleDamaged, BundleTooNew or LabelCountMismatch.
    """
    description = read_description(folder)
    _checked_bytes(folder, description.backbone)
    weights = _read_heads(_checked_bytes(folder, description.heads_file), description)
    return Bundle(folder, description, weights, _read_decisions(folder, description))


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
    problem = _problem_with_heads(description) or problem_with_words(
        {head.id: head.labels for head in description.heads},
        description.kinds,
        description.groups,
    )
    if problem is not None:
        raise BundleDamaged(f"{file} cannot be used: {problem}")
    return description


def _problem_with_heads(description: BundleDescription) -> str | None:
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


def _checked_bytes(folder: Path, entry: BundleFile) -> bytes:
    try:
        data = (folder / entry.file).read_bytes()
    except OSError as error:
        raise BundleNotFound(
            f"{entry.file} is missing from the bundle {folder}. Copy the bundle again."
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry.sha256:
        raise BundleDamaged(
            f"{entry.file} in {folder} has SHA-256 {digest[:12]}…; bundle.json says "
            f"{entry.sha256[:12]}…. Copy the bundle again."
        )
    return data


def _read_decisions(folder: Path, description: BundleDescription) -> Decisions:
    entry = description.decisions_file
    if entry is None:
        return Decisions()
    try:
        decisions = Decisions.model_validate_json(_checked_bytes(folder, entry))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BundleDamaged(
            f"{entry.file} in {folder} cannot be read: {where}: {first['msg']}."
        ) from error
    problem = problem_with_decisions(
        decisions,
        {head.id: {label.id for label in head.labels} for head in description.heads},
        {group.id for group in description.groups},
        description.backbone.embedding_size,
    )
    if problem is not None:
        raise BundleDamaged(f"{entry.file} in {folder} cannot be used: {problem}")
    return decisions


def _read_heads(data: bytes, description: BundleDescription) -> dict[str, HeadWeights]:
    weights = {}
    try:
        archive = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BundleDamaged(
            f"{description.heads_file.file} is not a file of arrays: {error}. "
            "Publish the model again."
        ) from error
    with archive as arrays:
        for head in description.heads:
            try:
                kernel = arrays[f"{head.id}/kernel"].astype(np.float32)
                bias = arrays[f"{head.id}/bias"].astype(np.float32)
            except KeyError as error:
                raise BundleDamaged(f"The bundle has no weights for head {head.id!r}.") from error
            outputs = len(head.labels) + (0 if head.outside_threshold is None else 1)
            if kernel.shape != (description.backbone.embedding_size, outputs) or bias.shape != (
                outputs,
            ):
                raise LabelCountMismatch(
                    f"Head {head.id!r} has {len(head.labels)} labels and should have {outputs} "
                    f"outputs; its weights have shape {kernel.shape}."
                )
            weights[head.id] = HeadWeights(kernel, bias)
    return weights
