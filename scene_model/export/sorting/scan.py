"""The photos below a folder, each with what belongs to it; links are not followed."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from scene_model.errors import SceneError, UnreadableFile
from scene_model.export.sorting.companions import companions


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was found: where, and by what a later change is seen."""

    path: str
    bytes: int
    mtime_ns: int
    inode: int

    @property
    def name(self) -> str:
        """Its name alone."""
        return os.path.basename(self.path)


@dataclass(frozen=True, slots=True)
class Group:
    """A photo and what moves along with it."""

    photo: SourceFile
    companions: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Stays:
    """A file that is not sorted, and why."""

    path: str
    error: SceneError


@dataclass
class Walk:
    """A walk through a folder. ignored: files that neither are photos nor belong to one."""

    root: str
    leave_out: Collection[str] = ()
    ignored: int = 0
    links: int = 0
    folders: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Group | Stays]:
        """Yield the photos of each folder by name, then those of the folders in it.

        leave_out: folders that are not gone into, absolute. Hidden ones never are, nor is a
        library of photos: its originals are not the user's heap.
        """
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            try:
                files, inner = self._entries(folder)
            except OSError as error:
                yield Stays(folder, _unreadable(error))
                continue
            if files is None:
                continue
            self.folders.append(folder)
            yield from self._groups(files)
            waiting += reversed(inner)

    def _entries(self, folder: str) -> tuple[dict[str, os.DirEntry[str]] | None, list[str]]:
        files, inner = {}, []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    self.links += 1
                elif not entry.is_dir(follow_symlinks=False):
                    files[entry.name] = entry
                elif not entry.name.startswith(".") and entry.path not in self.leave_out:
                    inner.append(entry.path)
        is_library = "library.db" in files and os.path.join(folder, "originals") in inner
        return (None if is_library else files), sorted(inner)

    def _groups(self, files: dict[str, os.DirEntry[str]]) -> Iterator[Group | Stays]:
        photos, alone = companions(files)
        self.ignored += len(alone)
        for photo, others in photos.items():
            try:
                found = [_source_file(files[name]) for name in (photo, *others)]
            except OSError as error:
                yield Stays(files[photo].path, _unreadable(error))
                continue
            yield Group(found[0], tuple(found[1:]))


def _source_file(entry: os.DirEntry[str]) -> SourceFile:
    found = entry.stat(follow_symlinks=False)
    return SourceFile(entry.path, found.st_size, found.st_mtime_ns, found.st_ino)


def _unreadable(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"It cannot be read: {error.strerror or type(error).__name__}.")
