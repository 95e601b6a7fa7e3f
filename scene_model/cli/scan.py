"""Expand a command's PATH arguments to files."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.cli.terminal import printable
from scene_model.errors import PathNotFound, SceneError, UnreadableFile
from scene_model.photos.sniff import has_media_name
from scene_model.scale.reading.urls import is_photo_url


@dataclass(frozen=True)
class InputFile:
    """A file to process, or the error found while scanning."""

    path: Path
    error: SceneError | None = None


class Scan:
    """Finds files: every named file, and in folders the pictures and videos by their suffix.

    ignored: the number of files in folders without one.
    """

    def __init__(self, recursive: bool) -> None:
        """``recursive``: include subfolders; links to folders are not followed."""
        self._recursive = recursive
        self.ignored = 0

    def files(self, paths: list[Path]) -> Iterator[InputFile]:
        """Yield files in the order of ``paths``; the files of a folder sorted by name."""
        for path in paths:
            try:
                is_folder = path.is_dir()
            except OSError as error:
                yield InputFile(path, _unreadable_file(error))
                continue
            if is_folder:
                yield from self._folder(path)
            elif os.path.lexists(path):
                yield InputFile(path)
            else:
                yield InputFile(path, PathNotFound("No such file or folder."))

    def _folder(self, folder: Path) -> Iterator[InputFile]:
        pending = [iter([folder])]  # no recursion: folders may be a thousand levels deep
        while pending:
            path = next(pending[-1], None)
            if path is None:
                pending.pop()
                continue
            try:
                if path == folder or path.is_dir():
                    if path == folder or (self._recursive and not path.is_symlink()):
                        pending.append(iter(sorted(path.iterdir())))
                # "._name" is a metadata file that macOS writes on foreign disks, not a photo.
                elif has_media_name(path) and not path.name.startswith("._"):
                    yield InputFile(path)
                else:
                    self.ignored += 1
            except OSError as error:
                yield InputFile(path, _unreadable_file(error))


def require_any(paths: list[Path]) -> None:
    """Raise PathNotFound when none of the paths exists."""
    if not any(os.path.lexists(path) for path in paths):
        missing = ", ".join(str(path) for path in paths)
        raise PathNotFound(f"No such file or folder: {printable(missing)}.")


def positive(text: str) -> int:
    """Parse an integer of at least 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def share(text: str) -> float:
    """Parse a share in [0, 1), for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to below 1")
    return value


def seconds(text: str) -> float:
    """Parse a number of seconds above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def path(text: str) -> Path:
    """Parse a path that is not empty, for argparse."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def path_or_url(text: str) -> Path | str:
    """Parse a path, or a URL, which stays text: a path would lose its second slash."""
    return text if is_photo_url(text) else path(text)


def _unreadable_file(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"Cannot read it: {error.strerror or type(error).__name__}.")
