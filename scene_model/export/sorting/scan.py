"""The photos below a folder, each with what belongs to it; links are not followed."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from scene_model.errors import SceneError, UnreadableFile
from scene_model.export.sorting.companions import companions, is_photo_name


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
class SkippedFile:
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
    _real_root: str = ""

    def __iter__(self) -> Iterator[Group | SkippedFile]:
        """Yield the photos of each folder by name, then those of the folders in it.

        leave_out: folders that are not gone into, with no links in their paths. Hidden ones never
        are, nor is a library of photos: its originals are not the user's heap.
        """
        self._real_root = os.path.realpath(self.root)
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            try:
                files, inner, odd = self._entries(folder)
            except OSError as error:
                yield SkippedFile(folder, _unreadable(error))
                continue
            if is_library_folder(folder):
                continue
            self.folders.append(folder)
            for path in odd:
                yield SkippedFile(path, UnreadableFile("It is a pipe or a device, not a file."))
            yield from self._groups(files)
            waiting += reversed(inner)

    def _entries(self, folder: str) -> tuple[dict[str, os.DirEntry[str]], list[str], list[str]]:
        """Files by name, folders to go into, and what is called like a photo but is no file."""
        files: dict[str, os.DirEntry[str]] = {}
        inner: list[str] = []
        odd: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    self.links += 1
                elif entry.is_file(follow_symlinks=False):
                    files[entry.name] = entry
                elif not entry.is_dir(follow_symlinks=False):
                    # Reading a pipe would wait for ever, and the sort with it.
                    if is_photo_name(entry.name):
                        odd.append(entry.path)
                    else:
                        self.ignored += 1
                elif not entry.name.startswith(".") and not self._is_left_out(entry.path):
                    inner.append(entry.path)
        return files, sorted(inner), sorted(odd)

    def _is_left_out(self, folder: str) -> bool:
        # No link below the root is followed, so links can only be in the root's own path.
        return self._real_root + folder[len(self.root) :] in self.leave_out

    def _groups(self, files: dict[str, os.DirEntry[str]]) -> Iterator[Group | SkippedFile]:
        photos, alone = companions(files)
        self.ignored += len(alone)
        for photo, others in photos.items():
            try:
                found = [_source_file(files[name]) for name in (photo, *others)]
            except OSError as error:
                yield SkippedFile(files[photo].path, _unreadable(error))
                continue
            yield Group(found[0], tuple(found[1:]))


def is_library_folder(folder: str) -> bool:
    """Tell whether a folder is a library of photos."""
    return os.path.isfile(os.path.join(folder, "library.db")) and os.path.isdir(
        os.path.join(folder, "originals")
    )


def _source_file(entry: os.DirEntry[str]) -> SourceFile:
    found = entry.stat(follow_symlinks=False)
    return SourceFile(entry.path, found.st_size, found.st_mtime_ns, found.st_ino)


def _unreadable(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"It cannot be read: {error.strerror or type(error).__name__}.")
