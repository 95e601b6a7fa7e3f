"""Scan a folder of this computer before its photos are added."""

import os
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import PathNotFound
from scene_model.library.store import Library
from scene_model.photos.sniff import has_media_name


@dataclass(frozen=True)
class FolderScan:
    """The contents of a folder.

    photos: files with a picture's name, sorted. file_bytes: their total size. ignored: number of
    other files. unreadable: number of folders and files that could not be read.
    """

    folder: Path
    photos: tuple[Path, ...]
    file_bytes: int
    ignored: int
    unreadable: int


@dataclass(frozen=True)
class SpaceNeeded:
    """Estimated bytes that adding a folder takes on the library's disk, and the bytes free."""

    by_copy: int
    by_reference: int
    free: int


# A thumbnail, an embedding and the rows of one photo: measured on 12-megapixel photos.
_DERIVED_BYTES_PER_PHOTO = 40_000


def scan_folder(folder: Path, recursive: bool) -> FolderScan:
    """List the photos of a folder by their file names; links to folders are not followed.

    Raises PathNotFound.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise PathNotFound(f"There is no folder {folder} on this computer.")
    photos, total, ignored, unreadable = list[Path](), 0, 0, list[OSError]()
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        if not recursive:
            folders.clear()
        for name in names:
            path = Path(parent) / name
            # macOS writes a file "._name" beside each photo on foreign disks; it is not a photo.
            if not has_media_name(path) or name.startswith("._"):
                ignored += 1
                continue
            try:
                total += path.stat().st_size
            except OSError as error:
                unreadable.append(error)
            else:
                photos.append(path)
    return FolderScan(folder, tuple(sorted(photos)), total, ignored, len(unreadable))


def space_needed(scan: FolderScan, library: Library) -> SpaceNeeded:
    """Estimate the space that adding a folder takes, by copy and by reference."""
    return space_for(len(scan.photos), scan.file_bytes, library)


def space_for(photos: int, file_bytes: int, library: Library) -> SpaceNeeded:
    """Estimate the space that adding so many photos takes, by copy and by reference."""
    derived = photos * _DERIVED_BYTES_PER_PHOTO
    free = library.file_system.free_bytes(library.folder)
    return SpaceNeeded(file_bytes + derived, derived, free)
