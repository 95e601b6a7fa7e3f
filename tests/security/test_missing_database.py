"""A library without its database is not served as an empty one, and its originals stay."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scene_model.api import create_app
from scene_model.cli.main import main
from scene_model.config import Settings
from scene_model.errors import DatabaseMissing
from scene_model.library.store import Library
from scene_model.maintenance.verify import verify
from scene_model.services import Services, follow_into, open_classification, open_services

Add = Callable[[list[tuple[str, bytes]]], list[str]]


@pytest.fixture
def folder(services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]) -> Path:
    """A closed library of three photos."""
    add_photos(made_photos[:3])
    services.close()
    return services.library.folder


@pytest.fixture(params=["missing", "empty"])
def without_database(request: pytest.FixtureRequest, folder: Path) -> Path:
    for path in folder.glob("library.db*"):
        path.unlink()
    if request.param == "empty":
        (folder / "library.db").touch()
    return folder


def files_of(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }


COMMANDS = [
    ["search", ""],
    ["export", "--csv", "-"],
    ["stats"],
    ["verify"],
    ["verify", "--repair"],
    ["verify", "--repair", "--json"],
    ["backup", "backup.zip"],
    ["add", "photo.jpg"],
    ["reclassify"],
    ["sidecars", "--into", "sidecars"],
    ["keywords", "photo.jpg"],
    ["dataset", "data"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_refuses(
    without_database: Path,
    arguments: list[str],
    tmp_path: Path,
    temple: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(temple)
    before = files_of(without_database)
    assert main(["library", *arguments, "--library", str(without_database)]) == 1
    output = capsys.readouterr()
    assert "3 originals" in output.err
    assert "library rebuild" in output.err
    assert "library restore" in output.err
    assert "Traceback" not in output.err
    assert "no problems" not in output.out
    assert files_of(without_database) == before


def test_serve_and_sort_refuse(
    without_database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SCENE_LIBRARY", str(without_database))
    (tmp_path / "source").mkdir()
    before = files_of(without_database)
    assert main(["serve"]) == 1
    assert "library rebuild" in capsys.readouterr().err
    assert main(["sort", str(tmp_path / "source"), str(tmp_path / "dest")]) == 1
    assert "library rebuild" in capsys.readouterr().err
    assert files_of(without_database) == before


def test_a_sort_moves_nothing_out_of_it(
    without_database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "another"))
    before = files_of(without_database)
    main(["sort", str(without_database), str(tmp_path / "dest"), "--move"])
    assert "0 files moved" in capsys.readouterr().err
    assert files_of(without_database) == before


def test_no_way_in_opens_it(without_database: Path) -> None:
    settings = Settings(library=without_database, workers=1)
    with pytest.raises(DatabaseMissing):
        open_services(settings)
    with pytest.raises(DatabaseMissing), open_classification(settings, "class", ""):
        pass
    with pytest.raises(DatabaseMissing):
        follow_into(settings)([])


def test_thumbnails_alone_are_enough(without_database: Path) -> None:
    """Originals that are only referenced leave nothing else."""
    shutil.rmtree(without_database / "originals")
    with pytest.raises(DatabaseMissing, match="3 thumbnails"):
        Library(without_database)


def test_health_says_not_ready(without_database: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    app = create_app(Settings(library=without_database, workers=1))
    # Without its lifespan, as pages and API open the library: at the first request.
    client = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000))
    response = client.get("/api/health")
    assert response.status_code == 503
    assert "library rebuild" in response.json()["detail"]
    assert client.get("/api/library/export.csv").status_code == 503


@pytest.mark.parametrize("change", ["removed", "emptied", "damaged"])
def test_health_says_not_ready_when_it_happens_while_serving(
    folder: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    app = create_app(Settings(library=folder, workers=1))
    database = folder / "library.db"
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
        assert client.get("/api/health").json()["status"] == "ok"
        kept = database.read_bytes()
        if change == "removed":
            database.unlink()
        else:
            database.write_bytes(b"" if change == "emptied" else b"\x5a" * len(kept))
            (folder / "library.db-wal").write_bytes(b"")
        response = client.get("/api/health")
        assert response.status_code == 503
        assert response.json()["status"] == 503


def test_repair_moves_no_original_when_rows_were_lost(folder: Path) -> None:
    """An earlier version has made a new database, or one photo was added since."""
    with Library(folder) as library, library.database.writer.begin() as connection:
        ids = library.find()
        connection.exec_driver_sql("DELETE FROM photos WHERE id <> ?", (ids[0],))
    before = files_of(folder / "originals")
    with Library(folder) as library:
        result = verify(library, repair=True, settle_s=0.0)
    assert [p.code for p in result.unrepaired].count("orphan_original") == 2
    assert "library rebuild" in result.unrepaired[0].message
    assert files_of(folder / "originals") == before
    assert not (folder / "trash").exists()


def test_a_new_library_may_still_be_made(tmp_path: Path) -> None:
    (tmp_path / "library" / "originals").mkdir(parents=True)
    (tmp_path / "library" / "originals" / "note.txt").write_text("mine")
    Library(tmp_path / "library").close()
    (tmp_path / "touched").mkdir()
    (tmp_path / "touched" / "library.db").touch()
    Library(tmp_path / "touched").close()


def test_rebuild_and_restore_bring_it_back(
    without_database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(without_database / "originals")
    library = ["--library", str(without_database)]
    assert main(["library", "rebuild", "--json", *library]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["photos"], record["added"], record["failed"]) == (3, 3, [])
    assert files_of(without_database / "originals") == before
    assert main(["library", "verify", *library]) == 0
    assert "3 photos checked; no problems." in capsys.readouterr().out
    assert main(["library", "backup", str(tmp_path / "b.zip"), *library]) == 0
    (without_database / "library.db").unlink()
    assert main(["library", "restore", str(tmp_path / "b.zip"), "--replace", *library]) == 0
    assert main(["library", "verify", *library]) == 0
