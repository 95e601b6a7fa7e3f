"""Labelled photos: read from zips and class folders, with what each means for every head."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from scene_model.classifier.labels import LabelSet
from scene_model.errors import PhotoError
from scene_model.photos.decode import (
    MinimumSize,
    PhotoLimits,
    Pixels,
    decode_photo,
    read_photo_file,
)
from scene_model.photos.sniff import has_picture_name
from training.folders import read_class_folders
from training.recipe import HeadRecipe, Recipe, Source

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """One labelled photo.

    name: "source/CLASS/FILE", unique over all sources; the split lists hold these.
    label, also: as the source writes them.
    origin: where the source has it from (``source_repo`` of its manifest), "" if not said.
    sha256: of the file's bytes. pixels: upright RGB, at the size that serving decodes to.
    """

    name: str
    source: str
    label: str
    also: tuple[str, ...]
    sha256: str
    pixels: Pixels
    origin: str = ""


@dataclass(frozen=True)
class HeadTargets:
    """What one head should answer for each of N examples.

    allowed: shape (N, outputs), float32, rows sum to 1 where weight > 0 (a distribution),
        or several ones (any of these is right: "inside"), see `sets`.
    sets: shape (N,), bool: the row is a set of allowed outputs, not a distribution.
    weight: shape (N,), float32, 0 where the head has nothing to learn from the example.
    """

    allowed: FloatArray
    sets: npt.NDArray[np.bool_]
    weight: FloatArray


def load_examples(recipe: Recipe, data_dir: Path) -> tuple[list[Example], list[str]]:
    """Decode all photos of a recipe's sources.

    Returns the examples, in a fixed order, and one line per photo that had to be skipped.
    Raises FileNotFoundError when a source is not in ``data_dir``.
    """
    examples: list[Example] = []
    skipped: list[str] = []
    for source in recipe.sources:
        of_source, lines = load_source(source, data_dir)
        examples += of_source
        skipped += lines
    return examples, skipped


def load_folders(root: Path, source_id: str) -> tuple[list[Example], list[str]]:
    """Decode a folder of class folders; returns examples and a line per thing passed over.

    Raises UnusableFolders.
    """
    classes, passed_over = read_class_folders(root)
    items = [
        (file.relative_to(root).as_posix(), file, one.label.source_name)
        for one in classes
        for file in one.files
    ]
    examples, unreadable = _decode_all(items, source_id, {})
    return examples, passed_over + unreadable


def load_source(source: Source, data_dir: Path) -> tuple[list[Example], list[str]]:
    """Decode one source: a zip or folder of class folders, with or without a manifest.

    Raises FileNotFoundError or UnusableFolders.
    """
    root = data_dir / source.file
    if root.is_dir():
        if source.manifest is None:
            return load_folders(root, source.id)
        text = (root / source.manifest).read_text(encoding="utf-8")
        files = [p for p in sorted(root.glob("*/*")) if has_picture_name(p)]
        named = [(p.relative_to(root).as_posix(), p, p.parent.name) for p in files]
        return _decode_all(named, source.id, _manifest(text))
    with zipfile.ZipFile(root) as archive:
        text = archive.read(source.manifest).decode("utf-8") if source.manifest else ""
        names = [n for n in sorted(archive.namelist()) if has_picture_name(PurePosixPath(n))]
        items = [(name, archive.read(name), name.split("/")[0]) for name in names]
    return _decode_all(items, source.id, _manifest(text))


def _decode_all(
    items: Sequence[tuple[str, Path | bytes, str]],
    source_id: str,
    manifest: dict[str, dict[str, str]],
) -> tuple[list[Example], list[str]]:
    """Decode ("CLASS/FILE", file or its bytes, label) in order, in several threads."""

    def decode(item: tuple[str, Path | bytes, str]) -> Example | PhotoError:
        path, where, label = item
        try:
            data = where if isinstance(where, bytes) else read_photo_file(where, PhotoLimits())
            pixels = decode_photo(data, PhotoLimits(), MinimumSize()).pixels
        except PhotoError as error:
            return error
        row = manifest.get(path, {})
        return Example(
            name=f"{source_id}/{path}",
            source=source_id,
            label=label,
            also=_also(row),
            sha256=hashlib.sha256(data).hexdigest(),
            pixels=pixels,
            origin=row.get("source_repo", ""),
        )

    examples: list[Example] = []
    skipped: list[str] = []
    with ThreadPoolExecutor() as pool:
        for item, found in zip(items, pool.map(decode, items), strict=True):
            if isinstance(found, PhotoError):
                skipped.append(f"{source_id}/{item[0]}: {found}")
            else:
                examples.append(found)
    return examples, skipped


def data_manifest_hash(examples: list[Example]) -> str:
    """SHA-256 over all names, labels and content hashes: names the data a run saw."""
    digest = hashlib.sha256()
    for example in sorted(examples, key=lambda e: e.name):
        line = f"{example.name}\t{example.label}\t{';'.join(example.also)}\t{example.sha256}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def head_targets(
    examples: list[Example], head: HeadRecipe, labels: LabelSet, recipe: Recipe
) -> HeadTargets:
    """Work out what one head should learn from each example."""
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
        known = {*label_sets[mapping.head].ids, "inside", "outside"}
        for label, targets in mapping.targets.items():
            for target in targets:
                if target not in known:
                    raise ValueError(
                        f"{mapping.source} → {mapping.head}: {label!r} maps to {target!r}, "
                        "which is no label of that head"
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


def _manifest(text: str) -> dict[str, dict[str, str]]:
    """Rows of a manifest.csv by file."""
    return {row["file"]: row for row in csv.DictReader(io.StringIO(text))}


def _also(row: dict[str, str]) -> tuple[str, ...]:
    """Further tags of a manifest's row (``;`` or ``|`` between them)."""
    # "Sea" is no camera scene; a photo that shows it shows the coast.
    names = {"Sea": "Coast"}
    tags = row.get("also", "").replace("|", ";").split(";")
    return tuple(names.get(tag, tag) for tag in tags if tag)
