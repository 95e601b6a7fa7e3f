"""The pictures and videos of a folder and its subfolders, sorted by name."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from scene_model.photos.sniff import has_media_name
from scene_model.scale.items import ListingError, SourceItem
from scene_model.scale.sources.source import Source
from scene_model.scale.sources.tars import TAR_SUFFIX, Tars


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    is_folder: bool


class FolderSource(Source):
    """A folder of this computer; links to folders are not followed, as by `classify`."""

    def __init__(self, folder: Path, tars: Tars, left_out: Path | None = None) -> None:
        """tars: lists those in the folder. left_out: a folder inside that is not read."""
        super().__init__()
        self._folder, self._tars = folder, tars
        self._left_out = None if left_out is None else os.path.realpath(left_out)

    def items(self) -> Iterator[SourceItem]:
        """As `Source.items`."""
        self.ignored = 0
        root = "" if str(self._folder) == "." else os.path.join(self._folder, "")  # noqa: PTH118
        # No recursion: folders may be a thousand levels deep. Names alone are kept, since a
        # folder may hold a million.
        pending = [(root, iter(_entries(root)))]
        while pending:
            folder, entries = pending[-1]
            try:
                entry = next(entries, None)
            except OSError as error:
                pending.pop()
                yield _unreadable(folder.rstrip("/\\"), error)
                continue
            if entry is None:
                pending.pop()
            elif entry.is_folder:
                subfolder = os.path.join(folder, entry.name, "")  # noqa: PTH118
                if os.path.realpath(subfolder) != self._left_out:
                    pending.append((subfolder, iter(_entries(subfolder))))
            else:
                yield from self._file(folder + entry.name, entry.name)

    def _file(self, path: str, name: str) -> Iterator[SourceItem]:
        # "._name" is a metadata file that macOS writes on foreign disks, not a photo.
        if name.startswith("._"):
            self.ignored += 1
        elif has_media_name(PurePath(name)):
            yield file_item(path)
        elif name.lower().endswith(TAR_SUFFIX):
            yield from self._tars.items(path)
        else:
            self.ignored += 1


def file_item(
    path: str, source_id: str | None = None, source_label: str | None = None
) -> SourceItem:
    """Return the item of a file of this computer, with what the system knows of it."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a million of them
    except FileNotFoundError:
        error = ListingError("path_not_found", "No such file or folder.")
        return SourceItem(path, "", source_id, source_label, error=error)
    except (OSError, ValueError):
        # Reading it says why.
        return SourceItem(path, "", source_id, source_label)
    version = f"{status.st_size}-{status.st_mtime_ns}"
    return SourceItem(path, version, source_id, source_label, status.st_size)


def _entries(folder: str) -> Iterator[_Entry]:
    """Yield the entries of a folder, sorted by name, without links to folders; raises OSError."""
    with os.scandir(folder or ".") as listing:
        entries = [
            _Entry(entry.name, _is_folder(entry)) for entry in listing if not _is_folder_link(entry)
        ]
    entries.sort(key=lambda entry: entry.name)
    yield from entries


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_folder_link(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _unreadable(path: str, error: OSError) -> SourceItem:
    reason = error.strerror or type(error).__name__
    problem = ListingError("unreadable_file", f"Cannot read it: {reason}.")
    return SourceItem(path or ".", error=problem)
