"""A batch whose program is killed goes on: every picture once, none read again that was done."""

import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from scene_model.config import PROJECT_DIR
from scene_model.scale.read_batch import read_rows
from tests.s3_server import S3Server
from tests.scale.samples import Run

pytestmark = pytest.mark.slow
PHOTOS, PART_ROWS = 24, 3


@contextlib.contextmanager
def killed_run(source: str, out: Path, s3: S3Server) -> Iterator[None]:
    """Run a batch in another process, and kill that when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.scale.killed_run", source, str(out), str(PART_ROWS)],
        cwd=PROJECT_DIR,
        env=os.environ | s3.environment() | {"SCENE_WORKERS": "1"},
    )
    try:
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def done_files(out: Path) -> set[str]:
    """What is in whole parts, listed or not."""
    parts = sorted(out.glob("part-*.parquet"))
    return {file for part in parts for file in pd.read_parquet(part, columns=["file"])["file"]}


def assert_not_read(done: set[str], gets: Counter[str], s3: S3Server) -> None:
    keys = [file.removeprefix("s3://") for file in done]
    assert [s3.gets[key] for key in keys] == [gets[key] for key in keys]


def test_killed_three_times(
    s3: S3Server, tmp_path: Path, small_photos: list[bytes], run_batch: Run
) -> None:
    out = tmp_path / "out"
    for number in range(PHOTOS):
        s3.objects[f"b/photos/{number:02d}.jpg"] = small_photos[number % len(small_photos)]
    # The last one hangs, so that no run ends before it is killed.
    s3.hang_s = 60.0
    s3.faults_forever["b/photos/23.jpg"] = "hang"
    done: set[str] = set()
    gets, parts = s3.gets.copy(), 0
    moments: list[Callable[[], bool]] = [
        lambda: bool(list(out.glob("part-*"))),
        lambda: s3.gets.total() >= gets.total() + 2,
        lambda: len(list(out.glob("part-*"))) >= parts + 2,
    ]
    for moment in moments:
        with killed_run("s3://b/photos", out, s3):
            wait_for(moment)
        assert_not_read(done, gets, s3)
        assert done <= done_files(out)
        done, gets, parts = done_files(out), s3.gets.copy(), len(list(out.glob("part-*")))
    s3.faults_forever.clear()
    result = run_batch("s3://b/photos", out, part_rows=PART_ROWS)
    assert_not_read(done, gets, s3)
    assert (result.already_done, result.done) == (len(done), PHOTOS - len(done))
    table = pd.read_parquet(out, columns=["file", "error"])
    assert sorted(table["file"]) == [f"s3://b/photos/{number:02d}.jpg" for number in range(PHOTOS)]
    assert sorted(row.record["file"] for row in read_rows(str(out))) == sorted(table["file"])
    assert table["error"].isna().all()
    assert {path.suffix for path in out.iterdir()} == {".json", ".parquet"}
