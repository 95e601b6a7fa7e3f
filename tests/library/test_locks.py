"""The locks of an open library: nothing that this process does lets another remove its log.

SQLite holds POSIX locks, and POSIX releases all locks of a process on a file as soon as it closes
any handle on that file. Another process then takes itself for the last user of the database and
removes its write-ahead log, with what this process writes from then on.
"""

import datetime
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.config import PROJECT_DIR
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.daily_copy import copy_database
from scene_model.maintenance.database_check import database_problems, page_problems
from scene_model.maintenance.verify import verify

# Writes a setting, if one is named, and prints the names of all that are set.
OTHER = """
import sys
from pathlib import Path
from scene_model.library.store import Library
with Library(Path(sys.argv[1])) as library:
    if len(sys.argv) > 2:
        library.choose(sys.argv[2], "written")
    print(*(name for name in ("before", "other", "after") if library.choice(name)))
"""


def other_process(folder: Path, *names: str) -> list[str]:
    """Open a library in another process, write settings, close it; returns what it reads."""
    done = subprocess.run(
        [sys.executable, "-c", OTHER, str(folder), *names],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def open_again(library: Library) -> None:
    Library(library.folder).close()


def check_database(library: Library) -> None:
    assert database_problems(library.folder / "library.db") == []
    assert page_problems(library.folder / "library.db") == []


def copy_of_the_day(library: Library) -> None:
    assert copy_database(library.folder, datetime.date(2026, 11, 28), keep=1) is not None


def back_up(library: Library) -> None:
    write_backup(library, library.folder.parent / "backup.zip")


def check_everything(library: Library) -> None:
    assert verify(library).problems == ()


ACTIONS = [
    Library.require_ready,
    open_again,
    check_database,
    copy_of_the_day,
    back_up,
    check_everything,
]


@pytest.mark.slow
@pytest.mark.parametrize("act", ACTIONS)
def test_another_process_leaves_the_log(act: Callable[[Library], object], tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        library.choose("before", "written")
        act(library)
        assert other_process(library.folder, "other") == ["before", "other"]
        assert library.choice("other") == "written"
        library.choose("after", "written")
        assert other_process(library.folder) == ["before", "other", "after"]
    assert other_process(library.folder) == ["before", "other", "after"]
