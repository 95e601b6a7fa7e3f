"""Where TensorFlow is missing, the tests that need it are deselected and counted."""

import subprocess
import sys

import pytest

from scene_model.config import PROJECT_DIR

_WITHOUT = (
    "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; import pytest; "
    "sys.exit(pytest.main(sys.argv[1:]))"
)


@pytest.mark.slow
def test_they_are_deselected_by_their_marker() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c", _WITHOUT, "--collect-only", "-q", "-p", "no:cacheprovider"),
            *("tests/training/test_architectures.py", "tests/training/test_measures.py"),
        ],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_architectures" not in done.stdout
    assert "test_measures" in done.stdout
    assert "deselected" in done.stdout.splitlines()[-1]
