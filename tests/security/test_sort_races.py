"""A folder of SOURCE or DEST that becomes a link during a sort leads no operation outside."""

import contextlib
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scene_model.errors import JournalDamaged, NothingSorted, PathNotFound
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.transaction import Outcome, resume_sort, sort_files, undo_sort
from scene_model.library.files import held_folder
from tests.export.sorting.faults import Crash, CrashingDisk
from tests.export.sorting.source_photos import (
    content,
    failed,
    files_below,
    plan_of,
    snapshot,
    sort_all,
    write,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")

LAYOUT = "all/{taken:%Y}/{name}"
FILES = [f"{number}.jpg" for number in range(4)]
# The folder that is replaced; files are one level below, in the second one.
FOLDERS = {"source": ("in", "in/deep"), "dest": ("all", "all/2024")}
# Each step of these reaches files outside unless folders are held.
SWAPS = [(kind, side) for kind in Kind for side in FOLDERS if (kind, side) != (Kind.COPY, "source")]
UNDO_SWAPS = [(kind, side) for kind, side in SWAPS if kind is Kind.MOVE or side == "dest"]


class SwappingDisk(SortFileSystem):
    """Replaces a folder by a link right before a step: the n-th one at which it exists."""

    def __init__(self, at: int, folder: Path, outside: Path) -> None:
        self.at, self.folder, self.outside = at, folder, outside
        self.aside = outside.with_name("aside")
        self.passed, self.swapped_at = 0, ""

    def before_step(self, step: str, path: Path | str) -> None:
        if self.swapped_at or not self.folder.is_dir():
            return
        self.passed += 1
        if self.passed == self.at:
            self.folder.rename(self.aside)
            self.folder.symlink_to(self.outside)
            self.swapped_at = step

    def put_back(self) -> None:
        if self.swapped_at:
            self.folder.unlink()
            self.aside.rename(self.folder)


class Place:
    """SOURCE, DEST, and a folder outside that has half of their files, by name."""

    def __init__(self, root: Path, side: str) -> None:
        self.root, self.source, self.dest = root, root / "source", root / "sorted"
        self.outside = root / "outside"
        top, inner = FOLDERS[side]
        self.folder = (self.source if side == "source" else self.dest) / top
        (self.source / "in" / "deep").mkdir(parents=True)
        for number, name in enumerate(FILES):
            write(self.source / "in" / "deep" / name, f"photo {number}".encode(), number)
        inside = self.outside / Path(inner).name
        inside.mkdir(parents=True)
        for number, name in enumerate(FILES[::2]):
            write(inside / name, f"mine  {number}".encode(), number)
        (self.outside / "empty").mkdir()
        for path in (inside, self.outside):
            os.utime(path, ns=(10**18, 10**18))
        self.hashes = content(self.source)
        self.before = self.state()

    def state(self) -> object:
        """The files outside, and how many names each has."""
        links = {path: path.lstat().st_nlink for path in self.outside.rglob("*")}
        return snapshot(self.outside), links

    def check(self) -> None:
        """Nothing outside is changed or linked, and no photo is lost."""
        assert self.state() == self.before
        assert set(content(self.root)) >= set(self.hashes)
        assert not set(content(self.dest)) & set(content(self.outside))


@pytest.fixture
def places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Iterator[Place]]]:
    """Yields a function that makes one new place after the other."""
    monkeypatch.setattr(os, "fsync", lambda _: None)

    def make(side: str) -> Iterator[Place]:
        for number in itertools.count():
            yield Place(tmp_path / str(number), side)
            shutil.rmtree(tmp_path / str(number))

    yield make


def swap_at_every_step(
    places: Iterator[Place],
    prepare: Callable[[Place], object],
    run: Callable[[Place, SortFileSystem], object],
) -> set[str]:
    """Run once for every step; returns the steps before which the folder was replaced."""
    steps: set[str] = set()
    for at, place in enumerate(places, 1):
        prepare(place)
        disk = SwappingDisk(at, place.folder, place.outside)
        run(place, disk)
        place.check()
        disk.put_back()
        with contextlib.suppress(NothingSorted, PathNotFound):
            assert failed(list(undo_sort(place.dest))) == {}
        assert content(place.source) == place.hashes
        if not disk.swapped_at:
            return steps
        steps.add(disk.swapped_at)
    raise AssertionError("places has no end")


Places = Callable[[str], Iterator[Place]]


@pytest.mark.parametrize(("kind", "side"), SWAPS)
def test_sort(places: Places, kind: Kind, side: str) -> None:
    def sort(place: Place, disk: SortFileSystem) -> None:
        sort_all(place.source, place.dest, kind, disk, LAYOUT)

    steps = swap_at_every_step(places(side), lambda _: None, sort)
    operation = {Kind.COPY: "copy", Kind.MOVE: "rename", Kind.HARDLINK: "link"}[kind]
    assert steps >= {operation, "make folder", "note"}


@pytest.mark.parametrize("crash_at", [9, 10, 12])
@pytest.mark.parametrize(("kind", "side"), SWAPS)
def test_resume(places: Places, kind: Kind, side: str, crash_at: int) -> None:
    def crash(place: Place) -> None:
        with contextlib.suppress(Crash):
            sort_all(place.source, place.dest, kind, CrashingDisk(crash_at), LAYOUT)

    def resume(place: Place, disk: SortFileSystem) -> None:
        list(resume_sort(place.dest, disk))

    assert swap_at_every_step(places(side), crash, resume) >= {"note"}


@pytest.mark.parametrize("has_folder", [True, False])
@pytest.mark.parametrize(("kind", "side"), UNDO_SWAPS)
def test_undo(places: Places, kind: Kind, side: str, has_folder: bool) -> None:
    def sort(place: Place) -> None:
        if has_folder:  # the sort then makes only the folder in it
            (place.dest / "all").mkdir(parents=True)
        sort_all(place.source, place.dest, kind, None, LAYOUT)

    def undo(place: Place, disk: SortFileSystem) -> None:
        list(undo_sort(place.dest, disk))

    steps = swap_at_every_step(places(side), sort, undo)
    assert steps >= {"rename" if kind is Kind.MOVE else "remove", "note", "drop folder"}


def refused(outcomes: list[Outcome]) -> list[str]:
    """The codes of the files that a link kept from being sorted."""
    return [o.error.code for o in outcomes if o.error and "symbolic link" in o.error.message]


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("has_handles", [True, False])
def test_only_files_in_a_replaced_source_folder_are_refused(
    tmp_path: Path, kind: Kind, has_handles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_folder, "HAS_HANDLES", has_handles)
    place = Place(tmp_path, "source")
    write(place.source / "other.jpg", b"other")
    plan = plan_of(place.source, place.dest, LAYOUT)
    place.folder.rename(tmp_path / "aside")
    place.folder.symlink_to(tmp_path / "aside")
    outcomes = list(sort_files(plan, kind, [str(place.source)]))
    assert refused(outcomes) == ["changed_since"] * len(FILES)
    assert [path.name for path in files_below(place.dest)] == ["other.jpg"]
    place.check()


@pytest.mark.parametrize("kind", [Kind.COPY, Kind.HARDLINK])
def test_undo_removes_no_copy_because_of_a_file_elsewhere(tmp_path: Path, kind: Kind) -> None:
    place = Place(tmp_path, "source")
    sort_all(place.source, place.dest, kind, None, LAYOUT)
    place.folder.rename(tmp_path / "aside")
    place.folder.symlink_to(tmp_path / "aside")
    assert set(failed(list(undo_sort(place.dest))).values()) == {"source_vanished"}
    assert content(place.dest) == place.hashes


def test_undo_makes_no_folders_elsewhere(tmp_path: Path) -> None:
    place = Place(tmp_path, "source")
    sort_all(place.source, place.dest, Kind.MOVE, None, LAYOUT)
    shutil.rmtree(place.source / "in")
    place.folder.symlink_to(place.outside / "empty")
    assert refused(list(undo_sort(place.dest))) == ["target_taken"] * len(FILES)
    place.check()
    place.folder.unlink()
    assert failed(list(undo_sort(place.dest))) == {}
    assert content(place.source) == place.hashes


@pytest.mark.parametrize("kind", list(Kind))
def test_systems_without_handles_sort_and_undo(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_folder, "HAS_HANDLES", False)
    place = Place(tmp_path, "dest")
    before = snapshot(place.source)
    assert failed(sort_all(place.source, place.dest, kind, None, LAYOUT)) == {}
    assert content(place.dest) == place.hashes
    place.folder.rename(tmp_path / "aside")
    place.folder.symlink_to(place.outside)
    assert refused(list(undo_sort(place.dest))) == ["target_taken"] * len(FILES)
    place.check()
    place.folder.unlink()
    (tmp_path / "aside").rename(place.folder)
    assert failed(list(undo_sort(place.dest))) == {}
    assert snapshot(place.source) == before


def test_the_link_to_a_journal_is_not_followed(tmp_path: Path) -> None:
    place = Place(tmp_path, "dest")
    sort_all(place.source, place.dest, Kind.COPY, None, LAYOUT)
    (journal,) = (place.dest / ".scene-sort").glob("*.jsonl")
    journal.rename(tmp_path / "elsewhere.jsonl")
    journal.symlink_to(tmp_path / "elsewhere.jsonl")
    before = (tmp_path / "elsewhere.jsonl").read_bytes()
    with pytest.raises(JournalDamaged):
        list(undo_sort(place.dest))
    assert (tmp_path / "elsewhere.jsonl").read_bytes() == before
    assert content(place.dest) == place.hashes
