"""A batch whose program is killed goes on: every picture once, none read again that was done."""

import contextlib
import os
import subprocess
import sys
import time
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


def test_killed_three_times(
    s3: S3Server, tmp_path: Path, small_photos: list[bytes], run_batch: Run
) -> None:
    out = tmp_path / "out"
    for number in range(PHOTOS):
        s3.objects[f"b/photos/{number:02d}.jpg"] = small_photos[number % len(small_photos)]
    # The last ones hang, so that no run ends before it is killed.
    s3.hang_s = 60.0
    s3.faults_forever["b/photos/23.jpg"] = "hang"
    moments: list[Callable[[], bool]] = [
        lambda: bool(list(out.glob("part-*"))),
        lambda: sum(s3.gets.values()) >= gets_before + 2,
        lambda: len(list(out.glob("part-*"))) >= parts_before + 2,
    ]
    done: set[str] = set()
    for moment in moments:
        gets_before, parts_before = sum(s3.gets.values()), len(list(out.glob("part-*")))
        gets = s3.gets.copy()
        with killed_run("s3://b/photos", out, s3):
            wait_for(moment)
        assert all(
            s3.gets[file.removeprefix("s3://")] == gets[file.removeprefix("s3://")] for file in done
        )
        assert done < (done := done_files(out)) or moment is moments[1]
    s3.faults_forever.clear()
    gets = s3.gets.copy()
    result = run_batch("s3://b/photos", out, part_rows=PART_ROWS)
    assert (result.already_done, result.done) == (len(done), PHOTOS - len(done))
    assert all(
        s3.gets[file.removeprefix("s3://")] == gets[file.removeprefix("s3://")] for file in done
    )
    table = pd.read_parquet(sorted(out.glob("*.parquet")), columns=["file", "error"])
    assert sorted(table["file"]) == [f"s3://b/photos/{n:02d}.jpg" for n in range(PHOTOS)]
    assert sorted(row.record["file"] for row in read_rows(str(out))) == sorted(table["file"])
    assert table["error"].isna().all()
    assert not list(out.glob("_new/*"))
