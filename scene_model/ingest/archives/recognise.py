"""Recognise archives and exported folders, and find the archives in a folder."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from scene_model.ingest.archives.members import is_archive_name
from scene_model.ingest.archives.parts import last_part
from scene_model.ingest.takeout.icloud import is_details
from scene_model.photos.names import is_video_name
from scene_model.photos.sniff import has_picture_name

_TAKEOUT = "takeout"
# How much of a folder is read to recognise it.
_MAX_ENTRIES, _MAX_FOLDERS = 400, 60


def is_export(path: Path) -> bool:
    """Whether a path is an archive, or a folder that Takeout or iCloud exported."""
    if path.is_dir():
        return is_exported_folder(path)
    return is_archive_name(path.name) and path.is_file()


def is_exported_folder(folder: Path) -> bool:
    """Whether a folder has what Takeout or iCloud write beside photos, and little else.

    A folder of many things, in one of which an export was unpacked, does not count.
    """
    if folder.name.casefold() == _TAKEOUT:
        return True
    entries = list(_entries(folder))
    folders = [Path(entry.path) for entry in entries if _is_folder(entry)]
    names = [entry.name for entry in entries if not entry.name.startswith(".")]
    if any(map(_is_sign, names)):
        return True
    if [name.casefold() for name in names] == [_TAKEOUT]:
        return True
    inner = folders[:_MAX_FOLDERS]
    exported = sum(any(_is_sign(entry.name) for entry in _entries(path)) for path in inner)
    return exported > 0 and 2 * exported >= len(inner)


def archives_in(folder: Path) -> list[Path]:
    """Return the archives directly in a folder, by name; none for one that cannot be read."""
    paths = [Path(entry.path) for entry in _entries(folder, None)]
    return sorted(path for path in paths if is_archive_name(path.name) and path.is_file())


def is_part(path: Path) -> bool:
    """Whether an archive is a part of an export of Takeout or iCloud, by its name."""
    return last_part([path.name]) is not None


def _is_sign(name: str) -> bool:
    lower = name.lower()
    is_new_name = lower.endswith(".supplemental-metadata.json")
    if lower == "archive_browser.html" or is_new_name or is_details(name):
        return True
    described = name[: -len(".json")] if lower.endswith(".json") else ""
    return has_picture_name(PurePosixPath(described)) or is_video_name(described)


def _entries(folder: Path, limit: int | None = _MAX_ENTRIES) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from islice(entries, limit)
    except OSError:
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
