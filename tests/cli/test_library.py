"""The library commands: output, stored photos, exit codes."""

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
from scene_model.library.albums.album_edits import create_album
from scene_model.library.store import Library
from scene_model.photos.hashes import content_hash
from tests.bundles import other_network, own_head
from tests.takeouts import MadeTakeout


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
    """Runs `library ...` and stores its output."""

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

    def json(self, *arguments: object) -> Any:
        self(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Command:
    return Command(capfd)


@pytest.fixture
def photo_ids(run: Command, folder: Path) -> list[str]:
    """Add the temple and the flower; returns their ids."""
    return [line["id"] for line in run.lines("add", folder / "a.jpg", folder / "b.jpg")]


def test_add_takes_archives_and_photos_together(run: Command, folder: Path, tmp_path: Path) -> None:
    made = MadeTakeout(1)
    made.add("plain", "A.jpg", "A.jpg.json", albums=["Rome"])
    made.put("Rome/A.jpg", made.files[0][2])
    made.put("Rome/B.jpg.json", made.files[1][2].replace(b"A.jpg", b"B.jpg"))
    (archive,) = made.write(tmp_path)
    code = run("add", archive, folder / "b.jpg", "--jsonl")
    assert code == 3
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert lines[0]["file"] == str(folder / "b.jpg")
    in_archive = [line for line in lines if line["file"].startswith(f"{archive}/")]
    assert {line["file"] for line in in_archive} == {
        f"{archive}/Google Photos/Photos from 2019/A.jpg",
        f"{archive}/Google Photos/Rome/A.jpg",
    }
    assert [line["known"] for line in in_archive] == [False, False]
    assert sorted(line["copy"] for line in in_archive) == [False, True]
    (missing,) = [line for line in lines if line["error"]]
    assert missing["error"]["code"] == "part_missing"
    assert "2 photos, 1 album in 1 part." in run.err
    assert "1 of 4 photos failed" in run.err


def test_add_prints_one_line_per_file(
    run: Command, folder: Path, temple: bytes, flower: bytes, library: Path
) -> None:
    assert run("add", folder, "--recursive", "--jsonl") == 3
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert [list(line) for line in lines] == [["file", "id", "known", "class", "error", "copy"]] * 4
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
    assert "1 file ignored" in run.err
    assert "1 of 4 photos failed" in run.err
    with Library(library) as opened:
        assert opened.count() == 2
        assert opened.original_bytes(content_hash(temple)) == temple


def test_a_second_run_predicts_nothing(
    run: Command,
    folder: Path,
    photo_ids: list[str],
    library: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(self: Classifier, data: bytes) -> Prediction:
        raise AssertionError("predicted a known photo")

    monkeypatch.setattr(Classifier, "predict", never)
    with Library(library) as opened:
        classes = [photo.photo_class for photo in opened.records(photo_ids)]
    assert run("add", folder / "a.jpg", folder / "b.jpg") == 0
    assert [line.split("\t")[1:] for line in run.out.splitlines()] == [
        [photo_id, called, "known"] for photo_id, called in zip(photo_ids, classes, strict=True)
    ]
    assert [line["known"] for line in run.json("add", folder / "a.jpg")] == [True]


def test_an_unforeseen_error_fails_only_its_file(
    run: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, flower: bytes
) -> None:
    predict = Classifier.predict

    def fails(self: Classifier, data: bytes) -> Prediction:
        if data == flower:
            raise ValueError("surprise")
        return predict(self, data)

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
    assert run.json("stats")["referenced"] == 1
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
    assert run.json("add", tmp_path / "empty") == []


@pytest.mark.parametrize("command", ["search", "export", "verify", "stats", "reclassify"])
def test_a_library_is_required(run: Command, library: Path, command: str) -> None:
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


def test_search(run: Command, photo_ids: list[str], library: Path) -> None:
    assert run("search", "flower") == 0
    assert run.out == f"{photo_ids[1]}\tb.jpg\tflower\tflower\n"
    (line,) = run.lines("search", "-class:flower landmark")
    assert (line["id"], line["name"], line["class"]) == (photo_ids[0], "a.jpg", "landmark")
    assert ("landmark", "camera") in {(tag["label"], tag["head"]) for tag in line["tags"]}
    assert [photo["id"] for photo in run.json("search", "", "--limit", "1")] == photo_ids[:1]
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
    photo_ids: list[str],
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
                "UPDATE photos SET added_at = ?, auto_taken_at = ? WHERE name = ?",
                (f"2026-01-01T00:00:0{second}", taken_at, name),
            )
    assert [photo["name"] for photo in run.lines("search", "", f"--sort={sort}")] == names


def test_sorted_by_score(run: Command, photo_ids: list[str]) -> None:
    scores = [photo["class_score"] for photo in run.lines("search", "", "--sort=score")]
    assert scores == sorted(scores)


def test_export(run: Command, photo_ids: list[str], tmp_path: Path, library: Path) -> None:
    assert run("export") == 0
    rows = list(csv.DictReader(io.StringIO(run.out)))
    assert {row["Name"] for row in rows} == {"a.jpg", "b.jpg"}
    assert run("export", "flower", "--csv", "-") == 0
    assert len(run.out.splitlines()) == 2
    assert run("export", "--csv", tmp_path / "all.csv") == 0
    assert "2 photos written" in run.out
    assert (tmp_path / "all.csv").read_bytes().count(b"\r\n") == 3
    assert run("export", "--people") == 0
    assert run.out.startswith("Name,Class,Group,Confidence,Tags,Taken")
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
    assert run.json("export", "flower", "--zip", tmp_path / "b.zip") == {
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
        opened.original_path(photo_ids[0]).unlink()
    assert run("export", "--zip", tmp_path / "less.zip") == 3
    assert f"{photo_ids[0]}\toriginal_missing" in run.err


def test_groups_in_search_and_export(
    run: Command, photo_ids: list[str], tmp_path: Path, library: Path, flower: bytes
) -> None:
    with Library(library) as opened:
        edits.set_class(opened, [content_hash(flower)], "sea")
    for photo in run.json("search", "class:sea"):
        assert (photo["class"], photo["group"], photo["guess"]) == ("sea", "water", None)
        assert not {"auto_group", "auto_group_score", "guess_score", "photo_class"} & set(photo)
    assert run("export", "group:water", "--zip", tmp_path / "a.zip", "--by", "group") == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert set(archive.namelist()) == {"manifest.csv", "water/b.jpg"}
    (row,) = csv.DictReader(io.StringIO(archive_text(tmp_path / "a.zip", "manifest.csv")))
    assert row["Group"] == "water"
    assert run("export", "--zip", tmp_path / "c.zip", "--by", "colour") == 2
    assert "class, group, tag, trip, day, head:scenes" in run.err
    assert not (tmp_path / "c.zip").exists()


def archive_text(file: Path, name: str) -> str:
    with zipfile.ZipFile(file) as archive:
        return archive.read(name).decode()


def test_stats(run: Command, photo_ids: list[str], library: Path) -> None:
    with Library(library) as opened:
        edits.set_class(opened, photo_ids[:1], "holiday")
        edits.move_to_trash(opened, photo_ids[1:])
    stats = run.json("stats")
    assert stats["library"] == str(library)
    assert (stats["photos"], stats["trash"], stats["edited"], stats["unsure"]) == (1, 1, 1, 0)
    assert stats["by_class"] == {"holiday": 1}
    assert list(stats["by_group"].values()) == [1]
    assert list(stats["bundles"].values()) == [1]
    originals = sum(path.stat().st_size for path in (library / "originals").rglob("*.jpg"))
    assert stats["bytes"]["originals"] == originals
    assert stats["bytes"]["database"] > 0
    assert run("stats") == 0
    assert "Photos     1, 0 unsure, 1 edited" in run.out
    assert "holiday\t1" in run.out


def test_verify(run: Command, photo_ids: list[str], library: Path) -> None:
    assert run("verify") == 0
    assert run.out == "2 photos checked; no problems.\n"
    assert run.json("verify") == {"photos": 2, "clean": True, "problems": []}
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
    assert "1 problem, 1 left" in run.out


def test_an_embedding_of_another_model_is_not_repaired(
    run: Command,
    photo_ids: list[str],
    library: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    next((library / "embeddings").glob("*.f16")).unlink()
    monkeypatch.setenv("SCENE_BUNDLE", str(own_head(tmp_path / "models")))
    assert run("verify", "--repair") == 3
    assert "`library reclassify` repairs it" in run.out
    monkeypatch.setenv("SCENE_BUNDLE", str(tmp_path))
    assert run("verify", "--repair") == 3, "without a model too"
    monkeypatch.delenv("SCENE_BUNDLE")
    assert run("verify", "--repair") == 0


def test_reclassify(
    run: Command,
    photo_ids: list[str],
    library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("reclassify") == 0
    assert "All photos are tagged by the model in use" in run.out
    with Library(library) as opened:
        edits.set_class(opened, photo_ids[:1], "holiday")
    monkeypatch.setenv("SCENE_BUNDLE", str(own_head(tmp_path / "models")))
    assert run("reclassify", "--dry-run") == 0
    assert "2 photos were tagged by another model" in run.out
    assert "2 of 2 would change: 1 their class, 2 their tags" in run.out
    assert "tagged again" not in run.out
    assert {photo["class"] for photo in run.lines("search", "")} == {"holiday", "flower"}
    preview = run.json("reclassify", "--dry-run")
    assert preview["forecast"]["changed"] == 2
    assert preview["done"] == 0
    assert run("reclassify") == 0
    assert "2 photos tagged again" in run.out
    assert {photo["class"] for photo in run.lines("search", "")} == {"holiday", "zermatt"}
    with Library(library) as opened:
        opened.original_path(photo_ids[0]).unlink()
    monkeypatch.setenv("SCENE_BUNDLE", str(other_network(tmp_path / "others")))
    assert run("reclassify", "--dry-run") == 0
    assert "2 have embeddings of another network" in run.out
    assert run("reclassify", "--json") == 3
    report = json.loads(run.out)
    assert report["done"] == 1
    assert [(item["name"], item["code"]) for item in report["failed"]] == [
        ("a.jpg", "original_missing")
    ]
    assert run("reclassify") == 3
    assert "a.jpg\toriginal_missing" in run.out


def test_backup_and_restore(
    run: Command, photo_ids: list[str], library: Path, tmp_path: Path
) -> None:
    file = tmp_path / "b.zip"
    report = run.json("backup", file)
    assert report["file"] == str(file)
    assert (report["photos"], report["missing"], report["changed"]) == (2, [], [])
    assert report["bytes"] == file.stat().st_size
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
    assert run.json("stats", "--library", back)["photos"] == 2
    file.write_bytes(file.read_bytes()[:5000])
    assert run("restore", file, "--library", tmp_path / "other") == 1
    assert "damaged or truncated" in run.err
    assert run("restore", tmp_path / "none.zip", "--library", tmp_path / "other") == 2
    with Library(library) as opened:
        opened.original_path(photo_ids[0]).unlink()
        opened.original_path(photo_ids[1]).write_bytes(b"rotten")
    assert run("backup", tmp_path / "less.zip") == 3
    assert f"{photo_ids[0]}\toriginal_missing" in run.out
    assert f"{photo_ids[1]}\toriginal_changed" in run.out
    assert run("restore", tmp_path / "less.zip", "--library", tmp_path / "less") == 3


def test_backup_of_references(
    run: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", folder / "a.jpg", "--reference")
    assert run("backup", tmp_path / "noted.zip") == 0
    assert "1 original outside the library is not in the backup" in run.out
    assert run("backup", tmp_path / "all.zip", "--with-references") == 0
    (folder / "a.jpg").unlink()
    assert run("restore", tmp_path / "all.zip", "--library", tmp_path / "back") == 0
    assert run("verify", "--library", tmp_path / "back") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for children on Windows")
def test_interrupted_and_continued(
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
    ids = [json.loads(line)["id"] for line in (first + rest).splitlines()]
    with Library(library) as opened:
        added_ids = set(opened.find())
    assert set(ids) <= added_ids
    assert 1 <= len(added_ids) < 60
    assert run("verify") == 0
    lines = run.lines("add", many)
    assert len(lines) == 60
    assert {line["id"] for line in lines if line["known"]} == added_ids


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


def test_albums(run: Command, photo_ids: list[str], library: Path) -> None:
    with Library(library) as opened:
        album_id = create_album(opened, "Our trip", photo_ids[::-1])
    albums = run.json("albums")
    assert albums[0] == {"id": str(album_id), "name": "Our trip", "kind": "own", "count": 2}
    assert {"rules"} == {album["kind"] for album in albums[1:]}
    assert run.lines("albums") == albums
    assert run("albums") == 0
    assert run.out.splitlines()[0] == f"own\t{album_id}\tOur trip\t2"
    assert [photo["id"] for photo in run.json("search", "album:our_trip")] == photo_ids[::-1]
    assert run("search", "album:nowhere") == 2
    assert "Our trip" in run.err
