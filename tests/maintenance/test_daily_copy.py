"""The automatic copies of the database: one a day, checked, and no good one is lost."""

import contextlib
import datetime
import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import LibraryDamaged, LibraryFull
from scene_model.library import edits
from scene_model.library.files.file_system import FileSystem
from scene_model.library.store import Library
from scene_model.maintenance.daily_copy import (
    DailyCopies,
    copy_database,
    database_copies,
    is_copy_due,
)
from scene_model.maintenance.database_check import database_problems
from scene_model.services import Services, open_services

pytestmark = pytest.mark.slow

Add = Callable[[list[tuple[str, bytes]]], list[str]]
DAY = datetime.date(2026, 11, 1)


@pytest.fixture
def library(services: Services, add_photos: Add, made_photos: list[tuple[str, bytes]]) -> Library:
    add_photos(made_photos[:4])
    return services.library


def days(first: int, last: int) -> list[datetime.date]:
    return [DAY + datetime.timedelta(days=number) for number in range(first, last)]


def damage(library: Library) -> None:
    """Overwrite a page of the tags."""
    file = library.folder / "library.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'automatic_tags'"
        ).fetchone()
    with file.open("r+b") as database:
        database.seek((page - 1) * 4096)
        database.write(b"\xff" * 4096)


def test_seven_are_kept(library: Library) -> None:
    for day in days(0, 10):
        made = copy_database(library.folder, day, keep=7)
        assert made is not None
        assert made.name == f"library-{day}.db"
    copy = database_copies(library.folder)[0]
    names = [path.name for path in database_copies(library.folder)]
    assert names == [f"library-{day}.db" for day in reversed(days(3, 10))]
    assert len(names) == len(list(copy.parent.iterdir()))
    if os.name == "posix":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_a_copy_holds_everything(library: Library) -> None:
    edits.add_tag(library, library.find(), "Grandma")
    copy = copy_database(library.folder, DAY, keep=7)
    assert copy is not None
    assert database_problems(copy) == []
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM photos").fetchone() == (4,)
        assert connection.execute("SELECT count(*) FROM tag_decisions").fetchone() == (4,)
    assert not list(copy.parent.glob("*-wal"))


def test_a_damaged_database_drops_no_copy(library: Library) -> None:
    for day in days(0, 7):
        copy_database(library.folder, day, keep=7)
    before = {path: path.read_bytes() for path in database_copies(library.folder)}
    damage(library)
    with pytest.raises(LibraryDamaged, match="library rebuild"):
        copy_database(library.folder, DAY + datetime.timedelta(days=8), keep=7)
    assert {path: path.read_bytes() for path in (library.folder / "copies").iterdir()} == before


def test_a_full_disk_is_told(library: Library) -> None:
    class FullDisk(FileSystem):
        def free_bytes(self, folder: Path) -> int:
            return 1000

    with pytest.raises(LibraryFull):
        copy_database(library.folder, DAY, keep=7, file_system=FullDisk())
    assert database_copies(library.folder) == []


def test_it_is_due_once_a_day_and_only_when_the_library_was_written(library: Library) -> None:
    today, tomorrow = days(0, 2)
    assert is_copy_due(library.folder, today)
    copy = copy_database(library.folder, today, keep=7)
    assert copy is not None
    edits.add_tag(library, library.find(), "later")
    assert not is_copy_due(library.folder, today)
    assert is_copy_due(library.folder, tomorrow)
    os.utime(copy, (time.time() + 60, time.time() + 60))
    assert not is_copy_due(library.folder, tomorrow), "nothing was written since"


def test_writers_are_not_blocked_and_a_copy_is_of_one_moment(library: Library) -> None:
    """Every edit is on all photos, so a copy of two moments would show different numbers."""
    ids, stop, count = library.find(), threading.Event(), 0
    copies: list[Path | None] = []

    def copy_often() -> None:
        for day in days(0, 100):
            copies.append(copy_database(library.folder, day, keep=100))
            if len(copies) >= 5 and count > 5:
                break
        stop.set()

    thread = threading.Thread(target=copy_often)
    thread.start()
    while not stop.is_set():
        edits.add_tag(library, ids, f"tag {count}")
        count += 1
    thread.join()
    assert count > 5
    for copy in copies:
        assert copy is not None
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            numbers = connection.execute(
                "SELECT count(DISTINCT number) FROM (SELECT photo_id, count(*) AS number "
                "FROM tag_decisions GROUP BY photo_id)"
            ).fetchone()
        assert numbers[0] <= 1


def test_a_copy_that_is_given_up_leaves_nothing(library: Library) -> None:
    assert copy_database(library.folder, DAY, 7, is_stopped=lambda: True) is None
    assert list((library.folder / "copies").iterdir()) == []


def test_the_thread_of_the_server(library: Library) -> None:
    copies = DailyCopies(library.folder, keep=7)
    copies.start(first_s=0.0, interval_s=0.01)
    deadline = time.monotonic() + 60
    while not database_copies(library.folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    copies.close()
    assert len(database_copies(library.folder)) == 1


def test_the_thread_outlives_a_failure(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    damage(library)
    assert DailyCopies(library.folder, keep=7).copy_if_due() is None
    assert "is damaged" in caplog.text
    (library.folder / "library.db").unlink()
    (library.folder / "library.db").mkdir()
    assert DailyCopies(library.folder, keep=7).copy_if_due() is None


def test_none_are_made_where_none_are_kept(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path / "library", workers=1, database_copies=0)
    services = open_services(settings)
    services.copy_database()
    services.close()
    assert not (tmp_path / "library" / "copies").exists()
