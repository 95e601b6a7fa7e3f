"""A server on a library of real photographs, filled before the browser opens."""

import subprocess
import sys
from pathlib import Path

from scene_model.config import PROJECT_DIR
from tests.conftest import ASSETS, SHARED_PHOTOS


def real_photos(most: int = 40) -> list[Path]:
    """The photographs of the repository, and those beside it when they are there."""
    photos = sorted(ASSETS.glob("*.jpg"))
    if SHARED_PHOTOS.is_dir():
        photos += sorted(p for p in SHARED_PHOTOS.rglob("*") if p.is_file())
    return photos[:most]


def fill(library: Path, photos: list[Path]) -> None:
    """Add photos by the command line, as a program of its own does."""
    subprocess.run(
        [sys.executable, "-m", "scene_model", "library", "add", *map(str, photos)]
        + ["--library", str(library)],
        cwd=PROJECT_DIR,
        check=False,  # 3 where a photo of the folder is no picture
        capture_output=True,
    )
