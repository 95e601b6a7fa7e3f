"""A data set for trainers: class folders in ``train/`` and ``val/``, near-duplicates together.

Each part is a folder that `training` reads, with a ``manifest.csv`` of what each file is.
"""

import csv
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.labels import UNSURE_CLASS
from scene_model.duplicates.hash_neighbours import hash_neighbour_groups
from scene_model.errors import SceneError, TargetExists, UnreadableFile
from scene_model.export.archive import ArchiveEntry, archive_names
from scene_model.library.records import PhotoRecord
from scene_model.library.store import Library

TRAIN, VALIDATION, MANIFEST = "train", "val", "manifest.csv"
COLUMNS = ("file", "sha256", "class", "class_source", "also", "lookalikes")


@dataclass(frozen=True)
class Placed:
    """One photo of the data set: its part and file, or the error that kept it out."""

    photo_id: str
    part: str
    file: str
    error: SceneError | None = None


def split_groups(
    groups: Sequence[Sequence[PhotoRecord]], validation_share: float
) -> dict[str, str]:
    """Give each photo its part, whole groups at a time, so that each class has about its share.

    validation_share: in [0, 1). The choice is by content: the same photos are always split so.
    """
    total = Counter(photo.photo_class for group in groups for photo in group)
    wanted = {label: round(count * validation_share) for label, count in total.items()}
    parts: dict[str, str] = {}
    keyed = [(_key(group), group) for group in groups]
    for _, group in sorted(keyed, key=lambda pair: pair[0]):
        classes = Counter(photo.photo_class for photo in group)
        fits = all(wanted[label] >= count for label, count in classes.items())
        if fits:
            wanted = {label: left - classes[label] for label, left in wanted.items()}
        for photo in group:
            parts[photo.id] = VALIDATION if fits else TRAIN
    return parts


def write_dataset(
    library: Library, photo_ids: Sequence[str], folder: Path, validation_share: float = 0.2
) -> Iterator[Placed]:
    """Write photos as a data set into a new folder; yields each when it is there.

    Photos that no class is sure of are left out. Raises TargetExists, and OSError as writing does.
    """
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise TargetExists(f"{folder} is there already and not empty. Name a new folder.")
    records = {r.id: r for r in library.records(photo_ids) if r.photo_class != UNSURE_CLASS}
    groups = hash_neighbour_groups(library, records)
    parts = split_groups([[records[i] for i in group] for group in groups], validation_share)
    group_of = {i: number for number, group in enumerate(groups) for i in group if len(group) > 1}
    for part in (TRAIN, VALIDATION):
        mine = [record for record in records.values() if parts[record.id] == part]
        yield from _write_part(library, mine, folder / part, group_of)


def _write_part(
    library: Library, records: list[PhotoRecord], folder: Path, group_of: dict[str, int]
) -> Iterator[Placed]:
    folder.mkdir(parents=True, exist_ok=True)
    places = (ArchiveEntry(r.photo_class, r.name, Path(), r.added_at) for r in records)
    with (folder / MANIFEST).open("x", encoding="utf-8", newline="") as file:
        manifest = csv.writer(file)
        manifest.writerow(COLUMNS)
        for record, (_, name) in zip(records, archive_names(places), strict=True):
            try:
                original = library.verified_original(record.id)
                (folder / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(original, folder / name)
            except OSError as problem:
                why = UnreadableFile(f"It cannot be copied: {problem.strerror or problem}.")
                yield Placed(record.id, folder.name, name, why)
                continue
            except SceneError as problem:
                yield Placed(record.id, folder.name, name, problem)
                continue
            also = [tag for tag in record.shown_tags if tag != record.photo_class]
            group = group_of.get(record.id, "")
            source = record.class_source
            manifest.writerow((name, record.id, record.photo_class, source, ";".join(also), group))
            yield Placed(record.id, folder.name, name)


def _key(group: Sequence[PhotoRecord]) -> str:
    return hashlib.sha256(min(photo.id for photo in group).encode()).hexdigest()
