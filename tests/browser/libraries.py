"""Libraries of photographs, filled before the browser opens."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scene_model.config import PROJECT_DIR
from tests.conftest import ASSETS, SHARED_PHOTOS


def real_photos(most: int = 40) -> list[Path]:
    """The photographs of the repository, and those beside it when they are there."""
    photos = sorted(ASSETS.glob("*.jpg"))
    if SHARED_PHOTOS.is_dir():
        photos += sorted(p for p in SHARED_PHOTOS.rglob("*") if p.is_file())
    return photos[:most]


class FilledLibraries:
    """Fills a library once for each set of photos and hands out copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy_to(self, library: Path, photos: Sequence[Path]) -> None:
        """Make a library that holds some photos."""
        filled = self._folder / digest(photos)
        if not filled.is_dir():
            fill(filled, photos)
        shutil.copytree(filled, library)


def digest(photos: Sequence[Path]) -> str:
    """SHA-256 of the names and contents of photos."""
    contents = hashlib.sha256()
    for photo in photos:
        contents.update(photo.name.encode() + b"\0" + photo.read_bytes())
    return contents.hexdigest()


def fill(library: Path, photos: Sequence[Path]) -> None:
    """Add photos with the command line; files that are no pictures are skipped."""
    result = subprocess.run(
        [sys.executable, "-m", "scene_model", "library", "add", *map(str, photos)]
        + ["--library", str(library)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
    )
    assert result.returncode in (0, 3), result.stderr
