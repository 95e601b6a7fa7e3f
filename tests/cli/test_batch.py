"""The command `batch`: its output, exit codes and interruption; other programs read the output."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.cli.main import main
from scene_model.config import PROJECT_DIR
from scene_model.scale.read_batch import open_manifest, read_rows
from tests.pictures import encode, textured

# Whole programs, and their decoders.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(encode(textured(64, 48, number)))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("notes")
    return folder


@pytest.fixture(scope="module")
def out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The output of one run over the folder."""
    out = tmp_path_factory.mktemp("batch") / "out"
    assert main(["batch", str(folder), str(out), "--concurrency", "1"]) == 3
    yield out


def test_result_and_exit_codes(folder: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", str(folder), str(out), "--json"]) == 3
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert {name: result[name] for name in ("done", "already_done", "rows", "ignored")} == {
        **{"done": 0, "already_done": 4, "rows": 4, "ignored": 1}
    }
    assert result["errors_by_code"] == {"not_a_picture": 1}
    assert "1 of 4 rows failed: 1 not_a_picture." in output.err
    assert main(["batch", str(folder), str(out)]) == 3
    assert "0 photos tagged; 4 were done before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "out"], "No such file or folder: missing."),
        ([".", "."], "both SOURCE and OUT"),
        ([".", "out", "--address", "host:1"], "needs `--engine ray`"),
        ([".", "https://host.test/out"], "cannot be written to"),
        (["ftp://host", "out"], "ftp:// cannot be read"),
        ([".", "out", "--concurrency", "100"], "the limit is 64"),
        (["s3://b/photos.tar.gz", "out"], "is packed"),
    ],
)
def test_wrong_usage(
    folder: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    assert main(["batch", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no signals for children on Windows")
@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_keeps_what_is_done(
    interruption: signal.Signals, tmp_path: Path, large_photo: bytes
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    (photos / "000.jpg").write_bytes(large_photo)
    for number in range(1, 200):
        (photos / f"{number:03d}.jpg").hardlink_to(photos / "000.jpg")
    running = subprocess.Popen(
        [sys.executable, "-m", "scene_model", "batch", str(photos), str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_DIR,
        env=os.environ | {"SCENE_WORKERS": "1"},
    )
    deadline = time.monotonic() + 60
    while not (out / "_manifest.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(2.0)  # some photos
    running.send_signal(interruption)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; finished work is kept" in errors
    assert "Traceback" not in errors
    rows = [row.record for row in read_rows(str(out))]
    assert 1 <= len(rows) < 200
    assert all(row["label"] for row in rows)
    assert open_manifest(str(out)).is_complete is False


@pytest.mark.parametrize("program", ["pandas", "DuckDB", "Polars"])
def test_lines_of_the_guide(
    program: str, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (PROJECT_DIR / "docs" / "batch.md").read_text()
    code = re.search(rf"With {program}:\n\n```python\n(.*?)```", guide, re.DOTALL)
    assert code is not None
    assert len(code[1].split("\n\n")[-1].splitlines()) <= 3
    monkeypatch.chdir(out.parent)
    exec(code[1], {})  # noqa: S102 - the guide's
    printed = capsys.readouterr().out
    label = next(row.record["label"] for row in read_rows(str(out)) if row.record["label"])
    assert label in printed
