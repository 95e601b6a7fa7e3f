"""A folder of this computer, looked through before its photos are added."""

import os
from dataclasses import dataclass
from pathlib import Path

from scene_model.errors import PathNotFound
from scene_model.library.store import Library
from scene_model.photos.sniff import has_picture_name


@dataclass(frozen=True)
class FolderScan:
    """What lies in a folder.

    photos: files with a picture's name, sorted. file_bytes: their size. ignored: other files.
    unreadable: folders and files that could not be looked at.
    """

    folder: Path
    photos: tuple[Path, ...]
    file_bytes: int
    ignored: int
    unreadable: int


@dataclass(frozen=True)
class SpaceNeeded:
    """Bytes that adding a folder takes where the library lies, about, and what is free there."""

    by_copy: int
    by_reference: int
    free: int


# A thumbnail, an embedding and the rows of one photo: measured on 12-megapixel photos.
_KEPT_BYTES_PER_PHOTO = 40_000


def scan_folder(folder: Path, into_folders: bool) -> FolderScan:
    """Find the photos of a folder by their names; links to folders are not followed.

    Raises PathNotFound.
    """
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise PathNotFound(f"There is no folder {folder} on this computer.")
    found, total, ignored, unreadable = list[Path](), 0, 0, list[OSError]()
    for place, folders, names in os.walk(folder, onerror=unreadable.append):
        if not into_folders:
            folders.clear()
        for name in names:
            path = Path(place) / name
            # "._name" is what macOS keeps beside a photo on foreign disks, not a photo.
            if not has_picture_name(path) or name.startswith("._"):
                ignored += 1
                continue
            try:
                total += path.stat().st_size
            except OSError as error:
                unreadable.append(error)
            else:
                found.append(path)
    return FolderScan(folder, tuple(sorted(found)), total, ignored, len(unreadable))


def space_needed(found: FolderScan, library: Library) -> SpaceNeeded:
    """Tell what adding a folder takes, by copy and by reference."""
    kept = len(found.photos) * _KEPT_BYTES_PER_PHOTO
    return SpaceNeeded(
        found.file_bytes + kept, kept, library.file_system.free_bytes(library.folder)
    )
