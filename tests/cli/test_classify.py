"""The classify command: lines, order, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from tests.bundles import grouped, other_network, own_head
from tests.pictures import encode, textured
from tests.videos import video

KEYS = (
    "file label confidence unsure probabilities class class_source group tags places objects "
    "taken_at bundle error"
).split()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scene_model", *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


def classify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    code = main(["classify", *arguments, "--jsonl"])
    output = capsys.readouterr()
    return code, [json.loads(line) for line in output.out.splitlines()], output.err


@pytest.fixture
def folder(tmp_path: Path, temple: bytes, flower: bytes) -> Path:
    (tmp_path / "b.jpg").write_bytes(temple)
    (tmp_path / "a.JPG").write_bytes(flower)
    (tmp_path / "c.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "film.mpg").write_bytes(b"film")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "d.png").write_bytes(encode(textured(80, 60), "PNG"))
    return tmp_path


def test_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, errors = classify(capsys, str(folder))
    assert code == 3
    assert [Path(line["file"]).name for line in lines] == ["a.JPG", "b.jpg", "c.jpg"]
    assert all(list(line) == KEYS for line in lines)
    flower_line = lines[0]
    assert sum(flower_line["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert len(flower_line["probabilities"]) == 6
    assert flower_line["label"] == max(
        flower_line["probabilities"], key=flower_line["probabilities"].get
    )
    assert flower_line["confidence"] == flower_line["probabilities"][flower_line["label"]]
    assert (flower_line["class"], flower_line["class_source"], flower_line["unsure"]) == (
        "flower",
        "camera",
        True,
    )
    assert len(flower_line["objects"]) == 5
    assert flower_line["tags"][0]["label"] == "flower"
    assert flower_line["error"] is None
    assert lines[2]["error"]["code"] == "empty_file"
    assert lines[2]["label"] is None
    assert "2 files ignored" in errors


def test_a_video_has_the_fields_of_a_photo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = {"com.apple.quicktime.creationdate": "2024-07-15T14:03:22+0200"}
    (tmp_path / "a.MOV").write_bytes(video("MOV", tags=tags))
    (tmp_path / "b.webm").write_bytes(video("WEBM")[:500])
    code, (line, cut), _ = classify(capsys, str(tmp_path))
    assert code == 3
    assert list(line) == KEYS
    assert line["taken_at"] == "2024-07-15T14:03:22+02:00"
    assert sum(line["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    assert cut["error"]["code"] == "truncated_photo"


def test_recursive_and_another_head(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.jpg").unlink()
    code, lines, _ = classify(capsys, str(folder), "--recursive", "--head", "camera")
    assert code == 0
    assert [Path(line["file"]).name for line in lines] == ["a.JPG", "b.jpg", "d.png"]
    assert len(lines[0]["probabilities"]) == 36
    assert lines[0]["label"] == "flower"


def test_a_custom_model_predicts_with_its_own_head(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(own_head(tmp_path / "models")))
    _, (line,), _ = classify(capsys, str(folder / "a.JPG"))
    assert list(line["probabilities"]) == ["zermatt", "trastevere"]
    assert (line["label"], line["class"], line["class_source"]) == (
        "zermatt",
        "zermatt",
        "my_folders",
    )
    assert line["tags"][0]["label"] == "flower"
    assert len(line["objects"]) == 5
    _, (line,), _ = classify(capsys, str(folder / "a.JPG"), "--head", "scenes")
    assert len(line["probabilities"]) == 6
    assert line["class"] == "zermatt"


def test_a_model_with_one_head_has_neither_tags_nor_objects(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCENE_BUNDLE", str(other_network(tmp_path / "models")))
    _, (line,), _ = classify(capsys, str(folder / "a.JPG"))
    assert list(line) == KEYS
    assert (line["tags"], line["places"], line["objects"]) == ([], [], [])
    assert line["group"] is None
    assert (line["class"], line["class_source"], line["unsure"]) == ("unsure", "none", True)


@pytest.mark.parametrize(("confidence_threshold", "group"), [(0.4, "plants"), (1.0, "unsure")])
def test_a_model_with_groups_and_places(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    confidence_threshold: float,
    group: str,
) -> None:
    bundle = grouped(tmp_path / "models", confidence_threshold=confidence_threshold)
    monkeypatch.setenv("SCENE_BUNDLE", str(bundle))
    _, (line, failed), _ = classify(capsys, str(folder / "a.JPG"), str(folder / "c.jpg"))
    assert list(line) == list(failed) == KEYS
    assert line["group"] == group
    names = [place["label"] for place in line["places"]]
    assert names == [f"hall/{number}" for number in range(5)], "as their data set names them"
    scores = [place["score"] for place in line["places"]]
    assert scores == sorted(scores, reverse=True) and 0 < scores[4] < scores[0] < 1
    assert (failed["group"], failed["places"]) == (None, None)


def test_a_named_file_is_always_processed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "photo.dat").write_bytes((folder / "b.jpg").read_bytes())
    code, lines, _ = classify(
        capsys, str(folder / "photo.dat"), str(folder / "notes.txt"), str(folder / "film.mpg")
    )
    assert code == 3
    assert [line["error"] and line["error"]["code"] for line in lines] == [
        None,
        "not_a_picture",
        "not_a_picture",
    ]


def test_missing_paths(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, errors = classify(capsys, str(folder / "nowhere"))
    assert (code, lines) == (2, [])
    assert "nowhere" in errors
    code, lines, _ = classify(capsys, str(folder / "nowhere"), str(folder / "b.jpg"))
    assert code == 3
    assert lines[0]["error"]["code"] == "path_not_found"
    assert lines[1]["error"] is None


def test_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, errors = classify(capsys, str(tmp_path))
    assert (code, lines) == (0, [])
    assert "No pictures" in errors


@pytest.mark.parametrize(
    "arguments",
    [["--head", "moods", "."], ["--head", "", "."], ["--top", "0", "."], [], ["--nonsense", "."]],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", *arguments]) == 2
    assert capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="names are text on Windows")
def test_names_that_are_not_text(tmp_path: Path, temple: bytes) -> None:
    names = [b"bad\xff\xfe.jpg", b"line\nbreak.jpg", "🌊.jpg".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(temple)
    done = run("classify", str(tmp_path), "--jsonl")
    assert done.returncode == 0, done.stderr
    names_printed = [os.fsencode(json.loads(line)["file"]) for line in done.stdout.splitlines()]
    assert sorted(path.rpartition(b"/")[2] for path in names_printed) == sorted(names)
    table = run("classify", str(tmp_path))
    assert table.returncode == 0, table.stderr
    assert len(table.stdout.splitlines()) == 3


def test_text_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(folder / "b.jpg"), "--top", "2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.count("%") == 2


def test_settings_are_applied_and_validated(folder: Path) -> None:
    done = run("classify", str(folder / "b.jpg"), "--jsonl", SCENE_MAX_PIXELS="1000")
    assert json.loads(done.stdout)["error"]["code"] == "too_many_pixels"
    done = run("classify", str(folder / "b.jpg"), SCENE_MAX_PIXELS="many")
    assert done.returncode == 2
    assert "SCENE_MAX_PIXELS is 'many'" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("classify", str(folder / "b.jpg"), SCENE_MAXPIXELS="5")
    assert done.returncode == 0
    assert "Did you mean SCENE_MAX_PIXELS?" in done.stderr
    done = run("classify", str(folder / "b.jpg"), SCENE_BUNDLE=str(folder))
    assert done.returncode == 1
    assert "SCENE_BUNDLE" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for children on Windows")
def test_interrupted(tmp_path: Path, large_photo: bytes) -> None:
    for number in range(200):
        (tmp_path / f"{number:03d}.jpg").write_bytes(large_photo)
    running = subprocess.Popen(
        [sys.executable, "-m", "scene_model", "classify", str(tmp_path), "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    started = time.monotonic()
    rest, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert time.monotonic() - started < 30
    lines = (first + rest).splitlines()
    assert 1 <= len(lines) < 200
    assert all(json.loads(line)["label"] for line in lines)
    assert "Traceback" not in errors


def test_every_shared_photo_has_a_line(
    shared_photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = classify(capsys, str(shared_photos), "--recursive")
    assert code in (0, 3)
    assert len(lines) == sum(1 for path in shared_photos.rglob("*") if path.is_file())


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
def test_paths_without_a_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "z.jpg").symlink_to("b" * 300)
    code, lines, _ = classify(capsys, str(folder), str(folder / ("a" * 300)))
    assert code == 3
    assert [line["error"] and line["error"]["code"] for line in lines] == [
        None,
        None,
        "empty_file",
        "unreadable_file",
        "unreadable_file",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="names are text on Windows")
def test_a_name_with_control_characters_is_one_line(tmp_path: Path) -> None:
    for name in (b"x\n\x1b[31mEVIL.jpg", b"\xff.jpg"):
        os.mkfifo(os.fsencode(tmp_path) + b"/" + name)
    done = run("classify", str(tmp_path), PYTHONIOENCODING="ascii")
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 2
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["classify", ""], ["serve", "--port", "70000"], ["serve", "--port", "x"]]
)
def test_more_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err
