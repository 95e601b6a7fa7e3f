"""A real server that may open few files, many hostile visitors, and one who works all the time."""

import subprocess
import sys
from pathlib import Path

import pytest

from scene_model.config import PROJECT_DIR

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="limits open files as Linux"
)


def test_an_honest_visitor_works_throughout() -> None:
    """`python -m benchmarks.hostile_visitors` sends 500 visitors and 300 sockets."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.hostile_visitors"),
            *("--visitors", "80", "--sockets", "80", "--refused", "200", "--files", "800"),
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "honest search" in done.stdout
