"""Files that a command is given: those named, those in folders."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.cli.terminal import printable
from scene_model.errors import PathNotFound, SceneError, UnreadableFile
from scene_model.photos.sniff import has_picture_name


@dataclass(frozen=True)
class Found:
    """A file to try; ``problem`` is set when it is known beforehand that it can't be."""

    path: Path
    problem: SceneError | None = None


class Scan:
    """Finds files: those named always, in folders those with a picture's name."""

    def __init__(self, recursive: bool) -> None:
        """``recursive``: go into folders inside a folder; links to folders are not followed."""
        self._recursive = recursive
        self.ignored = 0

    def files(self, paths: list[Path]) -> Iterator[Found]:
        """Yield files in the order of ``paths``, those of a folder sorted by name."""
        for path in paths:
            try:
                is_folder = path.is_dir()
            except OSError as error:
                yield Found(path, _unreadable(error))
                continue
            if is_folder:
                yield from self._folder(path)
            elif os.path.lexists(path):
                yield Found(path)
            else:
                yield Found(path, PathNotFound("No such file or folder."))

    def _folder(self, folder: Path) -> Iterator[Found]:
        waiting = [iter([folder])]  # not recursion: folders may lie a thousand deep
        while waiting:
            path = next(waiting[-1], None)
            if path is None:
                waiting.pop()
                continue
            try:
                if path == folder or path.is_dir():
                    if path == folder or (self._recursive and not path.is_symlink()):
                        waiting.append(iter(sorted(path.iterdir())))
                # "._name" is what macOS keeps beside a photo on foreign disks, not a photo.
                elif has_picture_name(path) and not path.name.startswith("._"):
                    yield Found(path)
                else:
                    self.ignored += 1
            except OSError as error:
                yield Found(path, _unreadable(error))


def require_any(paths: list[Path]) -> None:
    """Raise PathNotFound when none of the paths is there."""
    if not any(os.path.lexists(path) for path in paths):
        missing = ", ".join(str(path) for path in paths)
        raise PathNotFound(f"No such file or folder: {printable(missing)}.")


def positive(text: str) -> int:
    """Read a number from 1 up, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def share(text: str) -> float:
    """Read a share, 0 up to but not 1, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: a number from 0, below 1")
    return value


def path(text: str) -> Path:
    """Read a path, for argparse."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _unreadable(error: OSError) -> UnreadableFile:
    return UnreadableFile(f"It cannot be read: {error.strerror or type(error).__name__}.")
