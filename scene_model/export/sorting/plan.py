"""What a sort is going to do, file by file, with the reason; nothing is touched here."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from scene_model.classifier.labels import HUMAN, NONE
from scene_model.errors import FileSkipped, SceneError, TargetTaken
from scene_model.export.sorting.companions import renamed
from scene_model.export.sorting.layout import Destination, Layout, numbered
from scene_model.export.sorting.scan import Group, SourceFile
from scene_model.photos.hashes import file_content_hash


class Kind(StrEnum):
    """What is done with each file."""

    COPY = "copy"
    MOVE = "move"
    HARDLINK = "hardlink"


class Step(NamedTuple):
    """One file's way. sha256, bytes, mtime_ns, inode: the file as it was when it was planned.

    lead: number of the step of the photo that this file belongs to; its own, for a photo.
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
    """A photo with its companions, their SHA-256 in the same order, and how it is filed."""

    group: Group
    hashes: tuple[str, ...]
    filing: Destination


@dataclass(frozen=True, slots=True)
class Untouched:
    """A file that is left where it is. error: None where all is well with that."""

    path: str
    reason: str
    error: SceneError | None = None


@dataclass
class Plan:
    """All steps in order, folders to be made (outer ones first), and what is left alone.

    reasons: why a photo goes where it goes, by its step's number.
    """

    dest: str
    steps: list[Step] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    untouched: list[Untouched] = field(default_factory=list)
    filings: dict[int, Destination] = field(default_factory=dict)

    def reason(self, step: Step) -> str:
        """Why a file goes where it goes."""
        if step.lead != step.number:
            return f"belongs to {os.path.basename(self.steps[step.lead].source)}"
        filing = self.filings[step.number]
        if filing.source == NONE:
            return "no class is sure"
        return f"{filing.label}, by {'you' if filing.source == HUMAN else filing.source}"


def make_plan(seen: Iterable[ScannedPhoto], dest: Path, layout: Layout) -> Plan:
    """Give every file its place below ``dest``.

    Same content under the same name is there already and is left out; other content gets a
    number, as do names that differ by case alone: on Windows and macOS they are one.
    """
    plan = Plan(str(dest))
    places = _Places(str(dest), plan.folders)
    shared: dict[Destination, Destination] = {}
    for photo in seen:
        try:
            placed = places.place(photo, *layout.place(photo.filing, photo.group.photo.name))
        except FileSkipped as error:
            files = (photo.group.photo, *photo.group.companions)
            plan.untouched += [Untouched(file.path, error.message, error) for file in files]
            continue
        if isinstance(placed, str):
            files = (photo.group.photo, *photo.group.companions)
            plan.untouched += [Untouched(file.path, placed) for file in files]
            continue
        lead = len(plan.steps)
        plan.filings[lead] = shared.setdefault(photo.filing, photo.filing)
        for file, sha256, target in zip(
            (photo.group.photo, *photo.group.companions), photo.hashes, placed, strict=True
        ):
            plan.steps.append(_step(len(plan.steps), lead, file, sha256, target))
    return plan


def _step(number: int, lead: int, file: SourceFile, sha256: str, target: str) -> Step:
    return Step(number, lead, file.path, target, sha256, file.bytes, file.mtime_ns, file.inode)


class _Places:
    """The places below DEST: what is on the disk, and what the plan has given away."""

    def __init__(self, dest: str, new_folders: list[str]) -> None:
        self._dest, self._new_folders = dest, new_folders
        self._folders: dict[str, _Folder] = {}

    def place(self, seen: ScannedPhoto, folder: str, name: str) -> list[str] | str:
        """The targets of a photo and its companions; or why none of them has to go anywhere."""
        there = self._folders.get(folder)
        if there is None:
            there = self._folders[folder] = self._folder(folder)
        return there.place(seen, name)

    def _folder(self, relative: str) -> "_Folder":
        """A folder, spelled as on the disk or as it was first planned."""
        path, is_new = self._dest, not os.path.lexists(self._dest)
        here = _Folder(path, {}) if is_new else self._on_disk(path)
        key = ""
        for part in relative.split("/") if relative else []:
            key = f"{key}/{folded(part)}"
            known = self._folders.get(key)
            if known is None:
                spelled = here.names.get(folded(part))
                path = os.path.join(here.path, spelled or part)
                known = self._on_disk(path) if spelled else _Folder(path, {})
                if not spelled:
                    here.names[folded(part)] = part
                    self._new_folders.append(path)
                self._folders[key] = known
            here = known
        return here

    def _on_disk(self, path: str) -> "_Folder":
        try:
            if path != self._dest and Path(path).is_symlink():
                raise TargetTaken(f"{path} is a link; a sort does not follow it out of its folder.")
            return _Folder(path, {folded(name): name for name in os.listdir(path)})
        except OSError as error:
            raise TargetTaken(
                f"{path} cannot be used as a folder: {error.strerror or error}. Choose "
                "another DEST."
            ) from error


class _Folder:
    """One folder's names, folded to what a case-insensitive disk compares."""

    def __init__(self, path: str, names: dict[str, str]) -> None:
        self.path, self.names = path, names
        self._is_new = not names
        self._hashes: dict[str, str] = {}
        self._held: set[str] = set()
        self._next: dict[str, int] = {}

    def place(self, seen: ScannedPhoto, name: str) -> list[str] | str:
        base = folded(name)
        number = 1
        prefix = self.path + os.sep
        while True:
            candidate = numbered(name, number)
            there = self.names.get(folded(candidate))
            if there is None:
                names = [candidate] + [
                    numbered(renamed(other.name, seen.group.photo.name, candidate), 1)
                    for other in seen.group.companions
                ]
                keys = [folded(one) for one in names]
                if len(set(keys)) == len(keys) and not any(key in self.names for key in keys):
                    break
            elif (why := self._same(seen, there)) is not None:
                return why
            number += 1
            if self._is_new and seen.hashes[0] not in self._held:
                # A thousand of one name: none of those before is this one.
                number = max(number, self._next.get(base, 0))
        self._next[base] = number
        for key, one, sha256 in zip(keys, names, seen.hashes, strict=True):
            self.names[key] = one
            self._hashes[one] = sha256
            self._held.add(sha256)
        return [prefix + one for one in names]

    def _same(self, seen: ScannedPhoto, there: str) -> str | None:
        """Why a photo need not go: it is there already; None when something else is."""
        path, photo = os.path.join(self.path, there), seen.group.photo
        sha256 = self._hashes.get(there)
        if sha256 is None:
            try:
                found = Path(path).lstat()
                if found.st_ino == photo.inode and path == photo.path:
                    return "is in its place"
                if found.st_size != photo.bytes or not Path(path).is_file():
                    return None
                sha256 = self._hashes[there] = file_content_hash(Path(path))
            except OSError:
                return None
        return f"the same is at {path}" if sha256 == seen.hashes[0] else None


def folded(name: str) -> str:
    """A name as the most forgiving file systems compare it: case and composition are one."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
