"""The library in scripts: what is printed, what is kept, exit codes."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.cli import terminal
from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from scene_model.export.table import UTF8_BOM
from scene_model.library import edits
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash
from tests.bundles import other_network, own_head


@pytest.fixture
def folder(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    photos = tmp_path / "photos"
    (photos / "inside").mkdir(parents=True)
    (photos / "a.jpg").write_bytes(temple)
    (photos / "b.jpg").write_bytes(flower)
    (photos / "c.jpg").write_bytes(b"")
    (photos / "notes.txt").write_text("notes")
    (photos / "inside" / "a again.jpg").write_bytes(temple)
    return photos


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    return tmp_path / "library"


class Command:
    """Runs `library ...` and keeps what it said."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self.out = self.err = ""

    def __call__(self, *arguments: object) -> int:
        self._capfd.readouterr()
        code = main(["library", *map(str, arguments)])
        self.out, self.err = self._capfd.readouterr()
        assert "Traceback" not in self.err
        return code

    def lines(self, *arguments: object) -> list[Any]:
        self(*arguments, "--jsonl")
        return [json.loads(line) for line in self.out.splitlines()]

    def one(self, *arguments: object) -> Any:
        self(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Command:
    return Command(capfd)


@pytest.fixture
def filled(run: Command, folder: Path) -> list[str]:
    """Ids of the temple and the flower, which the library holds."""
    return [line["id"] for line in run.lines("add", folder / "a.jpg", folder / "b.jpg")]


def test_add_says_a_line_a_file(
    run: Command, folder: Path, temple: bytes, flower: bytes, library: Path
) -> None:
    assert run("add", folder, "--recursive", "--jsonl") == 3
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [list(line) for line in lines] == [["file", "id", "known", "class", "error"]] * 4
    assert [Path(line["file"]).name for line in lines] == [
        "a.jpg",
        "b.jpg",
        "c.jpg",
        "a again.jpg",
    ]
    assert [line["id"] for line in lines] == [
        content_hash(temple),
        content_hash(flower),
        None,
        content_hash(temple),
    ]
    assert lines[1]["class"] == "flower"
    assert lines[2]["error"]["code"] == "empty_file"
    assert "1 files ignored" in run.err
    assert "1 of 4 photos failed" in run.err
    with Library(library) as opened:
        assert opened.count() == 2
        assert opened.original_bytes(content_hash(temple)) == temple


def test_a_second_run_costs_nothing(
    run: Command,
    folder: Path,
    filled: list[str],
    library: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(self: Classifier, data: bytes) -> Prediction:
        raise AssertionError("looked at a known photo")

    monkeypatch.setattr(Classifier, "predict", never)
    with Library(library) as opened:
        classes = [photo.photo_class for photo in opened.records(filled)]
    assert run("add", folder / "a.jpg", folder / "b.jpg") == 0
    assert [line.split("\t")[1:] for line in run.out.splitlines()] == [
        [photo_id, called, "known"] for photo_id, called in zip(filled, classes, strict=True)
    ]
    assert [line["known"] for line in run.one("add", folder / "a.jpg")] == [True]


def test_an_unforeseen_error_is_one_files(
    run: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, flower: bytes
) -> None:
    look = Classifier.predict

    def fails(self: Classifier, data: bytes) -> Prediction:
        if data == flower:
            raise ValueError("surprise")
        return look(self, data)

    monkeypatch.setattr(Classifier, "predict", fails)
    first, second = run.lines("add", folder / "a.jpg", folder / "b.jpg")
    assert first["error"] is None
    assert second["error"] == {
        "code": "internal_error",
        "message": "Unforeseen: ValueError: surprise",
    }


def test_references_stay_where_they_are(
    run: Command, folder: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert run("add", "a.jpg", "--reference") == 0
    assert not list((library / "originals").rglob("*.jpg"))
    (line,) = run.lines("search", "")
    assert line["reference"] == str(folder / "a.jpg")
    assert run.one("stats")["referenced"] == 1
    assert run("verify") == 0
    (folder / "a.jpg").rename(folder / "moved.jpg")
    assert run("verify") == 3
    assert "missing_original" in run.out
    assert "Put the file back there" in run.out


def test_nothing_to_add(run: Command, tmp_path: Path) -> None:
    assert run("add", tmp_path / "nowhere") == 2
    assert "No such file or folder" in run.err
    (tmp_path / "empty").mkdir()
    assert run("add", tmp_path / "empty") == 0
    assert "No pictures found" in run.err
    assert run.one("add", tmp_path / "empty") == []


@pytest.mark.parametrize("command", ["search", "export", "verify", "stats", "reclassify"])
def test_there_has_to_be_a_library(run: Command, library: Path, command: str) -> None:
    words = ["x"] if command == "search" else []
    assert run(command, *words) == 2
    assert "There is no library in" in run.err
    assert not library.exists()
    assert run(command, *words, "--library", library.parent / "mistyped") == 2
    assert "mistyped" in run.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["add"],
        ["search"],
        ["verify", "--json", "--jsonl"],
        ["search", "x", "--limit", "0"],
        ["search", "x", "--sort", "colour"],
        ["export", "--csv", "a", "--zip", "b"],
        ["backup"],
        ["stats", "--library", ""],
    ],
)
def test_wrong_usage(run: Command, arguments: list[str]) -> None:
    assert run(*arguments) == 2
    assert "usage" in run.err


def test_search(run: Command, filled: list[str], library: Path) -> None:
    assert run("search", "flower") == 0
    assert run.out == f"{filled[1]}\tb.jpg\tflower\tflower\n"
    (line,) = run.lines("search", "-class:flower palace")
    assert (line["id"], line["name"], line["class"]) == (filled[0], "a.jpg", "landmark")
    assert ("palace", "objects") in {(tag["label"], tag["head"]) for tag in line["tags"]}
    assert [photo["id"] for photo in run.one("search", "", "--limit", "1")] == filled[:1]
    assert run("search", "submarine") == 0
    assert run.out == ""
    assert run("search", "(flower") == 2
    assert "closing bracket" in run.err


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("-added", ["late.jpg", "b.jpg", "a.jpg"]),
        ("added", ["a.jpg", "b.jpg", "late.jpg"]),
        ("name", ["a.jpg", "b.jpg", "late.jpg"]),
        ("-name", ["late.jpg", "b.jpg", "a.jpg"]),
        ("taken", ["b.jpg", "late.jpg", "a.jpg"]),
        ("-taken", ["late.jpg", "b.jpg", "a.jpg"]),
    ],
)
def test_orders(
    run: Command,
    filled: list[str],
    folder: Path,
    library: Path,
    made_photos: list[tuple[str, bytes]],
    sort: str,
    names: list[str],
) -> None:
    (folder / "late.jpg").write_bytes(made_photos[0][1])
    run("add", folder / "late.jpg")
    with Library(library) as opened, opened.database.writer.begin() as connection:
        for second, (name, taken_at) in enumerate(
            (("a.jpg", None), ("b.jpg", "2024-01-01"), ("late.jpg", "2025-01-01"))
        ):
            connection.exec_driver_sql(
                "UPDATE photos SET added_at = ?, taken_at = ? WHERE name = ?",
                (f"2026-01-01T00:00:0{second}", taken_at, name),
            )
    assert [photo["name"] for photo in run.lines("search", "", f"--sort={sort}")] == names


def test_sorted_by_score(run: Command, filled: list[str]) -> None:
    scores = [photo["class_score"] for photo in run.lines("search", "", "--sort=score")]
    assert scores == sorted(scores)


def test_export(run: Command, filled: list[str], tmp_path: Path, library: Path) -> None:
    assert run("export") == 0
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert {row["Name"] for row in rows} == {"a.jpg", "b.jpg"}
    assert run("export", "flower", "--csv", "-") == 0
    assert len(run.out.splitlines()) == 2
    assert run("export", "--csv", tmp_path / "all.csv") == 0
    assert "2 photos written" in run.out
    assert (tmp_path / "all.csv").read_bytes().count(b"\r\n") == 3
    assert run("export", "--csv", tmp_path / "excel.csv", "--bom") == 0
    assert (tmp_path / "excel.csv").read_text("utf-8") == UTF8_BOM + (
        (tmp_path / "all.csv").read_bytes().decode()
    ).replace("\r\n", "\n")
    assert run("export", "--records", tmp_path / "all.jsonl") == 0
    assert run("export", "--records", tmp_path / "all.json") == 0
    records = [
        json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").split("\n")[:-1]
    ]
    assert json.loads((tmp_path / "all.json").read_bytes()) == records
    assert {record["name"] for record in records} == {"a.jpg", "b.jpg"}
    assert run.one("export", "flower", "--zip", tmp_path / "b.zip") == {
        "file": str(tmp_path / "b.zip"),
        "photos": 1,
        "missing": [],
    }
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert set(archive.namelist()) == {"manifest.csv", "flower/b.jpg"}
    before = (tmp_path / "b.zip").read_bytes()
    for form in ("--zip", "--csv", "--records"):
        assert run("export", form, tmp_path / "b.zip") == 2
        assert "is not overwritten" in run.err
        assert run("export", form, tmp_path / "nowhere" / "b.zip") == 2
        assert "There is no folder" in run.err
    assert (tmp_path / "b.zip").read_bytes() == before
    assert run("export", "a:b") == 2
    with Library(library) as opened:
        opened.original_path(filled[0]).unlink()
    assert run("export", "--zip", tmp_path / "less.zip") == 3
    assert f"{filled[0]}\toriginal_missing" in run.err


def test_stats(run: Command, filled: list[str], library: Path) -> None:
    with Library(library) as opened:
        edits.set_class(opened, filled[:1], "holiday")
        edits.move_to_trash(opened, filled[1:])
    found = run.one("stats")
    assert found["library"] == str(library)
    assert (found["photos"], found["trash"], found["edited"], found["unsure"]) == (1, 1, 1, 0)
    assert found["by_class"] == {"holiday": 1}
    assert list(found["bundles"].values()) == [1]
    originals = sum(path.stat().st_size for path in (library / "originals").rglob("*.jpg"))
    assert found["bytes"]["originals"] == originals
    assert found["bytes"]["database"] > 0
    assert run("stats") == 0
    assert "Photos     1, 0 unsure, 1 edited" in run.out
    assert "holiday\t1" in run.out


def test_verify(run: Command, filled: list[str], library: Path) -> None:
    assert run("verify") == 0
    assert run.out == "2 photos checked; all is well.\n"
    assert run.one("verify") == {"photos": 2, "clean": True, "problems": []}
    thumbnail = next((library / "thumbnails").rglob("*.webp"))
    thumbnail.unlink()
    stray = library / "originals" / "stray.jpg"
    stray.write_bytes(b"stray")
    os.utime(stray, (0, 0))
    embeddings = next((library / "embeddings").glob("*.f16"))
    embeddings.write_bytes(embeddings.read_bytes()[:-10])
    assert run("verify", "--jsonl") == 3
    problems = [json.loads(line) for line in run.out.splitlines()]
    assert [list(problem) for problem in problems] == [
        ["code", "photo", "file", "repaired", "message"]
    ] * 3
    assert {problem["code"] for problem in problems} == {
        "missing_thumbnail",
        "missing_embedding",
        "orphan_original",
    }
    assert run("verify", "--repair") == 0
    assert "3 problems, all repaired" in run.out
    assert "orphans-" in run.out
    assert [path.read_bytes() for path in (library / "trash").rglob("*.jpg")] == [b"stray"]
    assert run("verify") == 0
    next((library / "originals").rglob("*.jpg")).unlink()
    assert run("verify", "--repair") == 3
    assert "1 problems, 1 left" in run.out


def test_an_embedding_of_another_model_is_left_to_tagging_again(
    run: Command, filled: list[str], library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    next((library / "embeddings").glob("*.f16")).unlink()
    monkeypatch.setenv("SCENE_BUNDLE", str(own_head(tmp_path / "models")))
    assert run("verify", "--repair") == 3
    assert "`library reclassify` mends it" in run.out
    monkeypatch.setenv("SCENE_BUNDLE", str(tmp_path))
    assert run("verify", "--repair") == 3, "without a model too"
    monkeypatch.delenv("SCENE_BUNDLE")
    assert run("verify", "--repair") == 0


def test_reclassify(
    run: Command, filled: list[str], library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("reclassify") == 0
    assert "All photos are tagged by the model in use" in run.out
    with Library(library) as opened:
        edits.set_class(opened, filled[:1], "holiday")
    monkeypatch.setenv("SCENE_BUNDLE", str(own_head(tmp_path / "models")))
    assert run("reclassify", "--dry-run") == 0
    assert "2 photos were tagged by another model" in run.out
    assert "2 of 2 would change: 1 their class, 2 their tags" in run.out
    assert "tagged again" not in run.out
    assert {photo["class"] for photo in run.lines("search", "")} == {"holiday", "flower"}
    told = run.one("reclassify", "--dry-run")
    assert told["forecast"]["changed"] == 2
    assert told["done"] == 0
    assert run("reclassify") == 0
    assert "2 photos tagged again" in run.out
    assert {photo["class"] for photo in run.lines("search", "")} == {"holiday", "zermatt"}
    with Library(library) as opened:
        opened.original_path(filled[0]).unlink()
    monkeypatch.setenv("SCENE_BUNDLE", str(other_network(tmp_path / "others")))
    assert run("reclassify", "--dry-run") == 0
    assert "2 were seen by another network" in run.out
    assert run("reclassify", "--json") == 3
    said = json.loads(run.out)
    assert said["done"] == 1
    assert [(item["name"], item["code"]) for item in said["failed"]] == [
        ("a.jpg", "original_missing")
    ]
    assert run("reclassify") == 3
    assert "a.jpg\toriginal_missing" in run.out


def test_backup_and_restore(run: Command, filled: list[str], library: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    said = run.one("backup", file)
    assert said["file"] == str(file)
    assert (said["photos"], said["missing"], said["changed"]) == (2, [], [])
    assert said["bytes"] == file.stat().st_size
    assert run("backup", file) == 2
    assert "is not overwritten" in run.err
    assert run("restore", file) == 2
    assert "--replace" in run.err
    back = tmp_path / "back"
    assert run("restore", file, "--library", back) == 0
    assert "2 photos restored" in run.out
    assert run("verify", "--library", back) == 0
    assert run("restore", file, "--library", back, "--replace") == 0
    assert "back.before-" in run.out
    assert run.one("stats", "--library", back)["photos"] == 2
    file.write_bytes(file.read_bytes()[:5000])
    assert run("restore", file, "--library", tmp_path / "other") == 1
    assert "damaged or truncated" in run.err
    assert run("restore", tmp_path / "none.zip", "--library", tmp_path / "other") == 2
    with Library(library) as opened:
        opened.original_path(filled[0]).unlink()
        opened.original_path(filled[1]).write_bytes(b"rotten")
    assert run("backup", tmp_path / "less.zip") == 3
    assert f"{filled[0]}\toriginal_missing" in run.out
    assert f"{filled[1]}\toriginal_changed" in run.out
    assert run("restore", tmp_path / "less.zip", "--library", tmp_path / "less") == 3


def test_backup_of_references(
    run: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", folder / "a.jpg", "--reference")
    assert run("backup", tmp_path / "noted.zip") == 0
    assert "1 originals lie outside the library and are not in the backup" in run.out
    assert run("backup", tmp_path / "all.zip", "--with-references") == 0
    (folder / "a.jpg").unlink()
    assert run("restore", tmp_path / "all.zip", "--library", tmp_path / "back") == 0
    assert run("verify", "--library", tmp_path / "back") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for children on Windows")
def test_interrupted_and_gone_on_with(
    run: Command, tmp_path: Path, large_photo: bytes, library: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(60):
        (many / f"{number:03d}.jpg").write_bytes(large_photo + bytes([number]))
    running = subprocess.Popen(
        [sys.executable, "-m", "scene_model", "library", "add", str(many), "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    rest, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    told = [json.loads(line)["id"] for line in (first + rest).splitlines()]
    with Library(library) as opened:
        kept = set(opened.find())
    assert set(told) <= kept
    assert 1 <= len(kept) < 60
    assert run("verify") == 0
    lines = run.lines("add", many)
    assert len(lines) == 60
    assert {line["id"] for line in lines if line["known"]} == kept


def test_progress_is_for_terminals(
    run: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", folder / "a.jpg")
    assert "\r" not in run.err

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with terminal.ProgressLine("photos") as progress:
        progress.show(1, 2)
        progress.show(2, 2, failed=1)
    half, whole = f"[{'#' * 10}{'.' * 10}]", f"[{'#' * 20}]"
    assert screen.getvalue() == (
        f"\r{half} 1 of 2 photos\x1b[K\r{whole} 2 of 2 photos, 1 failed\x1b[K\n"
    )
