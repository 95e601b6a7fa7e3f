"""A published model: everything needed to repeat a prediction, in one folder, no pickle.

``bundle.json`` lists every other file with its SHA-256; all are checked when the bundle is
opened, so that a partly copied model is never used.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from scene_model.classifier.bundle_decisions import Decisions, problem_with_decisions
from scene_model.classifier.bundle_description import (
    BundleDescription,
    HeadEntry,
    read_description,
)
from scene_model.classifier.bundle_network import BundleFile
from scene_model.classifier.labels import LabelSet
from scene_model.errors import BundleDamaged, BundleNotFound, LabelCountMismatch

MODEL_CARD_FILE = "MODEL_CARD.md"
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeadWeights:
    """A dense layer on the embedding: kernel (embedding, outputs), bias (outputs,), float32."""

    kernel: FloatArray
    bias: FloatArray


@dataclass(frozen=True)
class Bundle:
    """An opened, checked bundle. head_weights: empty for one without heads."""

    folder: Path
    description: BundleDescription
    head_weights: dict[str, HeadWeights]
    decisions: Decisions = Decisions()

    @property
    def backbone_path(self) -> Path:
        """The network's file."""
        return self.folder / self.description.backbone.file

    def read(self, entry: BundleFile) -> bytes:
        """Read a file of the bundle, checked; raises BundleNotFound or BundleDamaged."""
        return _checked_bytes(self.folder, entry)

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
    _check_bytes(folder, description.backbone)
    for entry in description.text.files if description.text is not None else ():
        _check_bytes(folder, entry)
    weights = _read_heads(folder, description)
    return Bundle(folder, description, weights, _read_decisions(folder, description))


def _checked_bytes(folder: Path, entry: BundleFile) -> bytes:
    try:
        data = (folder / entry.file).read_bytes()
    except OSError as error:
        raise _missing(folder, entry) from error
    _compare(folder, entry, hashlib.sha256(data).hexdigest())
    return data


def _check_bytes(folder: Path, entry: BundleFile) -> None:
    """Compare the hash of a file that may be large; it is not held in memory."""
    try:
        with (folder / entry.file).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _missing(folder, entry) from error
    _compare(folder, entry, digest)


def _missing(folder: Path, entry: BundleFile) -> BundleNotFound:
    return BundleNotFound(
        f"{entry.file} is missing from the bundle {folder}. Copy the bundle again."
    )


def _compare(folder: Path, entry: BundleFile, digest: str) -> None:
    if digest != entry.sha256:
        raise BundleDamaged(
            f"{entry.file} in {folder} has SHA-256 {digest[:12]}…; bundle.json says "
            f"{entry.sha256[:12]}…. Copy the bundle again."
        )


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


def _read_heads(folder: Path, description: BundleDescription) -> dict[str, HeadWeights]:
    entry = description.heads_file
    if entry is None:
        return {}
    weights = {}
    data = _checked_bytes(folder, entry)
    try:
        archive = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BundleDamaged(
            f"{entry.file} is not a file of arrays: {error}. Publish the model again."
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
