"""Faults for sort tests: a crash before a given step, and small or read-only file systems."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.export.sorting.file_system import SortFileSystem


class Crash(BaseException):
    """A simulated crash."""


class CrashingDisk(SortFileSystem):
    """Crashes before a given step and truncates what was not flushed."""

    def __init__(self, at: int) -> None:
        self.at, self.names, self.is_dead = at, [""], False

    def before_step(self, step: str, path: Path | str) -> None:
        if self.is_dead:
            raise Crash
        self.names.append(step)
        if len(self.names) > self.at:
            self.is_dead = True
            if step == "flush":
                os.truncate(path, Path(path).stat().st_size // 2)
            raise Crash


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a small file system; skips where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("mount is not installed")
    if done.returncode:
        pytest.skip("mounting is not allowed")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607
