"""The plan of a sort: one step per file, with the reason; planning changes nothing."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from scene_model.classifier.labels import HUMAN, NONE
from scene_model.errors import FileSkipped, SceneError
from scene_model.export.sorting.companions import renamed
from scene_model.export.sorting.existing_targets import DiskTargets, ExistingTargets
from scene_model.export.sorting.layout import Destination, Layout, numbered
from scene_model.export.sorting.scan import Group, SourceFile
from scene_model.library.trips.trip_rows import NO_TRIP


class Kind(StrEnum):
    """The operation done on each file."""

    COPY = "copy"
    MOVE = "move"
    HARDLINK = "hardlink"


class Step(NamedTuple):
    """The operation on one file. sha256, bytes, mtime_ns, inode: the file when it was planned.

    lead: the step number of the photo this file belongs to; for a photo, its own number.
    """

    number: int
    lead: int
    source: str
    target: str
    sha256: str
    bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class ScannedPhoto:
    """A photo with its companions, their SHA-256 in the same order, and its destination."""

    group: Group
    hashes: tuple[str, ...]
    destination: Destination


@dataclass(frozen=True, slots=True)
class Untouched:
    """A file that is not sorted. error: None when nothing is wrong, such as a duplicate."""

    path: str
    reason: str
    error: SceneError | None = None


@dataclass
class Plan:
    """All steps in order, the folders to create (outermost first), and the untouched files.

    dest: a folder, or the URL of a prefix in an object store. destinations: by the step number of
    each photo. by: what the photos are sorted by, as in `Classification.noun`.
    """

    dest: str
    steps: list[Step] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    untouched: list[Untouched] = field(default_factory=list)
    destinations: dict[int, Destination] = field(default_factory=dict)
    by: str = "class"

    def reason(self, step: Step) -> str:
        """Return the reason for a step's target."""
        if step.lead != step.number:
            return f"belongs to {os.path.basename(self.steps[step.lead].source)}"
        destination = self.destinations[step.number]
        if destination.source == NONE:
            return NO_TRIP if destination.label == NO_TRIP else f"no sure {self.by}"
        source = "you" if destination.source == HUMAN else destination.source
        return f"{destination.label}, by {source}"


def make_plan(
    photos: Iterable[ScannedPhoto],
    dest: Path | str,
    layout: Layout,
    by: str = "class",
    existing: ExistingTargets | None = None,
) -> Plan:
    """Assign every file its target below ``dest``. by: see `Plan`.

    existing: what ``dest`` has already; None where that is a folder of this computer.

    A file with the same name and content at the target is left out. Different content with the
    same name gets a number; so do names that differ only in case, which are one file on Windows
    and macOS.
    """
    plan = Plan(str(dest), by=by)
    tree = _TargetTree(str(dest), plan.folders, existing or DiskTargets())
    shared: dict[Destination, Destination] = {}
    for photo in photos:
        try:
            assigned = tree.assign(photo, *layout.target(photo.destination, photo.group.photo.name))
        except FileSkipped as error:
            files = (photo.group.photo, *photo.group.companions)
            plan.untouched += [Untouched(file.path, error.message, error) for file in files]
            continue
        if isinstance(assigned, str):
            files = (photo.group.photo, *photo.group.companions)
            plan.untouched += [Untouched(file.path, assigned) for file in files]
            continue
        lead = len(plan.steps)
        plan.destinations[lead] = shared.setdefault(photo.destination, photo.destination)
        for file, sha256, target in zip(
            (photo.group.photo, *photo.group.companions), photo.hashes, assigned, strict=True
        ):
            plan.steps.append(_step(len(plan.steps), lead, file, sha256, target))
    return plan


def _step(number: int, lead: int, file: SourceFile, sha256: str, target: str) -> Step:
    return Step(number, lead, file.path, target, sha256, file.bytes, file.mtime_ns, file.inode)


class _TargetTree:
    """The folders below DEST: their existing files and the targets already assigned."""

    def __init__(self, dest: str, new_folders: list[str], existing: ExistingTargets) -> None:
        self._dest, self._new_folders, self._existing = dest, new_folders, existing
        self._folders: dict[str, _Folder] = {}

    def assign(self, photo: ScannedPhoto, folder_name: str, name: str) -> list[str] | str:
        """Return the targets of a photo and its companions, or the reason for having none."""
        folder = self._folders.get(folder_name)
        if folder is None:
            folder = self._folders[folder_name] = self._folder(folder_name)
        return folder.assign(photo, name)

    def _folder(self, relative: str) -> "_Folder":
        """Return the folder of a relative path, in the case used on disk or first planned."""
        folder, key = self._read_folder(self._dest), ""
        for part in relative.split("/") if relative else []:
            key = f"{key}/{fold_name(part)}"
            inner = self._folders.get(key)
            if inner is None:
                spelling = folder.names.get(fold_name(part))
                path = folder.prefix + (spelling or part)
                inner = self._read_folder(path) if spelling else self._new_folder(path)
                if not spelling:
                    folder.names[fold_name(part)] = part
                    self._new_folders.append(path)
                self._folders[key] = inner
            folder = inner
        return folder

    def _read_folder(self, path: str) -> "_Folder":
        names = self._existing.names(path, path == self._dest)
        return _Folder(path, {fold_name(name): name for name in names}, self._existing)

    def _new_folder(self, path: str) -> "_Folder":
        return _Folder(path, {}, self._existing)


class _Folder:
    """The file names of one folder, keyed by `fold_name`."""

    def __init__(self, path: str, names: dict[str, str], existing: ExistingTargets) -> None:
        self.prefix = path.rstrip(existing.separator) + existing.separator
        self.names, self._existing = names, existing
        self._is_new = not names
        self._hashes: dict[str, str] = {}
        self._assigned_hashes: set[str] = set()
        self._next: dict[str, int] = {}

    def assign(self, photo: ScannedPhoto, name: str) -> list[str] | str:
        base = fold_name(name)
        number = 1
        while True:
            candidate = numbered(name, number)
            existing = self.names.get(fold_name(candidate))
            if existing is None:
                names = [candidate] + [
                    numbered(renamed(companion.name, photo.group.photo.name, candidate), 1)
                    for companion in photo.group.companions
                ]
                keys = [fold_name(file_name) for file_name in names]
                if len(set(keys)) == len(keys) and not any(key in self.names for key in keys):
                    break
            elif (reason := self._same_content_reason(photo, existing)) is not None:
                return reason
            number += 1
            if self._is_new and photo.hashes[0] not in self._assigned_hashes:
                # Skip the numbers in use: with thousands of equal names, none has this content.
                number = max(number, self._next.get(base, 0))
        self._next[base] = number
        for key, file_name, sha256 in zip(keys, names, photo.hashes, strict=True):
            self.names[key] = file_name
            self._hashes[file_name] = sha256
            self._assigned_hashes.add(sha256)
        return [self.prefix + file_name for file_name in names]

    def _same_content_reason(self, scanned: ScannedPhoto, existing: str) -> str | None:
        """Return why a photo need not be sorted; None when the existing file is different."""
        path, photo = self.prefix + existing, scanned.group.photo
        sha256 = self._hashes.get(existing)
        if sha256 is None:
            if self._existing.is_source(path, photo):
                return "already in place"
            sha256 = self._existing.content_hash(path, photo.bytes)
            if sha256 is None:
                return None
            self._hashes[existing] = sha256
        return f"same content as {path}" if sha256 == scanned.hashes[0] else None


def fold_name(name: str) -> str:
    """Fold a name as case-insensitive, normalizing file systems compare it."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
