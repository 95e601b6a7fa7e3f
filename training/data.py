"""Labelled photos: read from zips and class folders, with what each means for every head."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scene_model.classifier.labels import LabelSet
from scene_model.errors import PhotoError
from scene_model.photos.decode import PhotoLimits, Pixels, decode_photo
from scene_model.photos.sniff import has_picture_name
from training.recipe import HeadRecipe, Mapping, Recipe, Source

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """One labelled photo.

    name: "source/CLASS/FILE", unique over all sources; the split lists hold these.
    label, also: as the source writes them.
    sha256: of the file's bytes. pixels: upright RGB at the file's own size.
    """

    name: str
    source: str
    label: str
    also: tuple[str, ...]
    sha256: str
    pixels: Pixels


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
        files = list(_files(source, data_dir))
        also = _also(source, data_dir)
        with ThreadPoolExecutor() as pool:
            decoded = pool.map(lambda item: _decode(item[1]), files)
            for (path, data), pixels in zip(files, decoded, strict=True):
                if isinstance(pixels, PhotoError):
                    skipped.append(f"{source.id}/{path}: {pixels}")
                    continue
                examples.append(
                    Example(
                        name=f"{source.id}/{path}",
                        source=source.id,
                        label=path.split("/")[0],
                        also=also.get(path, ()),
                        sha256=hashlib.sha256(data).hexdigest(),
                        pixels=pixels,
                    )
                )
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
            if targets:
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


def _decode(data: bytes) -> Pixels | PhotoError:
    try:
        return decode_photo(data, PhotoLimits(), minimum=None).pixels
    except PhotoError as error:
        return error


def _files(source: Source, data_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Yield ("CLASS/FILE", bytes) in name order."""
    root = data_dir / source.file
    if root.is_dir():
        for path in sorted(root.glob("*/*")):
            if has_picture_name(path):
                yield path.relative_to(root).as_posix(), path.read_bytes()
        return
    with zipfile.ZipFile(root) as archive:
        for name in sorted(archive.namelist()):
            if has_picture_name(Path(name)):
                yield name, archive.read(name)


def _also(source: Source, data_dir: Path) -> dict[str, tuple[str, ...]]:
    """Further tags by file, from the source's manifest.csv (``;`` or ``|`` between tags)."""
    if source.manifest is None:
        return {}
    root = data_dir / source.file
    if root.is_dir():
        text = (root / source.manifest).read_text(encoding="utf-8")
    else:
        with zipfile.ZipFile(root) as archive:
            text = archive.read(source.manifest).decode("utf-8")
    # "Sea" is no camera scene; a photo that shows it shows the coast.
    names = {"Sea": "Coast"}
    return {
        row["file"]: tuple(
            names.get(tag, tag) for tag in row["also"].replace("|", ";").split(";") if tag
        )
        for row in csv.DictReader(io.StringIO(text))
    }


__all__ = [
    "Example",
    "FloatArray",
    "HeadTargets",
    "Mapping",
    "check_mappings",
    "data_manifest_hash",
    "head_targets",
    "load_examples",
]
