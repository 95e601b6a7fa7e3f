"""Read labelled photos from zips and class folders, and build each head's targets."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from scene_model.classifier.bundle import FloatArray
from scene_model.classifier.fitting.examples import (
    Example,
    ManifestFacts,
    decode_examples,
    load_folders,
)
from scene_model.classifier.labels import LabelSet
from scene_model.photos.sniff import has_picture_name
from training.recipe import HeadRecipe, Recipe, Source


@dataclass(frozen=True)
class HeadTargets:
    """Training targets of one head for N examples.

    allowed: shape (N, outputs), float32, rows sum to 1 where weight > 0 (a distribution),
        or several entries of 1 (any of these is right: "inside"), see `sets`.
    sets: shape (N,), bool: the row is a set of allowed outputs, not a distribution.
    weight: shape (N,), float32, 0 where the example does not train the head.
    """

    allowed: FloatArray
    sets: npt.NDArray[np.bool_]
    weight: FloatArray


def load_examples(recipe: Recipe, data_dir: Path) -> tuple[list[Example], list[str]]:
    """Decode all photos of a recipe's sources.

    Returns the examples, in a fixed order, and one line per skipped photo.
    Raises FileNotFoundError when a source is not in ``data_dir``.
    """
    examples: list[Example] = []
    skipped: list[str] = []
    for source in recipe.sources:
        source_examples, lines = load_source(source, data_dir)
        examples += source_examples
        skipped += lines
    return examples, skipped


def load_source(source: Source, data_dir: Path) -> tuple[list[Example], list[str]]:
    """Decode one source: a zip or folder of class folders, with or without a manifest.

    Raises FileNotFoundError or UnusableFolders.
    """
    root = data_dir / source.file
    if root.is_dir():
        if source.manifest is None:
            examples, passed_over, unreadable = load_folders(root, source.id)
            return examples, passed_over + [str(photo) for photo in unreadable]
        text = (root / source.manifest).read_text(encoding="utf-8")
        files = [p for p in sorted(root.glob("*/*")) if has_picture_name(p)]
        named = [(p.relative_to(root).as_posix(), p, p.parent.name) for p in files]
        return _decoded(named, source.id, text)
    with zipfile.ZipFile(root) as archive:
        text = archive.read(source.manifest).decode("utf-8") if source.manifest else ""
        names = [n for n in sorted(archive.namelist()) if has_picture_name(PurePosixPath(n))]
        items = [(name, archive.read(name), name.split("/")[0]) for name in names]
    return _decoded(items, source.id, text)


def _decoded(
    items: Sequence[tuple[str, Path | bytes, str]], source_id: str, manifest: str
) -> tuple[list[Example], list[str]]:
    examples, unreadable = decode_examples(items, source_id, _manifest(manifest))
    return examples, [str(photo) for photo in unreadable]


def head_targets(
    examples: list[Example], head: HeadRecipe, labels: LabelSet, recipe: Recipe
) -> HeadTargets:
    """Build the targets of one head for each example."""
    outputs = len(labels) + (1 if head.outside else 0)
    allowed = np.zeros((len(examples), outputs), np.float32)
    sets = np.zeros(len(examples), np.bool_)
    weight = np.zeros(len(examples), np.float32)
    by_source_name = {label.source_name: i for i, label in enumerate(labels.labels)}
    own_sources = {source.id for source in recipe.sources if source.head == head.id}
    mappings = {m.source: m for m in recipe.mappings if m.head == head.id}
    for row, example in enumerate(examples):
        if example.source in own_sources:
            allowed[row] = _own_target(example, by_source_name, outputs, recipe.second_tag_share)
            weight[row] = 1.0
        elif example.source in mappings:
            mapping = mappings[example.source]
            targets = mapping.targets.get(example.label, ())
            if targets and example.origin not in mapping.withheld_origins:
                allowed[row], sets[row] = _mapped_target(targets, labels, outputs)
                weight[row] = mapping.weight
    return HeadTargets(allowed, sets, weight)


def check_mappings(recipe: Recipe, label_sets: dict[str, LabelSet]) -> None:
    """Raise ValueError when a mapping names a label its head does not have."""
    for mapping in recipe.mappings:
        valid_targets = {*label_sets[mapping.head].ids, "inside", "outside"}
        for label, targets in mapping.targets.items():
            for target in targets:
                if target not in valid_targets:
                    raise ValueError(
                        f"{mapping.source} → {mapping.head}: {label!r} maps to {target!r}, "
                        "which is not a label of that head"
                    )


def _own_target(
    example: Example, by_source_name: dict[str, int], outputs: int, second_share: float
) -> FloatArray:
    target = np.zeros(outputs, np.float32)
    main = by_source_name[example.label]
    others = [by_source_name[a] for a in example.also if a in by_source_name]
    others = [index for index in others if index != main]
    target[main] = 1.0 - (second_share if others else 0.0)
    for index in others:
        target[index] = second_share / len(others)
    return target


def _mapped_target(
    targets: tuple[str, ...], labels: LabelSet, outputs: int
) -> tuple[FloatArray, bool]:
    target = np.zeros(outputs, np.float32)
    if targets == ("inside",):
        target[: len(labels)] = 1.0
        return target, True
    if targets == ("outside",):
        target[len(labels)] = 1.0
        return target, False
    for label_id in targets:
        target[labels.index(label_id)] = 1.0 / len(targets)
    return target, False


def _manifest(text: str) -> Callable[[str], ManifestFacts]:
    """Parse a manifest.csv; returns a lookup of a file's facts by its path."""
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(text))}

    def facts_of(path: str) -> ManifestFacts:
        row = rows.get(path, {})
        return ManifestFacts(_also(row), row.get("source_repo", ""))

    return facts_of


def _also(row: dict[str, str]) -> tuple[str, ...]:
    """Further labels of a manifest row, separated by ``;`` or ``|``."""
    # "Sea" is not a camera scene; "Coast" is the closest label.
    names = {"Sea": "Coast"}
    tags = row.get("also", "").replace("|", ";").split(";")
    return tuple(names.get(tag, tag) for tag in tags if tag)
