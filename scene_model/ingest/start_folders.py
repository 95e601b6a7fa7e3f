"""Where to begin when choosing a folder: the usual places, drives, folders used before."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from string import ascii_uppercase

from scene_model.library.store import Library

_CHOICE = "last_folders"
MAX_LAST_FOLDERS = 5


@dataclass(frozen=True)
class Place:
    """A folder to begin at. name: what people call it. icon: a name of Material Symbols."""

    name: str
    path: Path
    icon: str = "folder"


def usual_places(
    home: Path, pictures: Path, drives: Iterable[Path], last_folders: Iterable[Path]
) -> list[Place]:
    """Return the places that exist, each folder once."""
    places = [
        Place("Home", home, "home"),
        Place("Pictures", pictures, "image"),
        *(Place(drive.name or str(drive), drive, "hard_drive") for drive in drives),
        *(Place(folder.name or str(folder), folder, "history") for folder in last_folders),
    ]
    by_path = {place.path: place for place in reversed(places)}
    return [p for p in places if by_path[p.path] is p and _is_folder(p.path)]


def mounted_drives(system: str, user: str, root: Path = Path("/")) -> list[Path]:
    """Return the folders where other disks are mounted. system: as `platform.system()` says."""
    if system == "Windows":
        return [Path(name) for name in drive_letters(lambda name: _is_folder(Path(name)))]
    parents = {"Darwin": ["Volumes"]}.get(system, [f"media/{user}", f"run/media/{user}", "mnt"])
    return [folder for parent in parents for folder in _folders_in(root / parent)]


def drive_letters(exists: Callable[[str], bool]) -> list[str]:
    r"""Return the drives of Windows that exist, such as "C:\"."""
    return [name for letter in ascii_uppercase if exists(name := f"{letter}:\\")]


def breadcrumbs(folder: PurePath) -> list[PurePath]:
    """Return the folder and all folders around it, the outermost first."""
    return [*reversed(folder.parents), folder]


def last_folders(library: Library) -> list[Path]:
    """Return the folders that were used last in this library, the latest first."""
    stored = library.choice(_CHOICE)
    return [Path(folder) for folder in json.loads(stored)] if stored else []


def remember_folder(library: Library, folder: Path) -> None:
    """Put a folder first among those used last."""
    others = [other for other in last_folders(library) if other != folder]
    kept = [str(path) for path in [folder, *others][:MAX_LAST_FOLDERS]]
    library.choose(_CHOICE, json.dumps(kept))


def _folders_in(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as entries:
            return sorted(Path(entry.path) for entry in entries if _is_folder(Path(entry.path)))
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
