"""Archives and exported folders on the page Classify, through the navigation."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from scene_model.jobs.job import JobKind
from scene_model.services import Services
from tests.pages.conftest import click, labels, texts
from tests.takeouts import MadeTakeout


@pytest.fixture
def made(tmp_path: Path) -> MadeTakeout:
    """Three photos in two of three parts, one of them in an album and one in the trash."""
    made = MadeTakeout(3)
    made.add("plain", "A.jpg", "A.jpg.json", folder="*Ro*me", albums=["*Ro*me"])
    made.add("plain", "B.jpg", "B.jpg.json", trashed=True)
    made.add("plain", "C.jpg", "C.jpg.json")
    made.files = [(0 if turn == 1 else turn, name, data) for turn, name, data in made.files]
    return made


def scan(app: AppTest, folder: Path) -> None:
    app.session_state["folder_path"] = str(folder)
    app.run()
    click(app, "Scan folder")


def wait(opened: Services) -> None:
    for job in opened.jobs.running(JobKind.ADD):
        assert job.wait(60)


def test_the_parts_of_a_takeout_are_listed_and_added(
    app: AppTest, opened: Services, made: MadeTakeout, tmp_path: Path
) -> None:
    folder = tmp_path / "Down*loads*"
    made.write(folder, parts=(0, 2))
    (folder / "other.zip").write_bytes(b"PK")
    scan(app, folder)
    (chosen,) = app.multiselect
    assert chosen.value == [path.name for path in sorted(folder.glob("takeout*"))]
    assert "No photos found" not in texts(app)
    click(app, "Read archives")
    shown = texts(app)
    assert "Google Takeout: 2 photos" in shown
    assert "Albums: *Ro*me" in shown
    assert "1 file in the trash or locked left out" in shown
    assert "-002.zip seems to be missing" in shown
    assert opened.library.count() == 0
    click(app, "Add 2 photos")
    wait(opened)
    app.run()
    assert opened.library.count() == 2
    assert "part_missing" in texts(app)
    assert "Read archives" not in labels(app)


def test_a_damaged_archive_is_named_before_anything_is_added(
    app: AppTest, opened: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    (folder / "a.zip").write_bytes(b"PK\x03\x04")
    scan(app, folder)
    click(app, "Read archives")
    assert "a.zip cannot be read as a ZIP" in texts(app)
    assert "No photos found" in texts(app)
    assert not [label for label in labels(app) if label.startswith("Add ")]


def test_an_exported_folder_can_stay_in_place(
    app: AppTest, opened: Services, made: MadeTakeout, tmp_path: Path
) -> None:
    for _, name, data in made.files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    scan(app, tmp_path / "Takeout")
    assert not app.multiselect
    click(app, "Read folder")
    way = next(radio for radio in app.radio if radio.key == "export_way")
    way.set_value("Leave in place").run()
    click(app, "Add 2 photos")
    wait(opened)
    records = list(opened.library.records(opened.library.find()))
    assert len(records) == 2
    assert all(record.reference is not None for record in records)
    assert {record.taken_source for record in records} == {"Takeout"}
