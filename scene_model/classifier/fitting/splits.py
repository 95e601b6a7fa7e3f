"""Split photos into training, calibration and validation parts.

Photos that show the same picture (re-encoded or resized, in any source) form one group; all
photos of a group are in the same part.
"""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from scene_model.classifier.fitting.examples import Example
from scene_model.photos.colours import Pixels
from scene_model.photos.hashes import perceptual_hash

# Two photos are the same picture when their perceptual hashes differ in at most this many
# of 64 bits and their 32×32 grey versions correlate at least this much. The first test
# finds candidates, the second rejects flat skies and seas that share a hash by chance.
MAX_HASH_DISTANCE = 10
MIN_CORRELATION = 0.97
VALIDATION_SHARE = 0.15
CALIBRATION_SHARE = 0.05
_BLOCK = 1024


class Part(StrEnum):
    """What a photo is used for; the value is part of the list file's name."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    VALIDATION = "validation"
    LEFT_OUT = "left_out"


@dataclass(frozen=True)
class Split:
    """The part of each listed photo; photos that are not listed are training photos."""

    parts: dict[str, Part]

    def part(self, name: str) -> Part:
        """Return the part of a photo."""
        return self.parts.get(name, Part.TRAIN)

    def indices(self, examples: list[Example], part: Part) -> npt.NDArray[np.intp]:
        """Positions of the examples of one part."""
        return np.array([i for i, e in enumerate(examples) if self.part(e.name) is part], np.intp)


def same_picture_groups(pictures: list[Pixels]) -> npt.NDArray[np.intp]:
    """Group number of each picture: shape (N,), equal for photos that show the same picture.

    Mirror images belong to the same group, because flips are an augmentation.
    """
    hashes = np.array([perceptual_hash(p) for p in pictures], np.uint64)
    mirrored = np.array(
        [perceptual_hash(np.ascontiguousarray(p[:, ::-1])) for p in pictures], np.uint64
    )
    small = np.stack([_small_grey(p) for p in pictures])
    flipped = np.stack([_small_grey(np.ascontiguousarray(p[:, ::-1])) for p in pictures])
    parent = np.arange(len(pictures))
    for start in range(0, len(pictures), _BLOCK):
        block = slice(start, start + _BLOCK)
        for second_hashes, second_small in ((hashes, small), (mirrored, flipped)):
            distance = np.bitwise_count(hashes[block, None] ^ second_hashes[None, :])
            for i, j in zip(*np.nonzero(distance <= MAX_HASH_DISTANCE), strict=True):
                a = start + int(i)
                if a < j and float(small[a] @ second_small[j]) >= MIN_CORRELATION:
                    _join(parent, a, int(j))
    return np.array([_root(parent, i) for i in range(len(pictures))], np.intp)


def make_split(examples: list[Example], groups: npt.NDArray[np.intp], seed: int) -> Split:
    """Assign groups to parts, per source and label, by a seeded hash of their first member.

    A group whose photos of one source have different labels is left out.
    """
    members: dict[int, list[Example]] = defaultdict(list)
    for example, group in zip(examples, groups, strict=True):
        members[int(group)].append(example)
    parts: dict[str, Part] = {}
    strata: dict[tuple[str, str], list[list[Example]]] = defaultdict(list)
    for group_members in members.values():
        if _contradict(group_members):
            parts.update({e.name: Part.LEFT_OUT for e in group_members})
            continue
        first = min(group_members, key=lambda e: e.name)
        strata[first.source, first.label].append(group_members)
    for stratum in strata.values():
        stratum.sort(key=lambda g: _draw(seed, min(e.name for e in g)))
        total, assigned = sum(map(len, stratum)), 0
        for group_members in stratum:
            if assigned < VALIDATION_SHARE * total:
                part = Part.VALIDATION
            elif assigned < (VALIDATION_SHARE + CALIBRATION_SHARE) * total:
                part = Part.CALIBRATION
            else:
                break
            assigned += len(group_members)
            parts.update({e.name: part for e in group_members})
    return Split(parts)


def write_split(split: Split, splits_dir: Path) -> None:
    """Write one list per source and part: ``SOURCE_PART.txt``, one CLASS/FILE per line."""
    lists: dict[tuple[str, Part], list[str]] = defaultdict(list)
    for name, part in split.parts.items():
        source, path = name.split("/", 1)
        lists[source, part].append(path)
    splits_dir.mkdir(parents=True, exist_ok=True)
    for (source, part), paths in lists.items():
        text = "".join(f"{path}\n" for path in sorted(paths))
        (splits_dir / f"{source}_{part}.txt").write_text(text, encoding="utf-8")


def read_split(splits_dir: Path) -> Split:
    """Read the lists that `write_split` wrote."""
    parts: dict[str, Part] = {}
    for part in (Part.CALIBRATION, Part.VALIDATION, Part.LEFT_OUT):
        for file in sorted(splits_dir.glob(f"*_{part}.txt")):
            source = file.name.removesuffix(f"_{part}.txt")
            for line in file.read_text(encoding="utf-8").splitlines():
                parts[f"{source}/{line}"] = part
    return Split(parts)


def describe_split(examples: list[Example], split: Split) -> list[str]:
    """One line per source with the number of photos in each part."""
    lines = []
    for source in dict.fromkeys(e.source for e in examples):
        counts = Counter(split.part(e.name) for e in examples if e.source == source)
        lines.append(f"{source}: " + ", ".join(f"{counts[part]:,} {part}" for part in Part))
    return lines


def _small_grey(pixels: Pixels) -> npt.NDArray[np.float32]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    norm = float(np.linalg.norm(small))
    return small / norm if norm > 1e-6 else small


def _contradict(group: list[Example]) -> bool:
    labels: dict[str, set[str]] = defaultdict(set)
    for example in group:
        if not example.also:
            labels[example.source].add(example.label)
    return any(len(source_labels) > 1 for source_labels in labels.values())


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def _root(parent: npt.NDArray[np.intp], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i


def _join(parent: npt.NDArray[np.intp], a: int, b: int) -> None:
    root_a, root_b = _root(parent, a), _root(parent, b)
    parent[max(root_a, root_b)] = min(root_a, root_b)
