"""``organise``: folders of trips and days, other photos by month, clutter apart; undo."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scene_model.cli.main import main
from scene_model.library.clutter.clutter_edits import keep_in_timeline, set_apart
from scene_model.library.clutter.conditions import ClutterKind
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash
from tests.pictures import encode, placed, textured

HOURS = (9, 10, 12, 13, 15, 16, 18)
LISBON, SINTRA = (38.7139, -9.1394), (38.8, -9.38)
BLACK = Image.new("RGB", (640, 480))


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    return tmp_path / "library"


@pytest.fixture
def card(tmp_path: Path, library: Path) -> Path:
    """Two days in Portugal, some evenings at home, clutter, and a file that is no photo."""
    folder = tmp_path / "card"
    (folder / "DCIM").mkdir(parents=True)
    for number, hour in enumerate(HOURS * 2):
        day, place = (12, LISBON) if number < len(HOURS) else (13, SINTRA)
        name = f"IMG_202407{day}_{hour:02}0500.jpg"
        (folder / "DCIM" / name).write_bytes(placed(textured(64, 48, number), *place))
    for day in (3, 10, 17, 24):
        name = f"IMG_202405{day:02}_180000.jpg"
        (folder / name).write_bytes(encode(textured(64, 48, 100 + day)))
    (folder / "IMG_20240712_090502.jpg").write_bytes(encode(BLACK))
    (folder / "IMG_20240712_233000.jpg").write_bytes(encode(BLACK.resize((480, 360))))
    (folder / "scan of old days.jpg").write_bytes(encode(textured(64, 48, 200)))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".scene-sort" not in path.parts
    }


def targets(lines: list[dict[str, Any]], dest: Path) -> dict[str, str]:
    return {
        Path(line["file"]).name: Path(line["target"]).parent.relative_to(dest).as_posix()
        for line in lines
        if line["target"]
    }


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[Any]]:
    capfd.readouterr()
    code = main([*map(str, arguments), "--jsonl"])
    return code, [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_a_card_is_organised_and_put_back(
    card: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before, dest = tree(card), tmp_path / "sorted"
    code, planned = run(capfd, "organise", card, dest, "--move", "--dry-run")
    assert (code, tree(card), dest.exists()) == (3, before, False), "one file is no photo"
    placed_in = targets(planned, dest)
    trip = "2024-07 Lisbon and Sintra"
    assert placed_in["IMG_20240712_090500.jpg"] == f"{trip}/01 Lisbon"
    assert placed_in["IMG_20240713_180500.jpg"] == f"{trip}/02 Sintra"
    assert placed_in["IMG_20240712_090502.jpg"] == f"{trip}/01 Lisbon", "of a burst"
    assert placed_in["IMG_20240712_233000.jpg"] == "Clutter/black"
    assert placed_in["IMG_20240503_180000.jpg"] == "2024/05"
    assert placed_in["scan of old days.jpg"] == "undated"
    reasons = {Path(line["file"]).name: line["reason"] for line in planned}
    assert reasons["IMG_20240712_090500.jpg"] == "Lisbon and Sintra, July 2024, by the trips"
    assert reasons["IMG_20240712_233000.jpg"] == "black, by the clutter rule"
    assert reasons["IMG_20240503_180000.jpg"] == "no trip"
    code, moved = run(capfd, "organise", card, dest, "--move")
    assert (code, targets(moved, dest)) == (3, placed_in)
    assert set(tree(card)) == {"broken.jpg"}
    assert run(capfd, "undo", dest)[0] == 0
    assert (tree(card), tree(dest)) == (before, {})


def test_what_people_decided_in_the_library_counts(
    card: Path, library: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    black, beach = card / "IMG_20240712_233000.jpg", card / "DCIM" / "IMG_20240712_090500.jpg"
    assert main(["library", "add", str(black), str(beach)]) == 0
    with Library(library) as opened:
        keep_in_timeline(opened, [content_hash(black.read_bytes())])
        set_apart(opened, [content_hash(beach.read_bytes())], ClutterKind.MEME)
    dest = tmp_path / "sorted"
    _, planned = run(capfd, "organise", card, dest, "--dry-run")
    placed_in = targets(planned, dest)
    assert placed_in[black.name] == "2024/07"
    assert placed_in[beach.name] == "Clutter/meme"
    (reason,) = (line["reason"] for line in planned if Path(line["file"]).name == beach.name)
    assert reason == "meme, by you"


@pytest.mark.parametrize("arguments", [["nowhere", "dest"], ["."], [".", "d", "--copy", "--move"]])
def test_wrong_usage(arguments: list[str], library: Path) -> None:
    assert main(["organise", *arguments]) == 2
