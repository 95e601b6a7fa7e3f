"""The command watch: output, exit codes, what stands in the way; and `library watched`."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from scene_model.ingest.watch.watched_folders import WatchedFolder, WatchedFolders
from scene_model.library.store import Library
from tests.pictures import encode, textured


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def arrivals(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.jpg").write_bytes(encode(textured(90, 90, seed=1)))
    (folder / "b.jpg.part").write_bytes(encode(textured(90, 90, seed=2)))
    return folder


def test_once_adds_what_is_there_and_lists_it(
    arrivals: Path, library: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["watch", str(arrivals), "--library", str(library), "--once"]
    assert main([*command, "--jsonl", "--reference"]) == 0
    (line,) = capfd.readouterr().out.splitlines()
    row = json.loads(line)
    assert (row["file"], row["known"], row["error"]) == (str(arrivals / "deep/a.jpg"), False, None)
    with Library(library) as opened:
        (record,) = opened.records(opened.find())
        assert (record.id, record.reference) == (row["id"], arrivals / "deep" / "a.jpg")
        # The command watches while it runs; a server is not to go on with it by itself.
        assert WatchedFolders(opened).all() == [WatchedFolder(arrivals, True, is_paused=True)]
    (arrivals / "bad.jpg").write_bytes(b"no picture")
    assert main(command) == 3
    output = capfd.readouterr()
    assert output.out.startswith(f"{arrivals / 'bad.jpg'}\tnot_a_picture: ")
    assert len(output.out.splitlines()) == 1
    assert "1 file failed." in output.err
    assert main(["library", "watched", "--library", str(library), "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)
    assert (row["path"], row["way"], row["status"]) == (str(arrivals), "reference", "paused")
    assert (row["photos"], row["watched"], row["pending"]) == (1, False, 0)
    assert [file["code"] for file in row["failed"]] == ["not_a_picture"]
    (arrivals / "deep" / "a.jpg").unlink()
    assert main(command) == 0
    assert f"{arrivals / 'deep' / 'a.jpg'}\toriginal_missing" in capfd.readouterr().err
    assert main(["library", "watched", "--library", str(library)]) == 0
    assert "1 photo, 0 pending, 1 failed" in capfd.readouterr().out


def test_wrong_folders_end_with_2_and_change_nothing(
    arrivals: Path, library: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for folders, reason in (
        ([tmp_path / "gone"], "does not exist"),
        ([arrivals, arrivals / "deep"], "is inside"),
        ([arrivals / "deep" / "a.jpg"], "is a file"),
    ):
        command = ["watch", *map(str, folders), "--library", str(library), "--once"]
        assert main(command) == 2
        assert reason in capfd.readouterr().err
        assert not library.exists()
    assert main(["watch", str(arrivals), "--interval", "soon"]) == 2
    assert main(["watch", str(arrivals), "--copy", "--reference"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for children on Windows")
def test_ctrl_c_ends_with_130_and_a_second_process_stays_away(
    arrivals: Path, library: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "scene_model", "watch", str(arrivals), "--library", str(library)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert running.stdout is not None
    with running:
        assert running.stdout.readline().startswith(str(arrivals / "deep" / "a.jpg"))
        assert main(["watch", str(arrivals), "--library", str(library), "--once"]) == 2
        assert "Another process watches" in capfd.readouterr().err
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    with Library(library) as opened:
        assert opened.count() == 1
