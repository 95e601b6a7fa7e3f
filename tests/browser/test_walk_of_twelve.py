"""Twelve steps through 200 real photos: from a set to tags of one's own and an archive."""

import csv
import io
import zipfile
from itertools import chain

import pytest
from playwright.sync_api import FilePayload

from tests.browser.conftest import Visit
from tests.browser.twelve_steps import KIND, mixed_photos, photos_of, pieces, walk
from tests.conftest import ASSETS, SHARED

pytestmark = pytest.mark.tools
_ARCHIVE = SHARED / "data" / "camera36.zip"
_LABELS = ("Beach", "Food", "Cat", "House", "Sky", "Car", "Dance", "Painting", "Bridge")


@pytest.fixture
def photos() -> list[FilePayload]:
    """Photos of beside the repository; without them, pieces of the two that are in it."""
    if not _ARCHIVE.is_file():
        return mixed_photos(pieces(ASSETS / "flower.jpg"), [pieces(ASSETS / "china.jpg")])
    real = (path.read_bytes() for path in sorted((SHARED / "photos").glob("DSCN*.jpg")))
    others = [photos_of(_ARCHIVE, label) for label in _LABELS]
    others[0] = chain(real, others[0])
    return mixed_photos(photos_of(_ARCHIVE, "Flower", _sunflowers()), others)


def _sunflowers() -> list[str]:
    with zipfile.ZipFile(_ARCHIVE) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8")))
        return [row["file"] for row in rows if "/sunflower/" in row["source_path"]]


def test_twelve_steps(visit: Visit, photos: list[FilePayload]) -> None:
    assert len(photos) == 200
    assert sum(photo["name"].startswith(KIND) for photo in photos) == 26
    walked: list[str] = []
    walk(visit.open(), photos, walked.append)
    assert len(walked) == 12
