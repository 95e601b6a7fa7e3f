"""Scan the photos below a folder, each with its companions; links are not followed."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from scene_model.errors import SceneError, UnreadableFile
from scene_model.export.sorting.companions import companions, is_photo_name


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's path, with the size, time and inode that reveal a later change."""

    path: str
    bytes: int
    mtime_ns: int
    inode: int

    @property
    def name(self) -> str:
        """The file name without its folder."""
        return os.path.basename(self.path)


@dataclass(frozen=True, slots=True)
class Group:
    """A photo and its companions, which move with it."""

    photo: SourceFile
    companions: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is not sorted, and the reason."""

    path: str
    error: SceneError


@dataclass
class Walk:
    """A scan of a folder tree. ignored: files that are neither photos nor companions."""

    root: str
    excluded: Collection[str] = ()
    ignored: int = 0
    links: int = 0
    folders: list[str] = field(default_factory=list)
    _real_root: str = ""

    def __iter__(self) -> Iterator[Group | SkippedFile]:
        """Yield the photos of each folder by name, then those of its subfolders.

        excluded: folders that are not entered, as paths without links. Hidden folders and libraries
        are never entered: a library's originals are not source photos.
        """
        self._real_root = os.path.realpath(self.root)
        pending = [self.root]
        while pending:
            folder = pending.pop()
            try:
                files, subfolders, special = self._entries(folder)
            except OSError as error:
                yield SkippedFile(folder, _unreadable(error))
                continue
            if is_library_folder(folder):
                continue
            self.folders.append(folder)
            for path in special:
                yield SkippedFile(path, UnreadableFile("It is a pipe or a device, not a file."))
            yield from self._groups(files)
            pending += reversed(subfolders)

    def _entries(self, folder: str) -> tuple[dict[str, os.DirEntry[str]], list[str], list[str]]:
        """Return files by name, subfolders to enter, and special files named like photos."""
        files: dict[str, os.DirEntry[str]] = {}
        subfolders: list[str] = []
        special: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    self.links += 1
                elif entry.is_file(follow_symlinks=False):
                    files[entry.name] = entry
                elif not entry.is_dir(follow_symlinks=False):
                    # Reading a pipe would block forever.
                    if is_photo_name(entry.name):
                        special.append(entry.path)
                    else:
                        self.ignored += 1
                elif not entry.name.startswith(".") and not self._is_excluded(entry.path):
                    subfolders.append(entry.path)
        return files, sorted(subfolders), sorted(special)

    def _is_excluded(self, folder: str) -> bool:
        # No link below the root is followed, so only the root's own path can contain links.
        return self._real_root + folder[len(self.root) :] in self.excluded

    def _groups(self, files: dict[str, os.DirEntry[str]]) -> Iterator[Group | SkippedFile]:
        photos, unmatched = companions(files)
        self.ignored += len(unmatched)
        for photo, companion_names in photos.items():
            try:
                photo_file, *companion_files = [
                    _source_file(files[name]) for name in (photo, *companion_names)
                ]
            except OSError as error:
                yield SkippedFile(files[photo].path, _unreadable(error))
                continue
            yield Group(photo_file, tuple(companion_files))


def is_library_folder(folder: str) -> bool:
    """Whether a folder is a photo library of this program, also one that lost its database."""
    return os.path.isdir(os.path.join(folder, "originals")) and (
        os.path.isfile(os.path.join(folder, "library.db"))
        or os.path.isdir(os.path.join(folder, "embeddings"))
    )


def _source_file(entry: os.DirEntry[str]) -> SourceFile:
    status = entry.stat(follow_symlinks=False)
    return SourceFile(entry.path, status.st_size, status.st_mtime_ns, status.st_ino)


def _unreadable(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"Cannot read it: {error.strerror or type(error).__name__}.")
