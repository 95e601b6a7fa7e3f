"""A sort, and what else writes beside a target, overwrites and removes only its own files."""

import contextlib
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from scene_model.errors import FolderRefused, NothingSorted
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import journal_dir
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.transaction import resume_sort, sort_files, undo_sort
from scene_model.jobs.lock_file import acquire_lock
from scene_model.library.files.file_system import FileSystem, new_file
from tests.export.sorting.faults import Crash, CrashingDisk
from tests.export.sorting.source_photos import (
    content,
    failed,
    make_source,
    plan_of,
    snapshot,
    sort_all,
    write,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
OLD_PARTS = [f".scene-sort-{number}.part" for number in range(8)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    make_source(folder, 6, with_companions=False)
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    file = tmp_path / "outside.txt"
    file.write_text("not to be touched")
    return file


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    folder = tmp_path / "sorted"
    for label in ("sea", "forest", "cat", "unsure"):
        (folder / label).mkdir(parents=True)
    return folder


@posix
def test_a_link_with_the_name_of_an_unfinished_copy_is_not_followed(
    source: Path, dest: Path, outside: Path
) -> None:
    for name in OLD_PARTS:
        for folder in dest.iterdir():
            (folder / name).symlink_to(outside)
    assert failed(sort_all(source, dest, Kind.COPY)) == {}
    assert outside.read_text() == "not to be touched"
    assert failed(list(undo_sort(dest))) == {}
    assert outside.read_text() == "not to be touched"
    assert sum(path.is_symlink() for path in dest.rglob("*")) == 4 * len(OLD_PARTS)


def test_files_with_the_names_of_unfinished_copies_stay(source: Path, dest: Path) -> None:
    for name in OLD_PARTS:
        for folder in (*dest.iterdir(), source, source / "a", source / "a" / "b", source / "c"):
            (folder / name).write_text("mine")
    before = snapshot(source, dest)
    assert failed(sort_all(source, dest, Kind.COPY)) == {}
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source, dest) == before


class PlantingDisk(SortFileSystem):
    """Puts a link in the place of an unfinished copy just before it is created."""

    def __init__(self, outside: Path) -> None:
        self.outside = outside

    def before_step(self, step: str, path: Path | str) -> None:
        if step == "copy":
            Path(path).symlink_to(self.outside)


@posix
def test_a_link_planted_at_the_last_moment_is_not_followed(
    source: Path, dest: Path, outside: Path
) -> None:
    outcomes = sort_all(source, dest, Kind.COPY, PlantingDisk(outside))
    assert set(failed(outcomes).values()) == {"target_taken"}
    assert outside.read_text() == "not to be touched"


@posix
@pytest.mark.parametrize("kind", list(Kind))
def test_a_class_folder_that_is_a_link_is_refused(
    tmp_path: Path, source: Path, dest: Path, kind: Kind
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    plan = plan_of(source, dest)
    label = Path(plan.steps[0].target).parent
    label.rmdir()
    label.symlink_to(elsewhere)
    outcomes = list(sort_files(plan, kind))
    in_link = [o for o in outcomes if Path(o.step.target).parent == label]
    assert {o.error.code for o in in_link if o.error} == {"target_taken"}
    assert "symbolic link" in str(in_link[0].error)
    assert all(o.error is None for o in outcomes if o not in in_link)
    assert not any(elsewhere.iterdir())
    assert all(Path(o.step.source).exists() for o in in_link)


@posix
def test_undo_does_not_follow_a_class_folder_that_became_a_link(
    tmp_path: Path, source: Path, dest: Path
) -> None:
    outcomes = sort_all(source, dest, Kind.COPY)
    label = Path(outcomes[0].step.target).parent
    elsewhere = tmp_path / "elsewhere"
    label.rename(elsewhere)
    label.symlink_to(elsewhere)
    before = snapshot(elsewhere)
    in_link = [o for o in outcomes if Path(o.step.target).parent == label]
    assert len(failed(list(undo_sort(dest)))) == len(in_link)
    assert snapshot(elsewhere) == before


@posix
@pytest.mark.parametrize("kind", [Kind.COPY, Kind.MOVE])
def test_a_link_to_dest_is_followed(tmp_path: Path, source: Path, kind: Kind) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    before, hashes = snapshot(source), content(source)
    assert failed(sort_all(source, tmp_path / "link", kind)) == {}
    assert content(tmp_path / "real") == hashes
    assert failed(list(undo_sort(tmp_path / "link"))) == {}
    assert snapshot(source) == before


class SwappingDisk(SortFileSystem):
    """Replaces a source by a link just before it is copied, with the same size and content."""

    def __init__(self, source: Path, outside: Path) -> None:
        self.source, self.outside = source, outside

    def before_step(self, step: str, path: Path | str) -> None:
        if step == "copy" and not self.source.is_symlink():
            self.source.rename(self.outside)
            self.source.symlink_to(self.outside)


@posix
def test_a_source_replaced_by_a_link_is_refused(tmp_path: Path, source: Path, dest: Path) -> None:
    plan = plan_of(source, dest)
    first = Path(plan.steps[0].source)
    disk = SwappingDisk(first, tmp_path / "secret.jpg")
    outcomes = list(sort_files(plan, Kind.COPY, file_system=disk))
    assert failed(outcomes[:1]) == {first.name: "changed_since"}
    assert not Path(plan.steps[0].target).exists()
    assert not list(dest.rglob("*.part"))


@posix
def test_links_in_the_place_of_our_own_files_are_refused(
    tmp_path: Path, source: Path, outside: Path
) -> None:
    for name, target in ((".scene-sort.lock", outside), (".scene-sort", tmp_path / "elsewhere")):
        dest = tmp_path / f"dest{name}"
        dest.mkdir()
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        (dest / name).symlink_to(target)
        with pytest.raises(FolderRefused, match="link"):
            sort_all(source, dest, Kind.COPY)
        assert outside.read_text() == "not to be touched"
        assert not any((tmp_path / "elsewhere").iterdir())


def test_a_lock_file_with_content_is_neither_emptied_nor_removed(tmp_path: Path) -> None:
    file = tmp_path / "folder.lock"
    file.write_text("mine")
    lock = acquire_lock(tmp_path / "folder")
    assert lock is not None
    lock.release()
    assert file.read_text() == "mine"


@posix
def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "folder.lock").symlink_to(outside)
    with pytest.raises(OSError, match="folder.lock"):
        acquire_lock(tmp_path / "folder")
    assert outside.read_text() == "not to be touched"


def make_old(dest: Path) -> None:
    """Turn the journal of a crashed sort into one of an earlier version, leftovers included."""
    (journal,) = journal_dir(dest).glob("*.jsonl")
    head, *lines = journal.read_text(encoding="utf-8").splitlines()
    header = json.loads(head)
    token = header.pop("token")
    journal.write_text("\n".join([json.dumps(header), *lines]) + "\n", encoding="utf-8")
    for part in dest.rglob(f".scene-sort-{token}-*.part"):
        part.rename(part.with_name(part.name.replace(f"-{token}", "")))


@pytest.mark.parametrize("command", ["resume", "undo"])
def test_a_journal_of_an_earlier_version(source: Path, dest: Path, command: str) -> None:
    before, hashes = snapshot(source), content(source)
    at = 1
    while not list(dest.rglob(".scene-sort-*-2.part")):  # until it crashes while it copies this one
        with contextlib.suppress(NothingSorted):
            list(undo_sort(dest))
        at += 1
        with pytest.raises(Crash):
            sort_all(source, dest, Kind.COPY, CrashingDisk(at))
    make_old(dest)
    (left,) = dest.rglob(".scene-sort-2.part")
    mine = left.with_name(".scene-sort-4.part")
    mine.write_text("mine, and no beginning of a photo")
    if command == "resume":
        assert failed(list(resume_sort(dest))) == {}
        assert content(dest) == hashes
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source) == before
    assert not left.exists(), "what the earlier version left is removed"
    assert mine.read_text() == "mine, and no beginning of a photo"


def test_a_file_beside_a_backup_stays(tmp_path: Path) -> None:
    (tmp_path / "b.zip.part").write_text("mine")
    with new_file(tmp_path / "b.zip") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"a")
    assert (tmp_path / "b.zip.part").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "b.zip.part"]


@posix
def test_a_new_file_of_the_library_follows_no_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "000000").symlink_to(outside)
    with pytest.raises(FileExistsError):
        FileSystem().write_flushed(tmp_path / "000000", b"data")
    assert outside.read_text() == "not to be touched"


@posix
def test_an_undo_keeps_the_last_copy_when_a_link_is_in_the_place_of_the_source(
    tmp_path: Path, dest: Path
) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    write(source / "a.jpg", b"photo")
    (outcome,) = sort_all(source, dest, Kind.COPY)
    target = Path(outcome.step.target)
    (source / "a.jpg").unlink()
    # A link whose text is as long as the file, and which leads to the copy itself.
    link = os.path.relpath(target, source)
    (source / "short").symlink_to(link)
    (source / "a.jpg").symlink_to("short")
    assert (source / "a.jpg").lstat().st_size == outcome.step.bytes
    assert failed(list(undo_sort(dest))) == {"a.jpg": "source_vanished"}
    assert target.read_bytes() == b"photo"
