"""A crash at every step of a sort: nothing is lost, and undo restores everything."""

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.errors import NothingSorted, PathNotFound
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.transaction import resume_sort, undo_sort
from tests.export.sorting.faults import Crash, CrashingDisk
from tests.export.sorting.source_photos import content, failed, make_source, snapshot, sort_all

pytestmark = pytest.mark.slow

# Every file goes the same way; `benchmarks.kill_sort` ends real processes with more of them.
FILES = 8
OTHER_DISK = Path("/dev/shm")  # noqa: S108 - a file system of its own, where there is one


@pytest.fixture(params=["one disk", "two disks"])
def dest_parent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "one disk":
        yield tmp_path
        return
    if not OTHER_DISK.is_dir() or OTHER_DISK.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    with tempfile.TemporaryDirectory(dir=OTHER_DISK) as folder:
        yield Path(folder)


@pytest.mark.parametrize("kind", [Kind.MOVE, Kind.COPY, Kind.HARDLINK])
@pytest.mark.parametrize("command", ["resume", "undo"])
def test_at_every_step(
    tmp_path: Path,
    dest_parent: Path,
    kind: Kind,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if kind is Kind.HARDLINK and dest_parent != tmp_path:
        pytest.skip("no hard link leads to another disk")
    monkeypatch.setattr(os, "fsync", lambda _: None)
    template = tmp_path / "template"
    make_source(template, FILES)
    for at in itertools.count(1):
        source, dest = tmp_path / "source", dest_parent / "sorted" / "here"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(template, source)
        os.utime(dest_parent, ns=(10**18, 10**18 + 7))
        before, hashes = snapshot(source), content(source)
        file_system = CrashingDisk(at)
        try:
            outcomes = sort_all(source, dest, kind, file_system)
        except Crash:
            assert set(content(source, dest.parent)) == set(hashes)
        else:
            assert failed(outcomes) == {}
        if command == "resume":
            try:
                assert failed(list(resume_sort(dest))) == {}
            except (NothingSorted, PathNotFound):
                assert snapshot(source) == before, "the sort had not begun"
            else:
                assert_sorted(kind, hashes, source, dest)
        _undo_twice(dest, at)
        assert snapshot(source) == before
        assert content(source) == hashes
        leftovers = [p for p in dest.parent.rglob("*") if p.is_file() and p.suffix != ".part"]
        assert leftovers == []
        shutil.rmtree(dest.parent, ignore_errors=True)
        if not file_system.is_dead:
            break
    assert {"make folder", "note", "write", "flush"} <= set(file_system.names)
    assert len(file_system.names) > 2 * FILES


def assert_sorted(kind: Kind, hashes: object, source: Path, dest: Path) -> None:
    if kind is Kind.MOVE:
        assert content(source) == content()
    else:
        assert content(source) == hashes
    assert content(dest) == hashes


def _undo_twice(dest: Path, at: int) -> None:
    """Undo with a crash on the way, then undo again to the end."""
    with contextlib.suppress(Crash, NothingSorted, PathNotFound):
        list(undo_sort(dest, CrashingDisk(1 + at % 30)))
    with contextlib.suppress(NothingSorted, PathNotFound):
        assert failed(list(undo_sort(dest))) == {}
