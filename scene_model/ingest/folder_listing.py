"""What is in a folder of this computer, for choosing one from a list."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from scene_model.errors import FolderInaccessible, PathNotFound
from scene_model.ingest.archives.members import is_archive_name
from scene_model.photos.sniff import has_media_name

# What is read of one folder, and how long counting the photos of its folders may take.
MAX_ENTRIES, MAX_ENTRIES_COUNTED, MAX_COUNTING_S = 20_000, 1_000, 0.6


@dataclass(frozen=True)
class PhotoCount:
    """Photos directly in a folder, by their names; is_complete: False where there may be more."""

    photos: int
    is_complete: bool


@dataclass(frozen=True)
class Subfolder:
    """One folder in a folder. count: None where it was not counted, or cannot be read."""

    path: Path
    is_readable: bool = True
    count: PhotoCount | None = None


@dataclass(frozen=True)
class FolderListing:
    """The folders in a folder, by name. hidden: how many hidden ones are left out.

    is_complete: False for a folder with more entries than are read. archives: how many are in it.
    """

    folder: Path
    folders: tuple[Subfolder, ...]
    count: PhotoCount
    hidden: int = 0
    is_complete: bool = True
    archives: int = 0


def list_folder(
    folder: Path, with_hidden: bool = False, clock: Callable[[], float] = time.monotonic
) -> FolderListing:
    """List the folders in a folder and count the photos in each, without going deeper.

    Links to folders are folders; nothing is followed further, so no loop of links is entered.
    clock: seconds; counting stops after MAX_COUNTING_S, and the folders after that have no count.
    Raises PathNotFound, and FolderInaccessible for a folder that cannot be read.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise PathNotFound(f"There is no folder {folder} on this computer.")
    try:
        with os.scandir(folder) as entries:
            read = list(islice(entries, MAX_ENTRIES + 1))
    except OSError as error:
        raise FolderInaccessible(
            f"The folder {folder} cannot be read: {error.strerror}."
        ) from error
    is_complete = len(read) <= MAX_ENTRIES
    read = read[:MAX_ENTRIES]
    folders = [entry for entry in read if _is_folder(entry)]
    shown = [entry for entry in folders if with_hidden or not _is_hidden(entry)]
    shown.sort(key=lambda entry: (entry.name.casefold(), entry.name))
    photos = sum(map(_is_photo, read))
    deadline = clock() + MAX_COUNTING_S
    return FolderListing(
        folder,
        tuple(_subfolder(Path(entry.path), clock() < deadline) for entry in shown),
        PhotoCount(photos, is_complete),
        len(folders) - len(shown),
        is_complete,
        sum(is_archive_name(entry.name) for entry in read),
    )


def make_folder(parent: Path, name: str) -> Path:
    """Make a new folder and return it. Raises FolderInaccessible for a name that cannot be one."""
    name = name.strip()
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise FolderInaccessible(
            f"“{name}” cannot be the name of a folder. Use one without / and \\."
        )
    path = parent / name
    try:
        path.mkdir()
    except FileExistsError as error:
        raise FolderInaccessible(f"{parent} already has “{name}”. Choose another name.") from error
    except OSError as error:
        raise FolderInaccessible(
            f"“{name}” cannot be made in {parent}: {error.strerror}."
        ) from error
    return path


def _subfolder(path: Path, is_counted: bool) -> Subfolder:
    """Open a folder; count its photos if is_counted."""
    try:
        with os.scandir(path) as entries:
            return Subfolder(path, count=_counted(entries) if is_counted else None)
    except OSError:
        return Subfolder(path, is_readable=False)


def _counted(entries: Iterator[os.DirEntry[str]]) -> PhotoCount:
    read = list(islice(entries, MAX_ENTRIES_COUNTED + 1))
    photos = sum(map(_is_photo, read[:MAX_ENTRIES_COUNTED]))
    return PhotoCount(photos, len(read) <= MAX_ENTRIES_COUNTED)


def _is_photo(entry: os.DirEntry[str]) -> bool:
    return has_media_name(Path(entry.name)) and not entry.name.startswith("._")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return True
    try:
        attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    except OSError:
        return False
    return bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)
