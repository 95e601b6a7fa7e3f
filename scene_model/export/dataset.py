"""A training data set: class folders in ``train/`` and ``val/``, near duplicates in one part.

`training` reads each part; its ``manifest.csv`` describes every file.
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
class DatasetItem:
    """One photo of the data set: its part and file, and the error if it was not written."""

    photo_id: str
    part: str
    file: str
    error: SceneError | None = None


def split_groups(
    groups: Sequence[Sequence[PhotoRecord]], validation_share: float
) -> dict[str, str]:
    """Map photo ids to parts: groups stay whole, and each class gets about its share.

    validation_share: in [0, 1). The split depends only on content, so it is repeatable.
    """
    total = Counter(photo.photo_class for group in groups for photo in group)
    remaining = {label: round(count * validation_share) for label, count in total.items()}
    parts: dict[str, str] = {}
    keyed = [(_key(group), group) for group in groups]
    for _, group in sorted(keyed, key=lambda pair: pair[0]):
        classes = Counter(photo.photo_class for photo in group)
        fits = all(remaining[label] >= count for label, count in classes.items())
        if fits:
            remaining = {label: count - classes[label] for label, count in remaining.items()}
        for photo in group:
            parts[photo.id] = VALIDATION if fits else TRAIN
    return parts


def write_dataset(
    library: Library, photo_ids: Sequence[str], folder: Path, validation_share: float = 0.2
) -> Iterator[DatasetItem]:
    """Write photos as a data set into a new folder; yields each one when it is written.

    Photos without a class are left out, and videos. Raises TargetExists, and OSError when writing
    fails.
    """
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise TargetExists(f"{folder} already exists and is not empty. Name a new folder.")
    records = {
        record.id: record
        for record in library.records(photo_ids)
        if record.photo_class != UNSURE_CLASS and not record.is_video
    }
    groups = hash_neighbour_groups(library, records)
    parts = split_groups([[records[i] for i in group] for group in groups], validation_share)
    group_of = {i: number for number, group in enumerate(groups) for i in group if len(group) > 1}
    for part in (TRAIN, VALIDATION):
        part_records = [record for record in records.values() if parts[record.id] == part]
        yield from _write_part(library, part_records, folder / part, group_of)


def _write_part(
    library: Library, records: list[PhotoRecord], folder: Path, group_of: dict[str, int]
) -> Iterator[DatasetItem]:
    folder.mkdir(parents=True, exist_ok=True)
    entries = (ArchiveEntry(r.photo_class, r.name, Path(), r.added_at) for r in records)
    with (folder / MANIFEST).open("x", encoding="utf-8", newline="") as file:
        manifest = csv.writer(file)
        manifest.writerow(COLUMNS)
        for record, (_, name) in zip(records, archive_names(entries), strict=True):
            try:
                library.fetch_original(record.id)
                original = library.verified_original(record.id)
                (folder / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(original, folder / name)
            except OSError as os_error:
                error = UnreadableFile(f"Cannot copy it: {os_error.strerror or os_error}.")
                yield DatasetItem(record.id, folder.name, name, error)
                continue
            except SceneError as scene_error:
                yield DatasetItem(record.id, folder.name, name, scene_error)
                continue
            also = [tag for tag in record.shown_tags if tag != record.photo_class]
            group = group_of.get(record.id, "")
            source = record.class_source
            manifest.writerow((name, record.id, record.photo_class, source, ";".join(also), group))
            yield DatasetItem(record.id, folder.name, name)


def _key(group: Sequence[PhotoRecord]) -> str:
    return hashlib.sha256(min(photo.id for photo in group).encode()).hexdigest()
