"""Libraries of photographs, filled before the browser opens."""

import atexit
import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from scene_model.config import PROJECT_DIR
from tests.conftest import ASSETS, SHARED_PHOTOS


def real_photos(most: int = 40) -> list[Path]:
    """The photographs of the repository, and those beside it, or else pieces of the first."""
    photos = sorted(ASSETS.glob("*.jpg"))
    if SHARED_PHOTOS.is_dir():
        photos += sorted(p for p in SHARED_PHOTOS.rglob("*") if p.is_file())
    else:
        photos += pieces_of_photos()
    return photos[:most]


@functools.cache
def pieces_of_photos() -> list[Path]:
    """Forty different pieces of the photographs of the repository, 256×192."""
    folder = Path(tempfile.mkdtemp(prefix="pieces-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for path in sorted(ASSETS.glob("*.jpg")):
        with Image.open(path) as photo:
            for number in range(20):
                left, top = 96 * (number % 5), 78 * (number // 5)
                piece = photo.crop((left, top, left + 256, top + 192))
                piece.save(folder / f"{path.stem[0]}{number:02}.jpg")
    return sorted(folder.iterdir())


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
    return _digest(tuple((photo, photo.stat().st_mtime_ns) for photo in photos))


@functools.cache
def _digest(dated_photos: tuple[tuple[Path, int], ...]) -> str:
    contents = hashlib.sha256()
    for photo, _ in dated_photos:
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
