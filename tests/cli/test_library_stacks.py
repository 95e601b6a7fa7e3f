"""`library stacks`: the exact fields, in the order of picking; `sort` keeps stacks together."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from scene_model.cli.main import main
from scene_model.library.database.schema import photos, stack_photos
from scene_model.library.store import Library
from tests.photos.films import google_motion_photo, live_film
from tests.pictures import encode, textured
from tests.raw_files import Shot, nef


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of a RAW file with its JPEG, a photo with its edited version, and two others."""
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    folder = tmp_path / "photos"
    folder.mkdir()
    shot = Shot(textured(320, 240), encode(textured(320, 240)))
    (folder / "DSC_1.NEF").write_bytes(nef(shot))
    for seed, name in enumerate(("DSC_1.JPG", "DSC_2.JPG", "DSC_2-edited.JPG", "DSC_3.JPG")):
        (folder / name).write_bytes(encode(textured(160, 120, seed=seed)))
    (folder / "DSC_4.JPG").write_bytes(google_motion_photo(live_film()))
    assert main(["library", "add", str(folder)]) == 0
    return tmp_path / "library"


def output(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    assert main(["library", *arguments]) == 0
    return capfd.readouterr().out


def names(library: Path, stacks: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
    with Library(library) as opened:
        by_id = {photo.id: photo.name for photo in opened.records(opened.find())}
    return sorted(
        (stack["kind"], by_id[stack["pick"]], [by_id[i] for i in stack["photo_ids"]])
        for stack in stacks
    )


EXPECTED = [
    ("edit", "DSC_2-edited.JPG", ["DSC_2-edited.JPG", "DSC_2.JPG"]),
    ("raw_jpeg", "DSC_1.JPG", ["DSC_1.JPG", "DSC_1.NEF"]),
]


def test_stacks_as_json_lines_and_text(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stacks = json.loads(output(capfd, "stacks", "--json"))
    assert all(list(stack) == ["kind", "pick", "photo_ids"] for stack in stacks)
    assert names(library, stacks) == EXPECTED
    lines = output(capfd, "stacks", "--jsonl").splitlines()
    assert [json.loads(line) for line in lines] == stacks
    text = output(capfd, "stacks")
    assert "raw_jpeg\t" in text and "\tDSC_1.JPG, DSC_1.NEF\n" in text
    stacked = json.loads(output(capfd, "search", "is:stacked", "--json"))
    assert len(stacked) == 4
    live = json.loads(output(capfd, "search", "is:live", "--json"))
    assert [photo["name"] for photo in live] == ["DSC_4.JPG"]
    assert not {"film_start", "film_bytes"} & set(live[0])


def test_stacks_of_an_earlier_library_are_made(
    library: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Library(library) as opened, opened.database.writer.begin() as connection:
        connection.execute(stack_photos.delete())
        connection.execute(update(photos).values(stack_name=None))
    assert names(library, json.loads(output(capfd, "stacks", "--json"))) == EXPECTED
