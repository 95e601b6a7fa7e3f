"""Failures during a sort: every failed file is reported with its reason, and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scene_model.errors import SortRunning, SortUnfinished
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import journal_dir
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.transaction import resume_sort, sort_files, undo_sort
from scene_model.jobs.lock_file import acquire_lock
from tests.export.sorting.faults import mounted
from tests.export.sorting.source_photos import (
    content,
    failed,
    files_below,
    make_source,
    plan_of,
    snapshot,
    sort_all,
    write,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names or mounts")


@posix
@pytest.mark.parametrize("kind", [Kind.COPY, Kind.MOVE])
def test_a_full_disk(tmp_path: Path, kind: Kind) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(12):
        write(source / f"{number:02d}.jpg", os.urandom(100_000), number)
    before, hashes = snapshot(source), content(source)
    with mounted(tmp_path / "small", "size=600k") as small:
        outcomes = sort_all(source, small / "sorted", kind)
        assert len(outcomes) == 12
        assert 0 < len(failed(outcomes)) < 12
        assert set(failed(outcomes).values()) == {"target_full"}
        assert content(source, small) >= hashes
        assert not list(small.rglob("*.part"))
        subprocess.run(
            ["mount", "-o", "remount,size=4m", str(small)],  # noqa: S607
            check=True,
        )
        assert failed(list(resume_sort(small / "sorted"))) == {}
        assert content(small) == hashes
        assert failed(list(undo_sort(small / "sorted"))) == {}
        assert not any(small.iterdir())
    assert snapshot(source) == before


@posix
def test_no_space_for_the_journal(tmp_path: Path) -> None:
    source = tmp_path / "source"
    make_source(source, 12)
    before = snapshot(source)
    with mounted(tmp_path / "small", "size=8k,nr_inodes=100") as small:
        (small / "filler").write_bytes(b"x" * 8192)
        outcomes = sort_all(source, small / "sorted", Kind.MOVE)
        assert {o.error.code for o in outcomes if o.error} == {"target_full"}
        assert [path.name for path in small.iterdir()] == ["filler"]
    assert snapshot(source) == before


@posix
def test_a_read_only_target(tmp_path: Path) -> None:
    source = tmp_path / "source"
    make_source(source, 6)
    before = snapshot(source)
    with mounted(tmp_path / "read", "size=1m") as target:
        subprocess.run(["mount", "-o", "remount,ro", str(target)], check=True)  # noqa: S607
        outcomes = sort_all(source, target / "sorted", Kind.MOVE)
        assert len(outcomes) == len(list(files_below(source)))
        assert {o.error.code for o in outcomes if o.error} == {"target_read_only"}
    assert snapshot(source) == before


@posix
def test_a_read_only_source(tmp_path: Path) -> None:
    with mounted(tmp_path / "read", "size=1m") as source:
        make_source(source, 6)
        before = snapshot(source)
        subprocess.run(["mount", "-o", "remount,ro", str(source)], check=True)  # noqa: S607
        dest = tmp_path / "sorted"
        outcomes = sort_all(source, dest, Kind.MOVE)
        assert {o.error.code for o in outcomes if o.error} == {"target_read_only", "lead_stays"}
        assert not list(files_below(dest))
        assert snapshot(source) == before


class DenyingDisk(SortFileSystem):
    """Raises PermissionError for one file."""

    def before_step(self, step: str, path: Path | str) -> None:
        if step == "rename" and Path(path).name == "IMG_0007.JPG":
            raise PermissionError(13, "Permission denied", str(path))


def test_permission_denied_for_one_file(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 12)
    before = snapshot(source)
    outcomes = sort_all(source, dest, Kind.MOVE, DenyingDisk())
    assert failed(outcomes) == {
        "IMG_0007.JPG": "target_read_only",
        "IMG_0007.JPG.json": "lead_stays",
    }
    assert failed(list(resume_sort(dest))) == {}
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source) == before


@pytest.mark.parametrize("kind", list(Kind))
def test_vanished_and_changed_between_plan_and_execution(tmp_path: Path, kind: Kind) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 20)
    plan = plan_of(source, dest)
    gone, changed = (source / "IMG_0008.JPG", source / "a" / "IMG_0005.JPG")
    gone.unlink()
    changed.write_bytes(b"somebody's edit")
    occupied = next(step for step in plan.steps if step.source.endswith("IMG_0012.JPG"))
    Path(occupied.target).parent.mkdir(parents=True)
    Path(occupied.target).write_bytes(b"somebody else's")
    outcomes = list(sort_files(plan, kind))
    assert failed(outcomes) == {
        "IMG_0008.JPG": "source_vanished",
        "IMG_0005.JPG": "changed_since",
        "IMG_0005.XMP": "lead_stays",
        "IMG_0012.JPG": "target_taken",
    }
    assert changed.read_bytes() == b"somebody's edit"
    assert Path(occupied.target).read_bytes() == b"somebody else's"
    assert failed(list(undo_sort(dest))) == {}
    assert Path(occupied.target).read_bytes() == b"somebody else's"
    assert Path(occupied.source).exists()


@posix
@pytest.mark.parametrize("kind", list(Kind))
def test_unusual_names(tmp_path: Path, kind: Kind) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    long = b"x" * 251 + b".jpg"
    names = [
        b"line\nbreak.jpg",
        b"bad\xff\xfe.jpg",
        long,
        "🌊é.jpg".encode(),
        b"-rf.jpg",
        b"a b.JPG",
    ]
    for number, folder in enumerate((b"one", b"two\n\xff")):
        inner = os.fsencode(source) + b"/" + folder
        Path(os.fsdecode(inner)).mkdir(parents=True)
        for name in names:
            write(Path(os.fsdecode(inner + b"/" + name)), name + b"%d" % number, number)
    before, hashes = snapshot(source), content(source)
    assert failed(sort_all(source, dest, kind)) == {}
    assert content(dest) == hashes
    sorted_names = {os.fsencode(path.name) for path in files_below(dest)}
    assert set(names) <= sorted_names
    assert b"bad\xff\xfe (2).jpg" in sorted_names
    assert b"x" * 247 + b" (2).jpg" in sorted_names
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source) == before


def test_names_that_differ_only_in_case(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    for number, name in enumerate(("IMG.jpg", "img.JPG", "Img.Jpg")):
        (source / str(number)).mkdir(parents=True)
        write(source / str(number) / name, name.encode())
    sort_all(source, dest, Kind.COPY, layout="all/{name}")
    assert sorted(path.name for path in (dest / "all").iterdir()) == [
        "IMG.jpg",
        "Img (3).Jpg",
        "img (2).JPG",
    ]


@posix
def test_links_are_not_followed(tmp_path: Path) -> None:
    source, dest, elsewhere = tmp_path / "source", tmp_path / "sorted", tmp_path / "elsewhere"
    make_source(source, 4, with_companions=False)
    elsewhere.mkdir()
    write(elsewhere / "mine.jpg", b"mine")
    (source / "loop").symlink_to(source)
    (source / "out").symlink_to(elsewhere)
    (source / "link.jpg").symlink_to(elsewhere / "mine.jpg")
    for label in ("sea", "forest", "cat", "unsure"):
        dest.mkdir(exist_ok=True)
        (dest / label).symlink_to(elsewhere)
    plan = plan_of(source, dest)
    assert plan.steps == []
    assert {file.error.code for file in plan.untouched if file.error} == {"target_taken"}
    assert len(plan.untouched) == 4
    assert [path.name for path in elsewhere.iterdir()] == ["mine.jpg"]


def test_undo_leaves_a_changed_file_in_place_and_reports_it(tmp_path: Path) -> None:
    for kind in Kind:
        source, dest = tmp_path / kind / "source", tmp_path / kind / "sorted"
        make_source(source, 9, with_companions=False)
        sort_all(source, dest, kind)
        edited = next(path for path in files_below(dest) if path.name == "IMG_0006.JPG")
        edited.unlink()
        edited.write_bytes(b"hours of work")
        outcomes = list(undo_sort(dest))
        assert failed(outcomes) == {"IMG_0006.JPG": "changed_since"}
        assert edited.read_bytes() == b"hours of work"
        assert [o.error.message for o in outcomes if o.error][0].startswith(str(edited))
        assert len(list(files_below(source))) == (8 if kind is Kind.MOVE else 9)
        # The undo is settled: a new sort is allowed, and the failed file can be undone again.
        edited.rename(tmp_path / kind / "kept.jpg")
        if kind is not Kind.MOVE:
            assert failed(list(undo_sort(dest))) == {}
            assert not dest.exists()


@pytest.mark.parametrize("kind", [Kind.COPY, Kind.HARDLINK])
def test_undo_keeps_the_last_copy(tmp_path: Path, kind: Kind) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 5, with_companions=False)
    sort_all(source, dest, kind)
    (source / "IMG_0004.JPG").unlink()
    outcomes = list(undo_sort(dest))
    assert failed(outcomes) == {"IMG_0004.JPG": "source_vanished"}
    assert [path.name for path in files_below(dest)] == ["IMG_0004.JPG"]


def test_undo_does_not_overwrite_a_new_file(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 5, with_companions=False)
    sort_all(source, dest, Kind.MOVE)
    (source / "IMG_0004.JPG").write_bytes(b"newcomer")
    assert failed(list(undo_sort(dest))) == {"IMG_0004.JPG": "target_taken"}
    assert (source / "IMG_0004.JPG").read_bytes() == b"newcomer"
    assert len(list(files_below(dest))) == 1


def test_two_sorts_into_one_folder(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 5)
    running = sort_files(plan_of(source, dest), Kind.COPY)
    next(running)
    for operation in (sort_files(plan_of(source, dest / "."), Kind.MOVE), undo_sort(dest)):
        with pytest.raises(SortRunning, match=str(dest)):
            list(operation)
    running.close()  # as an interruption does
    with pytest.raises(SortUnfinished, match="resume"):
        list(sort_files(plan_of(source, dest), Kind.COPY))
    assert failed(list(resume_sort(dest))) == {}
    lock = acquire_lock(journal_dir(dest))
    assert lock is not None
    lock.release()


def test_sorting_again_skips_existing_files_and_each_undo_reverts_one_sort(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 10)
    sort_all(source, dest, Kind.COPY)
    first = snapshot(dest)
    plan = plan_of(source, dest)
    assert plan.steps == []
    assert {file.reason[:11] for file in plan.untouched} == {"same conten"}
    write(source / "new.jpg", b"new")
    sort_all(source, dest, Kind.COPY)
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(dest) == first
    list(undo_sort(dest))
    assert not dest.exists()


def test_source_as_destination(tmp_path: Path) -> None:
    source = tmp_path / "source"
    make_source(source, 10)
    before, hashes = snapshot(source), content(source)
    assert failed(sort_all(source, source, Kind.MOVE)) == {}
    assert content(source) == hashes
    assert plan_of(source, source).steps == []
    assert failed(list(undo_sort(source))) == {}
    assert snapshot(source) == before


def test_a_sorted_folder_can_be_moved_before_undo(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 10)
    before = snapshot(source)
    sort_all(source, dest, Kind.MOVE)
    dest.rename(tmp_path / "mounted elsewhere")
    assert failed(list(undo_sort(tmp_path / "mounted elsewhere"))) == {}
    assert snapshot(source) == before
