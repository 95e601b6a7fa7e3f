"""What lies in or beside a library: another library is not touched, our leftovers are removed."""

import os
from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.library.store import Library
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.verify import verify
from scene_model.services import open_services


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("place", ["originals", "originals/ab", "thumbnails/cd/old"])
def test_repair_leaves_a_nested_library_in_place(tmp_path: Path, place: str) -> None:
    nested = tmp_path / "library" / place / "mine"
    with Library(tmp_path / "library") as library:
        Library(nested).close()
        (nested / "originals" / "photo.jpg").write_bytes(b"photo")
        stray = nested.parent / "stray.jpg"
        stray.write_bytes(b"stray")
        before = files_of(nested)
        problems = verify(library, repair=True, settle_s=0.0).problems
        assert files_of(nested) == before
        assert [problem.file for problem in problems] == [stray]


def leave_restore(folder: Path, age_s: float) -> Path:
    left = folder.with_name(f"{folder.name}.restoring-0123abcd")
    (left / "originals").mkdir(parents=True)
    (left / "originals" / "photo.jpg").write_bytes(b"photo")
    then = left.stat().st_mtime - age_s
    for path in (left / "originals", left):
        os.utime(path, (then, then))
    return left


def test_a_restore_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        file = write_backup(library, tmp_path / "b.zip").file
    left = leave_restore(tmp_path / "back", 7200)
    other = leave_restore(tmp_path / "another", 7200)
    restore_backup(file, tmp_path / "back")
    assert not left.exists()
    assert other.exists(), "that of another folder"


def test_opening_the_library_names_what_a_killed_restore_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have been killed between two renames: then this is the whole restored library."""
    left = leave_restore(tmp_path / "library", 7200)
    open_services(Settings(library=tmp_path / "library", workers=1)).close()
    assert str(left) in caplog.text
    assert (left / "originals" / "photo.jpg").read_bytes() == b"photo"


def test_a_restore_in_progress_is_left_alone(tmp_path: Path) -> None:
    with Library(tmp_path / "library") as library:
        file = write_backup(library, tmp_path / "b.zip").file
    left = leave_restore(tmp_path / "back", 60)
    restore_backup(file, tmp_path / "back")
    assert left.exists()
