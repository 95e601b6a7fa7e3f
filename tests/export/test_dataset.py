"""A training data set: near duplicates share a part, and training reads the result."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from scene_model.cli.main import main
from scene_model.errors import TargetExists
from scene_model.export.dataset import write_dataset
from scene_model.library import edits
from scene_model.photos.hashes import content_hash
from scene_model.services import Services
from tests.pictures import encode
from training.data import load_source
from training.recipe import Source

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def ids(
    services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]], temple: bytes
) -> list[str]:
    """Six photos of one class, six of another, and three shots of the temple in the first."""
    picture = Image.open(io.BytesIO(temple))
    near_duplicates = [
        ("temple.jpg", temple),
        ("smaller.jpg", encode(picture.resize((500, 334)))),
        ("smallest.jpg", encode(picture.resize((320, 214)))),
    ]
    photo_ids = add_photos([*made_photos, *near_duplicates])
    edits.set_class(services.library, [*photo_ids[:6], *photo_ids[12:]], "my place")
    edits.set_class(services.library, photo_ids[6:12], "sea")
    return photo_ids


def test_near_duplicates_stay_together_and_training_reads_it(
    services: Services, ids: list[str], tmp_path: Path
) -> None:
    near_duplicates, parts = set(ids[12:]), set()
    for share in (0.2, 0.4, 0.5, 0.7):
        folder = tmp_path / f"set {share}"
        items = {p.photo_id: p for p in write_dataset(services.library, ids, folder, share)}
        assert all(item.error is None for item in items.values())
        assert len({items[photo_id].part for photo_id in near_duplicates}) == 1
        parts |= {items[photo_id].part for photo_id in near_duplicates}
        validation_count = sum(item.part == "val" for item in items.values())
        assert abs(validation_count - share * len(ids)) <= 3
    assert parts <= {"train", "val"}
    read = []
    for part in ("train", "val"):
        source = Source(id=part, file=part, head="mine", manifest="manifest.csv")
        examples, skipped = load_source(source, tmp_path / "set 0.5")
        assert skipped == []
        read += examples
        with (tmp_path / "set 0.5" / part / "manifest.csv").open(newline="") as file:
            rows = {row["file"]: row for row in csv.DictReader(file)}
        assert {example.sha256 for example in examples} == {r["sha256"] for r in rows.values()}
        assert {example.label for example in examples} <= {"my place", "sea"}
    assert {example.sha256 for example in read} == set(ids)


def test_the_same_photos_are_split_the_same(
    services: Services, ids: list[str], tmp_path: Path
) -> None:
    parts = {p.photo_id: p.part for p in write_dataset(services.library, ids, tmp_path / "first")}
    second = write_dataset(services.library, ids[::-1], tmp_path / "second")
    assert {p.photo_id: p.part for p in second} == parts


def test_nothing_is_overwritten_and_a_missing_original_is_reported(
    services: Services, ids: list[str], tmp_path: Path, temple: bytes
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(TargetExists):
        list(write_dataset(services.library, ids, tmp_path / "full"))
    services.library.original_path(content_hash(temple)).unlink()
    items = list(write_dataset(services.library, ids, tmp_path / "set"))
    assert [p.error.code for p in items if p.error] == ["original_missing"]


def test_on_the_command_line(
    services: Services, ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = ["--library", str(services.library.folder)]
    assert main(["library", "dataset", str(tmp_path / "set"), "class:sea", *library]) == 0
    assert "5 photos for training, 1 for validation" in capsys.readouterr().out
    assert main(["library", "dataset", str(tmp_path / "x"), "--val", "1.5", *library]) == 2
