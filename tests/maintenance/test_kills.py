"""Killed processes lose nothing; `python -m benchmarks.kill_anywhere` kills them fifty times."""

import random
import sys
from pathlib import Path

import pytest

from benchmarks.kill_anywhere import SCENARIOS, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no such kill"),
]


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_lost(name: str, tmp_path: Path) -> None:
    assert run(name, tmp_path, count=12, kills=2, moments=random.Random(1)) == []  # noqa: S311
