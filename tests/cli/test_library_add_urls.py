"""`library add` of photos at URLs and of a batch: copies, references, verify, backup, export."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.photos.hashes import content_hash
from tests.photo_server import PhotoServer, photo_server

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server(temple: bytes, flower: bytes) -> Iterator[PhotoServer]:
    with photo_server() as server:
        server.put("/p/temple.jpg", temple)
        server.put("/p/old%20town/flower.jpg", flower)
        yield server


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCENE_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("SCENE_WORKERS", "2")
    return tmp_path / "library"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["library", *map(str, arguments)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def originals(library: Path) -> list[Path]:
    return [path for path in (library / "originals").rglob("*") if path.is_file()]


def test_a_photo_at_a_url_is_copied_unless_referenced(
    run: Run, server: PhotoServer, library: Path, temple: bytes, flower: bytes
) -> None:
    temple_url = f"{server.base}/p/temple.jpg"
    flower_url = f"{server.base}/p/old%20town/flower.jpg"
    code, out, _ = run("add", temple_url, f"{server.base}/gone.jpg", "--jsonl")
    assert code == 3
    added, gone = lines(out)
    assert (added["file"], added["id"], added["known"]) == (
        temple_url,
        content_hash(temple),
        False,
    )
    assert (gone["id"], gone["error"]["code"]) == (None, "not_found")
    assert [path.read_bytes() for path in originals(library)] == [temple]
    code, out, _ = run("add", flower_url, "--reference", "--jsonl")
    assert (code, lines(out)[0]["known"]) == (0, False)
    assert len(originals(library)) == 1
    code, out, _ = run("search", "", "--sort", "name", "--jsonl")
    assert [(r["name"], r["reference"]) for r in lines(out)] == [
        ("flower.jpg", flower_url),
        ("temple.jpg", None),
    ]
    code, out, _ = run("add", flower_url, "--reference", "--jsonl")
    assert (code, lines(out)[0]["known"]) == (0, True)


def test_nothing_to_add_is_wrong_usage(run: Run) -> None:
    code, _, err = run("add")
    assert code == 2
    assert "--from-batch" in err


def test_a_library_of_references(run: Run, server: PhotoServer, tmp_path: Path) -> None:
    urls = [f"{server.base}/p/temple.jpg", f"{server.base}/p/old%20town/flower.jpg"]
    run("add", *urls, "--reference")
    before = len(server.gets)

    code, out, _ = run("verify", "--json")
    checked = json.loads(out)
    assert (code, checked["remote_unchecked"], checked["clean"]) == (0, 2, True)
    code, out, _ = run("verify")
    assert "2 originals at URLs not checked; --fetch checks them, too." in out

    backup = tmp_path / "backup.zip"
    code, out, _ = run("backup", backup, "--with-references", "--json")
    assert (code, json.loads(out)["references"]) == (0, 2)
    restored = tmp_path / "restored"
    code, _, err = run("restore", backup, "--library", restored)
    assert code == 2
    assert server.base in err
    code, _, _ = run("restore", backup, "--library", restored, "--accept-references")
    assert code == 0
    assert len(server.gets) == before, "none of these fetches an original"

    code, out, err = run("sidecars")
    assert code == 3
    assert f"is at {urls[0]}, where no sidecar can be written" in out + err

    server.files["/p/temple.jpg"] += b"x"
    code, out, _ = run("verify", "--fetch", "--json", "--library", restored)
    assert code == 3
    (problem,) = json.loads(out)["problems"]
    assert problem["code"] == "original_changed"
    code, out, err = run("export", "--zip", tmp_path / "all.zip", "--json")
    assert (code, len(json.loads(out)["missing"])) == (3, 1)
    assert "original_changed: not in the ZIP" in err
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        missing = packed.read("missing.txt").decode()
        assert "temple.jpg: At http://127.0.0.1" in missing
        assert [name for name in packed.namelist() if name.endswith("flower.jpg")]


def test_visitors_cannot_add_urls(
    run: Run, server: PhotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCENE_MODE", "shared")
    code, _, err = run("add", f"{server.base}/p/temple.jpg")
    assert code == 1
    assert "cannot add photos from URLs" in err
    assert server.gets == []


def test_the_output_of_a_batch(
    run: Run, tmp_path: Path, temple: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "temple.jpg").write_bytes(temple)
    (photos / "empty.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert main(["batch", "photos", "out"]) == 3
    code, out, _ = run("add", "--from-batch", "out", "--jsonl")
    empty, added = lines(out)
    assert (code, empty["file"], empty["error"]["code"]) == (3, "photos/empty.jpg", "empty_file")
    assert (added["id"], added["known"], added["error"]) == (content_hash(temple), False, None)
    code, out, err = run("add", "--from-batch", "out")
    assert code == 3
    assert out.splitlines()[1].endswith("\tknown")
    assert "1 of 2 photos failed" in err
    code, out, _ = run("search", "", "--jsonl")
    assert [record["reference"] for record in lines(out)] == [str(photos / "temple.jpg")]


def test_a_batch_that_is_none(run: Run, tmp_path: Path) -> None:
    code, _, err = run("add", "--from-batch", tmp_path)
    assert code == 2
    assert "_manifest.json" in err
