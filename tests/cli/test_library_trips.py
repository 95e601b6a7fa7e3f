"""`library trips`: the exact fields; `sort --by trip` and a ZIP by trip."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.library.store import Library
from scene_model.library.trips.trip_rows import all_trips
from scene_model.trips.trip_edits import hide_trips, rename_trip
from tests.pictures import encode, textured

pytestmark = pytest.mark.slow

# Dated by their names, two journeys of a few days.
DAYS = (*("20240712", "20240713", "20240714"), *("20230906", "20230907"))
NAMES = [f"IMG_{day}_{hour:02}1500.jpg" for day in DAYS for hour in range(9, 15)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(NAMES):
        (folder / name).write_bytes(encode(textured(64, 48, seed=seed)))
    return folder


@pytest.fixture
def library(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    assert main(["library", "add", str(source)]) == 0
    return tmp_path / "library"


def output(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    capfd.readouterr()
    assert main(["library", *arguments]) == 0
    return capfd.readouterr().out


def folders(root: Path) -> set[str]:
    return {p.parent.relative_to(root).as_posix() for p in root.rglob("*.jpg")}


def test_trips_as_json_lines_and_text(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trips: list[dict[str, Any]] = json.loads(output(capfd, "trips", "--json"))
    assert [list(trip) for trip in trips] == 2 * [
        [
            *("id", "title", "from", "to", "photos", "country", "places", "days"),
            "photo_ids",
        ]
    ]
    assert [trip["title"] for trip in trips] == ["6 to 7 September 2023", "12 to 14 July 2024"]
    july = trips[1]
    assert (july["from"], july["to"]) == ("2024-07-12T09:15:00", "2024-07-14T14:15:00")
    assert (july["photos"], july["country"], july["places"]) == (18, None, [])
    assert july["days"][0] == {"date": "2024-07-12", "photos": 6, "place": None}
    with Library(library) as opened:
        names = [photo.name for photo in opened.records(july["photo_ids"])]
    assert names == [name for name in NAMES if "2024" in name]
    lines = output(capfd, "trips", "--jsonl").splitlines()
    assert [json.loads(line) for line in lines] == trips
    text = output(capfd, "trips")
    assert "2024-07-12 to 2024-07-14\t12 to 14 July 2024\t18 photos\tproposed\n" in text
    matching = json.loads(output(capfd, "search", 'trip:"july 2024"', "--json"))
    assert len(matching) == 18


def test_hidden_trips_are_left_out(library: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Library(library) as opened:
        hide_trips(opened, [all_trips(opened)[0].id])
    trips = json.loads(output(capfd, "trips", "--json"))
    assert [trip["title"] for trip in trips] == ["6 to 7 September 2023"]


def test_trips_are_folders(
    library: Path, source: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Library(library) as opened:
        rename_trip(opened, all_trips(opened)[0].id, "Our summer")
        hide_trips(opened, [all_trips(opened)[1].id])
    assert main(["sort", str(source), str(tmp_path / "by trip"), "--by", "trip"]) == 0
    assert folders(tmp_path / "by trip") == {"Our summer", "no trip"}
    layout = ["--layout", "{trip}/{day}/{name}", "--where", "trip:summer"]
    assert main(["sort", str(source), str(tmp_path / "by day"), "--by", "trip", *layout]) == 0
    assert folders(tmp_path / "by day") == {f"Our summer/0{n} 2024-07-1{n + 1}" for n in (1, 2, 3)}
    zip_file = tmp_path / "trips.zip"
    output(capfd, "export", "--zip", str(zip_file), "--by", "trip")
    with zipfile.ZipFile(zip_file) as archive:
        top = {name.split("/")[0] for name in archive.namelist() if name.endswith(".jpg")}
    assert top == {"Our summer", "no trip"}


def test_trips_of_a_folder_outside_the_library_are_proposed(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    assert main(["sort", str(source), str(tmp_path / "by trip"), "--by", "trip"]) == 0
    assert folders(tmp_path / "by trip") == {"6 to 7 September 2023", "12 to 14 July 2024"}
    layout = ["--layout", "{trip}/{day}/{name}"]
    assert main(["sort", str(source), str(tmp_path / "by day"), *layout]) == 0
    assert folders(tmp_path / "by day") == {
        *(f"12 to 14 July 2024/0{n} 2024-07-1{n + 1}" for n in (1, 2, 3)),
        *(f"6 to 7 September 2023/0{n} 2023-09-0{n + 5}" for n in (1, 2)),
    }


def test_photos_that_are_added_later_extend_the_trip(
    library: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more").mkdir()
    for seed, hour in enumerate((9, 10)):
        photo = tmp_path / "more" / f"IMG_20240715_{hour:02}0000.jpg"
        photo.write_bytes(encode(textured(64, 48, seed=100 + seed)))
    before = json.loads(output(capfd, "trips", "--json"))
    assert main(["library", "add", str(tmp_path / "more")]) == 0
    with Library(library) as opened:  # updated by `add` itself
        assert [trip.title for trip in all_trips(opened)] == [
            "12 to 15 July 2024",
            "6 to 7 September 2023",
        ]
    after = json.loads(output(capfd, "trips", "--json"))
    assert [trip["id"] for trip in after] == [trip["id"] for trip in before]
    assert after[1]["photos"] == 20
