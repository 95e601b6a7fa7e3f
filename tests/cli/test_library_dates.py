"""`library dates`: dates and proposals as JSON and as a table; set as one edit, with undo."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scene_model.cli.main import main
from scene_model.library.edits import latest_edit, undo
from scene_model.library.store import Library
from tests.pictures import encode, quadrants

FIELDS = ["id", "file", "taken_at", "source", "confidence", "proposed"]


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    return tmp_path / "library"


def picture(shade: int, taken_at: str | None, model: str = "X100") -> bytes:
    exif = Image.Exif()
    if taken_at:
        exif.get_ifd(0x8769)[0x9003] = taken_at
        exif[0x0110] = model
    size = 40 + shade
    return encode(quadrants().resize((size, size)), exif=exif)


@pytest.fixture
def added(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, taken_at in {
        "IMG_0411.JPG": "2024:07:15 10:00:00",
        "IMG_0412.JPG": None,
        "IMG_0413.JPG": "2024:07:15 10:04:00",
        "IMG_0500.JPG": "2000:01:01 00:00:09",
        "IMG_20240801_101112.jpg": None,
    }.items():
        (folder / name).write_bytes(picture(len(list(folder.iterdir())), taken_at))
    os.utime(folder / "IMG_0500.JPG", (1_600_000_000, 1_600_000_000))
    assert main(["library", "add", str(folder)]) == 0
    return folder


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    assert main(["library", "dates", *arguments]) == 0
    return capfd.readouterr().out


def rows(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    records = json.loads(run(capfd, *arguments, "--json"))
    assert all(list(record) == FIELDS for record in records)
    return {Path(record["file"]).name: record for record in records}


def test_one_date_per_photo(added: Path, capfd: pytest.CaptureFixture[str]) -> None:
    by_file = rows(capfd)
    assert len(by_file) == 5
    assert by_file["IMG_0411.JPG"]["source"] == "EXIF"
    assert by_file["IMG_0411.JPG"]["proposed"] is None
    # The name is sure, so that the photo got its date when it was added.
    named = by_file["IMG_20240801_101112.jpg"]
    assert (named["taken_at"], named["source"]) == ("2024-08-01T10:11:12", "file name")
    between = by_file["IMG_0412.JPG"]
    assert (between["taken_at"], between["source"]) == (None, "neighbours")
    assert (between["proposed"], between["confidence"]) == ("2024-07-15T10:02:00", 0.95)
    default = by_file["IMG_0500.JPG"]
    assert default["taken_at"] == "2000-01-01T00:00:09"
    assert default["confidence"] < 0.5, "the time of the file is all there is"


def test_apply_is_one_edit(added: Path, library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in added.iterdir()}
    applied = rows(capfd, "--apply")
    assert applied["IMG_0412.JPG"]["taken_at"] == "2024-07-15T10:02:00"
    assert applied["IMG_0500.JPG"]["taken_at"] == "2000-01-01T00:00:09", "not sure enough"
    with Library(library) as opened:
        assert latest_edit(opened) == "Dates corrected"
        assert undo(opened) is not None
    assert rows(capfd)["IMG_0412.JPG"]["taken_at"] is None
    assert {path.name: path.read_bytes() for path in added.iterdir()} == before


def test_less_sure_dates_on_demand(added: Path, capfd: pytest.CaptureFixture[str]) -> None:
    applied = rows(capfd, "--apply", "--min-confidence", "0.2")
    assert applied["IMG_0500.JPG"]["source"] == "file time"
    assert applied["IMG_0500.JPG"]["taken_at"].startswith("2020-09-13T")


def test_the_table(added: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = run(capfd).splitlines()
    assert len(lines) == 2
    (line,) = [line for line in lines if line.startswith("IMG_0412.JPG")]
    assert line.split("\t")[1:] == ["-", "no date", "2024-07-15T10:02:00", "neighbours, 95%"]


def test_shift_of_one_camera(added: Path, library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    preview = rows(capfd, "--shift", "X100=+7h")
    assert set(preview) == {"IMG_0411.JPG", "IMG_0413.JPG", "IMG_0500.JPG"}
    assert preview["IMG_0411.JPG"]["taken_at"] == "2024-07-15T10:00:00"
    assert preview["IMG_0411.JPG"]["proposed"] == "2024-07-15T17:00:00"
    shifted = rows(capfd, "--shift", "X100=+7h", "--apply")
    assert shifted["IMG_0411.JPG"]["taken_at"] == "2024-07-15T17:00:00"
    assert shifted["IMG_0411.JPG"]["source"] == "camera clock"
    with Library(library) as opened:
        assert latest_edit(opened) == "Dates of X100 shifted by +7h"


@pytest.mark.parametrize("shift", ["X100", "X100=7", "=7h", "Leica=+7h"])
def test_wrong_shifts(added: Path, shift: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "dates", "--shift", shift]) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_sort_of_photos_outside_the_library_uses_the_date_of_the_name(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "dest"
    source.mkdir()
    (source / "IMG_20240801_101112.jpg").write_bytes(picture(1, None))
    (source / "IMG_0412.jpg").write_bytes(picture(2, None))
    arguments = ["--layout", "{taken:%Y-%m}/{name}", "--copy", "--jsonl"]
    assert main(["sort", str(source), str(dest), *arguments]) == 0
    folders = {path.name: path.parent.name for path in dest.rglob("*.jpg")}
    assert folders["IMG_20240801_101112.jpg"] == "2024-08"
    assert folders["IMG_0412.jpg"] != "2024-08"


def test_exports_have_the_effective_date(
    added: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(capfd, "--apply")
    target = tmp_path / "out.json"
    assert main(["library", "export", "name:img_0412", "--records", str(target)]) == 0
    (record,) = json.loads(target.read_text(encoding="utf-8"))
    assert (record["taken_at"], record["taken_source"]) == ("2024-07-15T10:02:00", "neighbours")
    assert main(["library", "sidecars", "--dates", "--into", str(tmp_path / "side")]) == 0
    (sidecar,) = (tmp_path / "side").rglob("IMG_0412.JPG.xmp")
    text = sidecar.read_text(encoding="utf-8")
    assert 'exif:DateTimeOriginal="2024-07-15T10:02:00"' in text
    assert 'photoshop:DateCreated="2024-07-15T10:02:00"' in text
    archive = tmp_path / "out.zip"
    assert main(["library", "export", "name:img_0412", "--zip", str(archive)]) == 0
    with zipfile.ZipFile(archive) as opened:
        (member,) = [i for i in opened.infolist() if i.filename.endswith("IMG_0412.JPG")]
    assert member.date_time == (2024, 7, 15, 10, 2, 0)
    arguments = ["--layout", "{taken:%Y-%m}/{name}", "--copy", "--jsonl"]
    assert main(["sort", str(added), str(tmp_path / "sorted"), *arguments]) == 0
    sorted_files = {path.name: path.parent.name for path in (tmp_path / "sorted").rglob("*.JPG")}
    assert sorted_files["IMG_0412.JPG"] == "2024-07"
    capfd.readouterr()
    assert main(["library", "search", "taken:2024-07-15", "--jsonl"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 3
