"""Each cause for which a library cannot be written or read has its own error."""

import contextlib
import errno
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection

from scene_model.classifier.classify import Classifier, Prediction
from scene_model.errors import (
    LibraryBusy,
    LibraryDamaged,
    LibraryFull,
    LibraryReadOnly,
    LibraryUnavailable,
)
from scene_model.library.database import connections as database
from scene_model.library.edits import add_tag
from scene_model.library.files.file_system import RESERVE_BYTES, FileSystem
from scene_model.library.records import NewPhoto
from scene_model.library.store import Library
from scene_model.services import Services

Add = Callable[[list[tuple[str, bytes]]], list[str]]
NOW = "2026-01-02T03:04:05+00:00"


class FailingFileSystem(FileSystem):
    """Raises an OSError before every step of one kind."""

    def __init__(self, step: str, number: int) -> None:
        self.step, self.number = step, number

    def before_step(self, step: str, path: Path) -> None:
        if step == self.step:
            raise OSError(self.number, os.strerror(self.number), str(path))


class SmallFileSystem(FileSystem):
    """Has a fixed number of free bytes."""

    def __init__(self, free: int) -> None:
        self.free = free

    def free_bytes(self, folder: Path) -> int:
        return self.free


@pytest.fixture
def prediction(classifier: Classifier, flower: bytes) -> Prediction:
    return classifier.predict(flower)


@pytest.mark.parametrize("step", ["write", "flush", "rename", "flush folder"])
@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, LibraryFull),
        (errno.EROFS, LibraryReadOnly),
        (errno.EACCES, LibraryReadOnly),
        (errno.EIO, LibraryUnavailable),
    ],
)
def test_a_step_that_fails(
    tmp_path: Path,
    classifier: Classifier,
    prediction: Prediction,
    flower: bytes,
    step: str,
    number: int,
    error: type[LibraryUnavailable],
) -> None:
    Library(tmp_path / "library").close()
    with Library(tmp_path / "library", FailingFileSystem(step, number)) as library:
        with pytest.raises(error) as raised:
            library.add(NewPhoto(flower, "a.jpg", NOW), prediction, classifier.provenance)
        assert type(raised.value) is error
        assert str(tmp_path) in raised.value.message
        assert library.count() == 0
        assert list(library.files.new_dir.iterdir()) == []


def test_space_is_checked_before_anything_is_written(
    tmp_path: Path, classifier: Classifier, prediction: Prediction, flower: bytes
) -> None:
    file_system = SmallFileSystem(len(flower) + RESERVE_BYTES)
    with Library(tmp_path / "library", file_system) as library:
        with pytest.raises(LibraryFull, match=r"0\.1 MB are to be written"):
            library.add(NewPhoto(flower, "a.jpg", NOW), prediction, classifier.provenance)
        assert list((library.folder / "originals").rglob("*")) == []
        file_system.free *= 2
        assert library.add(NewPhoto(flower, "a.jpg", NOW), prediction, classifier.provenance)


def test_a_reference_needs_no_space_for_the_original(
    tmp_path: Path, classifier: Classifier, prediction: Prediction, flower: bytes
) -> None:
    (tmp_path / "a.jpg").write_bytes(flower)
    with Library(tmp_path / "library", SmallFileSystem(10_000 + RESERVE_BYTES)) as library:
        photo = NewPhoto(flower, "a.jpg", NOW)
        library.add(photo, prediction, classifier.provenance, reference=tmp_path / "a.jpg")


def test_a_full_database(
    services: Services, add_photos: Add, flower: bytes, made_photos: list[tuple[str, bytes]]
) -> None:
    (photo_id,) = add_photos([("a.jpg", flower)])

    with services.library.database.writer.connect() as connection:
        connection.connection.cursor().execute("PRAGMA max_page_count = 1")
    with pytest.raises(LibraryFull, match=r"library\.db"):
        for number in range(2000):
            add_tag(services.library, [photo_id], f"{number} " + "x" * 40)
    before = services.library.photo(photo_id)
    assert services.library.photo(photo_id) == before


def test_a_full_disk_while_migrating_names_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    error = database.library_database_error(full.value, Path("library.db"), is_migrating=True)
    assert isinstance(error, LibraryFull)
    assert f"the temporary folder {tmp_path}: set" in error.message
    assert "TMPDIR" in error.message
    error = database.library_database_error(full.value, Path("library.db"))
    assert "temporary" not in error.message


def test_a_read_only_database(services: Services) -> None:
    with services.library.database.writer.connect() as connection:
        connection.connection.cursor().execute("PRAGMA query_only = 1")
    with pytest.raises(LibraryReadOnly, match=r"library\.db"):
        services.library.choose("bundle", "a")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="no permissions apply to this user"
)
def test_a_read_only_folder(tmp_path: Path) -> None:
    Library(tmp_path / "library").close()
    for path in (tmp_path / "library").iterdir():
        path.chmod(0o444 if path.is_file() else 0o555)
    (tmp_path / "library").chmod(0o555)
    with pytest.raises(LibraryReadOnly):
        Library(tmp_path / "library")


@pytest.mark.parametrize("part", [slice(0, 100), slice(4096, None)])
def test_a_damaged_database(
    services: Services, add_photos: Add, flower: bytes, part: slice
) -> None:
    add_photos([("a.jpg", flower)])
    services.close()
    file = services.library.folder / "library.db"
    data = bytearray(file.read_bytes())
    data[part] = b"\x5a" * len(data[part])
    file.write_bytes(data)
    with (
        pytest.raises(LibraryDamaged, match="backup"),
        Library(services.library.folder) as library,
    ):
        list(library.records(library.find()))


def test_another_writer_is_waited_for_and_then_reported(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 0.2)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    other = sqlite3.connect(services.library.folder / "library.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryBusy, match="Another program"):
        Library(services.library.folder)
    other.execute("COMMIT")
    other.close()
    with Library(services.library.folder) as library:
        library.choose("bundle", "a")


def test_a_short_lock_is_retried(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    execute, failed = Connection.exec_driver_sql, list[str]()

    def fail_three_times(self: Connection, statement: str, *arguments: object) -> object:
        if statement == "BEGIN IMMEDIATE" and len(failed) < 3:
            failed.append(statement)
            raise LibraryBusy("the database is locked")
        return execute(self, statement, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Connection, "exec_driver_sql", fail_three_times)
    services.library.choose("bundle", "a")
    assert services.library.choice("bundle") == "a"
    assert len(failed) == 3
