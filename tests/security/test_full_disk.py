"""A full disk is reported as that, never as damage."""

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from scene_model.errors import BackupError, LibraryFull
from scene_model.library.database.connections import is_disk_full
from scene_model.library.files.file_system import new_file
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from tests.export.sorting.faults import mounted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot mount a folder")


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as opened:
        try:
            while True:
                opened.write(bytes(4096))
        except OSError:
            return


def test_opening_a_library_on_a_full_disk(tmp_path: Path) -> None:
    Library(tmp_path / "library").close()
    with mounted(tmp_path / "small", "size=1m") as small:
        (small / "library").mkdir()
        for name in ("originals", "thumbnails", "new", "incoming", "jobs", "embeddings"):
            (small / "library" / name).mkdir()
        database = (tmp_path / "library" / "library.db").read_bytes()
        (small / "library" / "library.db").write_bytes(database)
        fill(small / "filler")
        with pytest.raises(LibraryFull, match="[Ff]ree some space"):
            Library(small / "library")


def test_a_backup_to_a_full_disk(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library, mounted(tmp_path / "small", "size=64k") as small:
        fill(small / "filler")
        with pytest.raises(BackupError, match="Free some space") as refused:
            write_backup(library, small / "b.zip")
        assert "damaged" not in refused.value.message
        assert [path.name for path in small.iterdir()] == ["filler"]


def test_a_new_file_on_a_full_disk(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=64k") as small:
        with (
            pytest.raises(OSError, match="No space left"),
            new_file(small / "table.csv") as file,
        ):
            while True:
                file.write(bytes(1000))
        assert [*small.iterdir()] == []


def test_a_disk_that_an_encrypted_backup_fills(tmp_path: Path) -> None:
    with (
        Library(tmp_path / "library") as library,
        mounted(tmp_path / "small", "size=64k") as small,
    ):
        with pytest.raises(BackupError, match="No space left"):
            write_backup(library, small / "b.zip", passphrase=SecretStr("secret"))
        assert [*small.iterdir()] == []


def test_restoring_an_encrypted_backup_to_a_disk_that_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Library(tmp_path / "library") as library:
        write_backup(library, tmp_path / "b.zip", passphrase=SecretStr("secret"))
    with mounted(tmp_path / "small", "size=64k") as small:
        # Others fill the disk after the free space was counted.
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1 << 30))
        with pytest.raises(BackupError, match="No space left"):
            restore_backup(
                tmp_path / "b.zip", small / "back", ask_passphrase=lambda: SecretStr("secret")
            )
        assert [*small.iterdir()] == []


def test_an_error_of_the_disk_that_is_not_full(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    assert not is_disk_full(error, tmp_path)
    assert not is_disk_full(sqlite3.DatabaseError("malformed"), tmp_path)
