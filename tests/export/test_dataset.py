"""A data set for trainers: a split that keeps look-alikes together, read back by training."""

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
    found = add_photos([*made_photos, *near_duplicates])
    edits.set_class(services.library, [*found[:6], *found[12:]], "my place")
    edits.set_class(services.library, found[6:12], "sea")
    return found


def test_look_alikes_stay_together_and_training_reads_it(
    services: Services, ids: list[str], tmp_path: Path
) -> None:
    near_duplicates, apart = set(ids[12:]), set()
    for share in (0.2, 0.4, 0.5, 0.7):
        folder = tmp_path / f"set {share}"
        placed = {p.photo_id: p for p in write_dataset(services.library, ids, folder, share)}
        assert all(one.error is None for one in placed.values())
        assert len({placed[twin].part for twin in near_duplicates}) == 1
        apart |= {placed[twin].part for twin in near_duplicates}
        held_back = sum(one.part == "val" for one in placed.values())
        assert abs(held_back - share * len(ids)) <= 3
    assert apart <= {"train", "val"}
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
    one = {p.photo_id: p.part for p in write_dataset(services.library, ids, tmp_path / "one")}
    other = write_dataset(services.library, ids[::-1], tmp_path / "other")
    assert {p.photo_id: p.part for p in other} == one


def test_nothing_is_written_over_and_a_lost_original_is_named(
    services: Services, ids: list[str], tmp_path: Path, temple: bytes
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(TargetExists):
        list(write_dataset(services.library, ids, tmp_path / "full"))
    services.library.original_path(content_hash(temple)).unlink()
    placed = list(write_dataset(services.library, ids, tmp_path / "set"))
    assert [p.error.code for p in placed if p.error] == ["original_missing"]


def test_on_the_command_line(
    services: Services, ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = ["--library", str(services.library.folder)]
    assert main(["library", "dataset", str(tmp_path / "set"), "class:sea", *library]) == 0
    assert "5 photos to train with, 1 to check with" in capsys.readouterr().out
    assert main(["library", "dataset", str(tmp_path / "x"), "--val", "1.5", *library]) == 2
