"""Source folders whose files have fixed classes, and snapshots of a folder's files and times."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import JOURNAL_DIR
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, Destination, Layout
from scene_model.export.sorting.plan import Kind, Plan, ScannedPhoto, make_plan
from scene_model.export.sorting.scan import Group, Walk
from scene_model.export.sorting.transaction import Outcome, sort_files
from scene_model.photos.hashes import file_content_hash

CLASSES = ("sea", "forest", "cat", "unsure")


def destination_by_name(name: str) -> Destination:
    """Derive a class from the file name, so that these tests need no model."""
    base_name = re.sub(r" \(\d+\)", "", name)
    label = CLASSES[hashlib.sha256(os.fsencode(base_name)).digest()[0] % len(CLASSES)]
    return Destination(label, "scenes", "nature", "2024-07-05T10:11:12", None)


def scan_below(source: Path) -> list[ScannedPhoto]:
    photos = []
    for group in Walk(str(source)):
        assert isinstance(group, Group)
        files = (group.photo, *group.companions)
        hashes = tuple(file_content_hash(Path(file.path)) for file in files)
        photos.append(ScannedPhoto(group, hashes, destination_by_name(group.photo.name)))
    return photos


def plan_of(source: Path, dest: Path, layout: str = DEFAULT_LAYOUT) -> Plan:
    return make_plan(scan_below(source), dest, Layout(layout))


def sort_all(
    source: Path,
    dest: Path,
    kind: Kind,
    file_system: SortFileSystem | None = None,
    layout: str = DEFAULT_LAYOUT,
) -> list[Outcome]:
    walk = Walk(str(source))
    list(walk)
    return list(sort_files(plan_of(source, dest, layout), kind, walk.folders, file_system))


def content(*folders: Path) -> Counter[str]:
    """The multiset of content hashes below folders, without a sort's own files."""
    return Counter(file_content_hash(path) for path in files_below(*folders))


def files_below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not any(p.startswith(".scene-sort") for p in path.parts):
                yield path


def snapshot(*folders: Path) -> dict[str, tuple[object, ...]]:
    """Every path with its content, permissions and times."""
    states: dict[str, tuple[object, ...]] = {}
    for root in folders:
        for path in [root, *root.rglob("*")]:
            if JOURNAL_DIR in path.parts:
                continue
            stat = path.lstat()
            data = path.read_bytes() if path.is_file() else None
            states[str(path)] = (data, stat.st_mode, stat.st_mtime_ns, stat.st_uid)
    return states


def make_source(source: Path, count: int, with_companions: bool = True) -> None:
    """Write files in folders, some with sidecars, odd permissions, old times; one name thrice."""
    for number in range(count):
        folder = source / ("", "a", "a/b", "c")[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        name = "same.jpg" if number < 3 else f"IMG_{number:04d}.JPG"
        write(folder / name, f"photo {number}".encode(), number)
        if with_companions and number % 5 == 0:
            write(folder / f"{Path(name).stem}.XMP", f"sidecar {number}".encode(), number)
        if with_companions and number % 7 == 0:
            write(folder / f"{name}.json", f"takeout {number}".encode(), number)
    for folder in sorted(path for path in source.rglob("*") if path.is_dir()):
        os.utime(folder, ns=(10**18, 10**18 + 5))


def write(path: Path, data: bytes, number: int = 0) -> None:
    path.write_bytes(data)
    path.chmod((0o644, 0o600, 0o640)[number % 3])
    os.utime(path, ns=(1_600_000_000_123_456_789 + number, 1_500_000_000_987_654_321 + number))


def failed(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Error codes by the names of the files that failed."""
    return {Path(o.step.source).name: o.error.code for o in outcomes if o.error is not None}
