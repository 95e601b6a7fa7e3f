"""Unusual source folders: pipes, link loops, damaged journals, full disks, unsafe names."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.errors import FileSkipped, FolderRefused, JournalDamaged, PathNotFound
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import journal_dir
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, Destination, Layout
from scene_model.export.sorting.plan import Kind, ScannedPhoto, make_plan
from scene_model.export.sorting.preparation import checked_folders
from scene_model.export.sorting.scan import Group, SkippedFile, Walk
from scene_model.export.sorting.transaction import resume_sort, sort_files, undo_sort
from scene_model.photos.hashes import file_content_hash
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

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


@posix
@pytest.mark.timeout(60)
def test_pipes_sockets_and_devices_are_named_and_never_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write(source / "a.jpg", b"photo")
    os.mkfifo(source / "a.xmp")
    os.mkfifo(source / "pipe.jpg")
    os.mkfifo(source / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(source / "socket.jpg"))
    walk = Walk(str(source))
    items = list(walk)
    skipped = {Path(item.path).name: item.error for item in items if isinstance(item, SkippedFile)}
    assert set(skipped) == {"pipe.jpg", "socket.jpg"}
    assert "pipe or a device" in skipped["pipe.jpg"].message
    (group,) = [item for item in items if isinstance(item, Group)]
    assert (group.photo.name, group.companions) == ("a.jpg", ())
    assert walk.ignored == 2


@posix
def test_link_loops_and_hard_links(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 6)
    (source / "round").symlink_to(source)
    (source / "self.jpg").symlink_to("self.jpg")
    os.link(source / "IMG_0004.JPG", source / "c" / "again.jpg")
    os.link(source / "IMG_0004.JPG", source / "c" / "IMG_0004.JPG")
    before = snapshot(source)
    assert failed(sort_all(source, dest, Kind.MOVE)) == {}
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source) == before


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("inner", ["dest in source", "source in dest", "by a link", "the same"])
def test_one_folder_in_the_other(tmp_path: Path, kind: Kind, inner: str) -> None:
    source = tmp_path / "outer" / "source"
    make_source(source, 12)
    dest = {"source in dest": tmp_path / "outer", "the same": source}.get(inner, source / "sorted")
    if inner == "by a link":
        (tmp_path / "link").symlink_to(source)
    start = tmp_path / "link" if inner == "by a link" else source
    before, hashes = snapshot(source), content(source)

    def sort() -> list[str]:
        root, target = checked_folders(start, dest)
        out = {str(target)} if target != root.resolve() else set()
        walk = Walk(str(root), out)
        photos = [scanned_photo(item) for item in walk if isinstance(item, Group)]
        plan = make_plan(photos, target, Layout(DEFAULT_LAYOUT))
        assert failed(list(sort_files(plan, kind, walk.folders))) == {}
        return [step.target for step in plan.steps]

    assert sort()
    assert set(content(tmp_path / "outer")) == set(hashes)
    if inner in ("dest in source", "by a link"):
        assert sort() == [], "sorted files are not sorted again"
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source) == before


def scanned_photo(group: Group) -> ScannedPhoto:
    files = (group.photo, *group.companions)
    hashes = tuple(file_content_hash(Path(file.path)) for file in files)
    return ScannedPhoto(group, hashes, Destination("sea", "scenes", "nature", None, None))


def test_folders_that_are_refused(tmp_path: Path) -> None:
    source, library = tmp_path / "source", tmp_path / "library"
    make_source(source, 1)
    (tmp_path / "file").write_text("mine")
    (library / "originals" / "ab").mkdir(parents=True)
    (library / "library.db").write_bytes(b"")
    (tmp_path / "dangling").symlink_to(tmp_path / "file" / "nowhere")
    for dest in ("file", "file/in", "library", "library/originals/ab", "library/new", "dangling"):
        with pytest.raises(FolderRefused):
            checked_folders(source, tmp_path / dest)
    for wrong in ("nowhere", "file"):
        with pytest.raises(PathNotFound, match=wrong):
            checked_folders(tmp_path / wrong, tmp_path / "sorted")
    (tmp_path / "later").symlink_to(tmp_path / "made later")
    assert checked_folders(source, tmp_path / "later" / ".." / "x")[1] == tmp_path / "x"


class GrowingDisk(SortFileSystem):
    """Appends to one file just before its step."""

    def __init__(self, file: Path, at: str) -> None:
        self.file, self.at = file, at

    def before_step(self, step: str, path: Path | str) -> None:
        name = Path(path).name
        is_its_turn = name == self.file.name or name.endswith("-0.part")
        if step == self.at and is_its_turn and self.file.exists():
            with self.file.open("ab") as file:
                file.write(b" and more")


def test_a_file_that_grows_while_it_is_copied_stays(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 8, with_companions=False)
    plan = plan_of(source, dest)
    growing = Path(plan.steps[0].source)
    outcomes = list(sort_files(plan, Kind.COPY, file_system=GrowingDisk(growing, "copy")))
    assert failed(outcomes) == {growing.name: "changed_since"}
    assert growing.read_bytes().endswith(b" and more")
    assert not list(dest.rglob("*.part"))
    assert failed(list(undo_sort(dest))) == {}
    assert not dest.exists()
    assert growing.read_bytes().endswith(b" and more")


def test_a_file_that_grows_while_it_is_moved_is_reported_by_sort_and_undo(
    tmp_path: Path,
) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 8)
    plan = plan_of(source, dest)
    step = next(s for s in plan.steps if s.source.endswith("IMG_0005.JPG"))
    outcomes = list(
        sort_files(plan, Kind.MOVE, file_system=GrowingDisk(Path(step.source), "rename"))
    )
    assert failed(outcomes) == {"IMG_0005.JPG": "changed_since"}
    assert Path(step.target).read_bytes().endswith(b" and more")
    assert (Path(step.target).parent / "IMG_0005.XMP").exists(), "its sidecar was sorted"
    assert failed(list(resume_sort(dest))) == {"IMG_0005.JPG": "changed_since"}
    assert failed(list(undo_sort(dest))) == {"IMG_0005.JPG": "changed_since"}
    assert Path(step.target).read_bytes().endswith(b" and more"), "the file still exists"


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace('"sea/', '"../'),
        lambda line: line.replace('"sea/', '"/tmp/'),
        lambda line: line.replace('"folders": ["', '"folders": ["../'),
        lambda line: line[:-9],
        lambda line: "",
    ],
)
def test_a_journal_that_leads_out_of_its_folder_is_not_followed(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 20)
    sort_all(source, dest, Kind.MOVE)
    before = snapshot(source, dest)
    (journal,) = journal_dir(dest).glob("*.jsonl")
    lines = journal.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if change(line) != line)
    lines[at] = change(lines[at])
    journal.write_text("\n".join(lines) + "\n")
    for operation in (undo_sort, resume_sort):
        with pytest.raises(JournalDamaged, match="Nothing was touched"):
            list(operation(dest))
    assert snapshot(source, dest) == before


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    make_source(source, 2)
    sort_all(source, dest, Kind.COPY)
    (journal,) = journal_dir(dest).glob("*.jsonl")
    head, *rest = journal.read_text().splitlines()
    journal.write_text("\n".join([json.dumps(json.loads(head) | {"format": 9}), *rest]))
    with pytest.raises(JournalDamaged, match="another version"):
        list(undo_sort(dest))


@pytest.mark.slow
@posix
@pytest.mark.parametrize("kind", [Kind.COPY, Kind.MOVE])
def test_undo_on_a_full_disk(tmp_path: Path, kind: Kind) -> None:
    source = tmp_path / "source"
    make_source(source, 30)
    before = snapshot(source)
    with mounted(tmp_path / "small", "size=1m") as small:
        dest = small / "sorted"
        assert failed(sort_all(source, dest, kind)) == {}
        (small / "filler").touch()
        journal = next(journal_dir(dest).glob("*.jsonl"))
        with journal.open("ab") as file:  # fill the last page, so that no note fits
            file.write(b"\n" * (-journal.stat().st_size % 4096))
        _fill(small / "filler")
        with pytest.raises(OSError, match="No space"), journal.open("ab", buffering=0) as file:
            file.write(b"\n")
        assert failed(list(undo_sort(dest))) == {}
        assert [path.name for path in small.iterdir()] == ["filler"]
    assert snapshot(source) == before


def _fill(file: Path) -> None:
    """Use all free space."""
    with contextlib.suppress(OSError), file.open("r+b", buffering=0) as opened:
        while True:
            opened.write(bytes(4096))


@posix
@pytest.mark.parametrize("operation", [undo_sort, resume_sort])
def test_undo_and_resume_on_a_read_only_disk(
    tmp_path: Path, operation: Callable[[Path], object]
) -> None:
    source = tmp_path / "source"
    make_source(source, 6)
    with mounted(tmp_path / "small", "size=1m") as small:
        outcomes = sort_all(source, small / "sorted", Kind.MOVE)
        before = snapshot(small)
        subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)  # noqa: S607
        failures = list(operation(small / "sorted"))  # type: ignore[call-overload]
        assert len(failures) == len(outcomes)
        assert {o.error.code for o in failures} == {"target_read_only"}
        assert snapshot(small) == before
        subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)  # noqa: S607
        assert failed(list(undo_sort(small / "sorted"))) == {}
    assert len(list(files_below(source))) == len(outcomes)


def test_one_name_in_two_unicode_forms(tmp_path: Path) -> None:
    source, dest = tmp_path / "source", tmp_path / "sorted"
    names = [unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD")]
    for number, name in enumerate(names):
        (source / str(number)).mkdir(parents=True)
        write(source / str(number) / name, name.encode())
    before = snapshot(source)
    assert failed(sort_all(source, dest, Kind.MOVE, layout="all/{name}")) == {}
    folded_names = {
        unicodedata.normalize("NFC", path.name).casefold() for path in (dest / "all").iterdir()
    }
    assert folded_names == {"é.jpg", "é (2).jpg"}, "on macOS they would be one file"
    assert failed(list(undo_sort(dest))) == {}
    assert snapshot(source) == before


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("CON", "_CON"),
        ("aux.jpg", "_aux.jpg"),
        ("nul ", "_nul"),
        ("dots... ", "dots"),
        ("..", "photo"),
        ("a/b", "b"),
        ("a\\..\\b", "b"),
        ("sea\n\x1b[31m", "sea__[31m"),
        ("x:y|z", "x_y_z"),
    ],
)
def test_folders_can_be_made_on_every_system(label: str, folder: str) -> None:
    destination = Destination(label, "human", "others", None, label)
    assert Layout("{class}/{name}").target(destination, "a.jpg") == (folder, "a.jpg")
    assert Layout("{camera}/{name}").target(destination, "a.jpg") == (folder, "a.jpg")


@posix
def test_a_path_too_long_for_the_file_system(tmp_path: Path) -> None:
    source = tmp_path / "source"
    make_source(source, 4)
    before = snapshot(source)
    dest = tmp_path.joinpath(*["d" * 200] * 22)
    for outcome in sort_all(source, dest, Kind.MOVE):
        assert isinstance(outcome.error, FileSkipped)
        assert outcome.error.code == "name_too_long"
    assert snapshot(source) == before
    assert [path.name for path in tmp_path.iterdir()] == ["source"], "no partial result remains"
