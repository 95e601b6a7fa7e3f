"""A comparison ends with the process, and reports what went wrong."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scene_model.config import PROJECT_DIR
from scene_model.errors import InternalError
from scene_model.jobs import comparison_run
from scene_model.jobs.comparison_run import ComparisonRun, ComparisonTask
from scene_model.learning.compared_photos import PhotoToCompare

PHOTOS, BEFORE_THE_END = 600, 20
# The main thread ends when some photos are compared.
PROGRAM = """
import sys, threading, time
from types import SimpleNamespace
from scene_model.jobs import comparison_run

photos, before_the_end = map(int, sys.argv[1:])
begun = threading.Semaphore(0)

def compare(photo):
    begun.release()
    print("photo", flush=True)
    time.sleep(0.005)

comparison_run.Comparer = lambda *args: SimpleNamespace(compare=compare)
comparison_run.photos_per_s = lambda models: (1.0, 1.0)
task = comparison_run.ComparisonTask(
    "other", None, lambda: None, None, [None] * photos, by_head=False, workers=2
)
run = comparison_run.ComparisonRun(task)
for _ in range(before_the_end):
    begun.acquire()
"""


@pytest.mark.slow
def test_the_process_ends_before_the_last_photo() -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter and the program above
        [sys.executable, "-c", PROGRAM, str(PHOTOS), str(BEFORE_THE_END)],
        cwd=PROJECT_DIR,
        env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert BEFORE_THE_END <= done.stdout.count(b"photo") < PHOTOS / 2


def test_an_unforeseen_error_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(photo: PhotoToCompare) -> None:
        raise ZeroDivisionError(photo.name)

    monkeypatch.setattr(comparison_run, "Comparer", lambda *args: SimpleNamespace(compare=compare))
    monkeypatch.setattr(comparison_run, "photos_per_s", lambda models: (1.0, 1.0))
    nothing = cast(Any, None)
    photos = [PhotoToCompare(f"{number}.jpg", None, None, None) for number in range(3)]
    task = ComparisonTask("other", nothing, lambda: nothing, nothing, photos, False, 2)
    run = ComparisonRun(task)
    assert run.wait(30)
    assert isinstance(run.error, InternalError)
