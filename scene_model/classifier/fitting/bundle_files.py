"""The files of a bundle: describe them, and move a finished one to its place."""

import datetime
import hashlib
import shutil
from pathlib import Path

import numpy as np

from scene_model.classifier.bundle import HeadWeights
from scene_model.classifier.bundle_description import BUNDLE_FILE, BundleDescription, HeadEntry
from scene_model.classifier.bundle_network import BundleFile
from scene_model.classifier.bundle_words import LabelEntry
from scene_model.classifier.fitting.calibration import CONFIDENCE_THRESHOLD, HeadCalibration
from scene_model.classifier.labels import LabelSet

HEADS_FILE = "heads.npz"


def describe_head(
    head_id: str, name: str, labels: LabelSet, calibration: HeadCalibration
) -> HeadEntry:
    """Describe a head as bundle.json does."""
    return HeadEntry(
        id=head_id,
        name=name,
        labels=tuple(
            LabelEntry(
                id=label.id,
                name=label.name,
                source_name=label.source_name,
                aliases=label.aliases,
                translations=label.translations,
            )
            for label in labels.labels
        ),
        temperature=calibration.temperature,
        confidence_threshold=CONFIDENCE_THRESHOLD,
        outside_threshold=calibration.outside_threshold,
        second_tag_floor=calibration.second_tag_floor,
    )


def write_heads(folder: Path, heads: dict[str, HeadWeights]) -> None:
    """Write the weights of all heads, float16, as `open_bundle` reads them."""
    arrays = {
        f"{head_id}/{part}": values.astype(np.float16)
        for head_id, weights in heads.items()
        for part, values in (("kernel", weights.kernel), ("bias", weights.bias))
    }
    np.savez_compressed(folder / HEADS_FILE, **arrays)  # type: ignore[arg-type]


def put_in_place(folder: Path, target: Path) -> None:
    """Move a finished bundle to its place; one that is there already is replaced, or stays."""
    earlier = folder.parent / "earlier"
    if target.exists():
        target.rename(earlier)
    try:
        folder.rename(target)
    except OSError:
        if earlier.exists():
            earlier.rename(target)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def write_description(folder: Path, description: BundleDescription) -> None:
    """Write bundle.json, in the earliest format that can describe it."""
    description = description.model_copy(update={"format_version": description.needed_format})
    (folder / BUNDLE_FILE).write_text(
        description.model_dump_json(indent=1) + "\n", encoding="utf-8"
    )


def bundle_file(folder: Path, name: str) -> BundleFile:
    """Build the entry of a bundle's file: its name and SHA-256."""
    return BundleFile(file=name, sha256=sha256(folder / name))


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
