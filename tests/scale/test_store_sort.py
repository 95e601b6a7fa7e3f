"""Sorts to an object store: nothing is overwritten or lost, and undo restores everything."""

import contextlib
import errno
import itertools
import json
import os
import shutil
import socket
import tempfile
import time
from collections import Counter, deque
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_model.errors import (
    BatchError,
    FolderRefused,
    JournalDamaged,
    NothingSorted,
    SortRunning,
    SortUnfinished,
)
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.layout import DEFAULT_LAYOUT, Layout
from scene_model.export.sorting.plan import Kind, Plan, make_plan
from scene_model.export.sorting.scan import Walk
from scene_model.export.sorting.transaction import Outcome
from scene_model.photos.hashes import content_hash
from scene_model.scale.store_sort.store_sort import StoreSort
from tests.export.sorting.faults import Crash, CrashingDisk
from tests.export.sorting.source_photos import (
    content,
    failed,
    make_source,
    scan_below,
    snapshot,
    write,
)
from tests.s3_server import S3Server

DEST = "s3://bucket/sorted"
OWNER = "bucket/sorted/.scene-sort/_owner.json"
MOVE_AND_COPY = pytest.mark.parametrize("kind", [Kind.MOVE, Kind.COPY])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    make_source(tmp_path / "source", 6)
    return tmp_path / "source"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "journals"


def store_sort(copies: Path, file_system: SortFileSystem | None = None) -> StoreSort:
    workers = 1 if isinstance(file_system, CrashingDisk) else 3
    return StoreSort(DEST, copies, file_system, workers=workers)


def plan_for(store: StoreSort, source: Path) -> Plan:
    return make_plan(scan_below(source), DEST, Layout(DEFAULT_LAYOUT), existing=store.existing())


def sort_all(
    source: Path, copies: Path, kind: Kind, file_system: SortFileSystem | None = None
) -> list[Outcome]:
    walk = Walk(str(source))
    list(walk)
    store = store_sort(copies, file_system)
    return list(store.sort(plan_for(store, source), kind, walk.folders))


def undo(copies: Path, file_system: SortFileSystem | None = None) -> list[Outcome]:
    return list(store_sort(copies, file_system).undo())


def photos_in(s3: S3Server) -> dict[str, bytes]:
    """The objects of a store by their names below DEST, without those of the sort itself."""
    names = [key for key in s3.keys("bucket", "sorted/") if "/.scene-sort/" not in key]
    return {name.removeprefix("sorted/"): s3.objects[f"bucket/{name}"] for name in names}


def stored_content(s3: S3Server) -> Counter[str]:
    return Counter(content_hash(data) for data in photos_in(s3).values())


def a_target(s3: S3Server, suffix: str = ".JPG") -> str:
    """The name in the server of a photo that was sorted."""
    return next(f"bucket/sorted/{name}" for name in photos_in(s3) if name.endswith(suffix))


@MOVE_AND_COPY
def test_undo_restores_the_source_and_empties_the_store(
    kind: Kind, source: Path, copies: Path, s3: S3Server
) -> None:
    s3.objects["bucket/sorted/sea/mine.jpg"] = b"mine"
    before, hashes = snapshot(source), content(source)
    assert failed(sort_all(source, copies, kind)) == {}
    assert stored_content(s3) == hashes + Counter([content_hash(b"mine")])
    assert content(source) == (Counter() if kind is Kind.MOVE else hashes)
    assert {count for name, count in s3.puts.items() if "/.scene-sort/" not in name} == {1}
    assert failed(undo(copies)) == {}
    assert snapshot(source) == before
    assert s3.keys("bucket") == ["sorted/sea/mine.jpg"]
    assert list(copies.iterdir()) == []
    with pytest.raises(NothingSorted):
        undo(copies)


def test_a_second_sort_skips_the_same_content_and_numbers_other_content(
    source: Path, copies: Path, s3: S3Server
) -> None:
    sort_all(source, copies, Kind.COPY)
    write(source / "c" / "IMG_0003.JPG", b"edited since")
    plan = plan_for(store_sort(copies), source)
    assert [Path(step.target).name for step in plan.steps] == ["IMG_0003 (2).JPG"]
    assert {untouched.reason.partition(" s3")[0] for untouched in plan.untouched} == {
        "same content as"
    }
    assert failed(sort_all(source, copies, Kind.COPY)) == {}
    assert failed(undo(copies)) == {}
    # The first copy of the edited photo is the last of its content.
    assert failed(undo(copies)) == {"IMG_0003.JPG": "source_vanished"}
    assert list(photos_in(s3).values()) == [b"photo 3"]


@pytest.mark.slow
@MOVE_AND_COPY
@pytest.mark.parametrize("command", ["resume", "undo"])
def test_a_kill_at_every_step(
    kind: Kind,
    command: str,
    tmp_path: Path,
    copies: Path,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    template, source = tmp_path / "template", tmp_path / "source"
    make_source(template, 2)
    s3.objects["bucket/sorted/mine.jpg"] = b"mine"
    for at in itertools.count(1):
        shutil.copytree(template, source)
        before, hashes = snapshot(source), content(source)
        disk = CrashingDisk(at)
        with contextlib.suppress(Crash):
            assert failed(sort_all(source, copies, kind, disk)) == {}
        assert set(content(source) + stored_content(s3)) >= set(hashes)
        if command == "resume":
            try:
                assert failed(list(store_sort(copies).resume())) == {}
            except NothingSorted:
                assert snapshot(source) == before, "the sort had not begun"
            else:
                assert stored_content(s3) - Counter([content_hash(b"mine")]) == hashes
                assert content(source) == (Counter() if kind is Kind.MOVE else hashes)
        with contextlib.suppress(Crash, NothingSorted):
            undo(copies, CrashingDisk(1 + at % 25))
        assert set(content(source) + stored_content(s3)) >= set(hashes)
        with contextlib.suppress(NothingSorted):
            assert failed(undo(copies)) == {}
        assert content(source) == hashes
        assert _files(snapshot(source)) == _files(before)
        assert s3.keys("bucket") == ["sorted/mine.jpg"]
        assert not [path for path in source.rglob(".scene-sort*")]
        shutil.rmtree(source)
        if not disk.is_dead:
            break
    assert {"put", "read", "note", "journal"} <= set(disk.names)


def _files(states: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    """A kill in the middle of an undo leaves new times of folders until the undo is complete."""
    return {path: state for path, state in states.items() if state[0] is not None}


_FILES = st.dictionaries(
    st.tuples(
        st.sampled_from(["", "one/two"]),
        st.sampled_from(["a.jpg", "A.JPG", "a.xmp", "b.jpg", "b (2).jpg", "é #1%.png", "x\n.jpg"]),
    ),
    st.sampled_from([b"", b"red", b"green", b"a longer content than the others"]),
    min_size=1,
)


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=_FILES, kind=st.sampled_from([Kind.COPY, Kind.MOVE]))
def test_law_sort_then_undo_changes_nothing(
    files: dict[tuple[str, str], bytes], kind: Kind, s3: S3Server
) -> None:
    s3.objects = {"bucket/sorted/sea/a.jpg": b"mine", "bucket/sorted/cat/b.jpg": b"red"}
    others = dict(s3.objects)
    with tempfile.TemporaryDirectory() as folder:
        source, copies = Path(folder, "source"), Path(folder, "journals")
        for number, ((inner, name), data) in enumerate(files.items()):
            (source / inner).mkdir(parents=True, exist_ok=True)
            write(source / inner / name, data, number)
        before, hashes = snapshot(source), content(source)
        # Keys of objects have no line breaks: such a file stays.
        assert set(failed(sort_all(source, copies, kind)).values()) <= {"name_unusable"}
        assert set(content(source) + stored_content(s3)) >= set(hashes)
        assert others.items() <= s3.objects.items()
        with contextlib.suppress(NothingSorted):
            assert failed(undo(copies)) == {}
        assert snapshot(source) == before
        assert s3.objects == others


@pytest.mark.parametrize("ignores_conditions", [False, True])
@MOVE_AND_COPY
def test_no_object_is_overwritten(
    kind: Kind, ignores_conditions: bool, source: Path, copies: Path, s3: S3Server
) -> None:
    s3.ignores_conditions = ignores_conditions
    store = store_sort(copies)
    plan = plan_for(store, source)
    companion = next(step for step in plan.steps if step.lead != step.number)
    lead = plan.steps[companion.lead]
    taken = lead.target.removeprefix("s3://")
    s3.objects[taken] = b"written after the sort was planned"
    before = snapshot(source)
    codes = failed(list(store.sort(plan, kind, [str(source)])))
    assert set(codes.values()) == {"target_taken", "lead_stays"}
    assert Path(lead.source).exists()
    assert Path(companion.source).exists()
    assert failed(undo(copies)) == {}
    assert s3.objects == {taken: b"written after the sort was planned"}
    assert _files(snapshot(source)) == _files(before)


def test_a_write_whose_answer_is_lost_is_recognised(
    source: Path, copies: Path, s3: S3Server
) -> None:
    plan = plan_for(store_sort(copies), source)
    s3.put_faults[plan.steps[0].target.removeprefix("s3://")] = deque(["lost"])
    hashes = content(source)
    assert failed(sort_all(source, copies, Kind.MOVE)) == {}
    assert stored_content(s3) == hashes


def test_a_copy_that_differs_keeps_the_source(source: Path, copies: Path, s3: S3Server) -> None:
    step = plan_for(store_sort(copies), source).steps[-1]
    s3.put_faults[step.target.removeprefix("s3://")] = deque(["changed"])
    codes = failed(sort_all(source, copies, Kind.MOVE))
    assert codes == {Path(step.source).name: "changed_since"}
    assert content(source) == Counter([step.sha256])


@pytest.mark.parametrize("request_kind", ["put", "read"])
def test_a_store_that_refuses_fails_that_file_alone(
    request_kind: str, source: Path, copies: Path, s3: S3Server
) -> None:
    step = plan_for(store_sort(copies), source).steps[-1]
    name = step.target.removeprefix("s3://")
    if request_kind == "put":
        s3.put_faults[name] = deque(["403"])
    else:
        s3.faults_forever[name] = "403"
    hashes, before = content(source), snapshot(source)
    assert failed(sort_all(source, copies, Kind.MOVE)) == {
        Path(step.source).name: "target_read_only"
    }
    assert name not in s3.objects
    assert content(source) + stored_content(s3) == hashes
    s3.faults_forever.clear()
    assert failed(list(store_sort(copies).resume())) == {}
    assert stored_content(s3) == hashes
    undo(copies)
    assert snapshot(source) == before


def test_a_journal_that_cannot_be_written_fails_each_file_and_changes_nothing(
    source: Path, copies: Path, s3: S3Server
) -> None:
    s3.put_faults["bucket/sorted/.scene-sort/0001.jsonl"] = deque(["403"])
    before = snapshot(source)
    outcomes = sort_all(source, copies, Kind.MOVE)
    assert {outcome.error.code for outcome in outcomes if outcome.error} == {"target_unavailable"}
    assert len(failed(outcomes)) > 1
    assert snapshot(source) == before
    assert s3.keys("bucket") == []


class EditingDisk(SortFileSystem):
    """Lets another program do something before a step."""

    def __init__(self, step: str, act: object) -> None:
        self._step, self._act = step, act

    def before_step(self, step: str, path: Path | str) -> None:
        if step == self._step and callable(self._act):
            self._act(path)


def test_a_photo_edited_while_it_is_copied_stays(source: Path, copies: Path, s3: S3Server) -> None:
    photo = source / "c" / "IMG_0003.JPG"

    def edit(url: Path | str) -> None:
        if "IMG_0003.JPG" in str(url):
            photo.write_bytes(b"edited")

    codes = failed(sort_all(source, copies, Kind.MOVE, EditingDisk("read", edit)))
    assert codes["IMG_0003.JPG"] == "changed_since"
    assert photo.read_bytes() == b"edited"


def owner(process: int) -> bytes:
    return json.dumps(
        {"host": socket.gethostname(), "process": process, "token": "other", "time": time.time()}
    ).encode()


def test_two_runs_at_one_time(source: Path, copies: Path, s3: S3Server) -> None:
    s3.objects[OWNER] = owner(os.getppid())
    before = snapshot(source)
    with pytest.raises(SortRunning, match="runs a sort"):
        sort_all(source, copies, Kind.MOVE)
    with pytest.raises(SortRunning):
        undo(copies)
    assert snapshot(source) == before
    assert s3.keys("bucket") == ["sorted/.scene-sort/_owner.json"]


def test_a_run_that_lost_its_lock_removes_nothing(source: Path, copies: Path, s3: S3Server) -> None:
    def take_over(_: Path | str) -> None:
        s3.objects[OWNER] = owner(os.getppid())

    before = snapshot(source)
    with pytest.raises(SortRunning, match="taken over"):
        sort_all(source, copies, Kind.MOVE, EditingDisk("read", take_over))
    assert snapshot(source) == before
    assert OWNER in s3.objects


def test_after_a_kill_another_sort_is_refused(source: Path, copies: Path, s3: S3Server) -> None:
    with pytest.raises(Crash):
        sort_all(source, copies, Kind.COPY, CrashingDisk(12))
    with pytest.raises(SortUnfinished):
        sort_all(source, copies, Kind.COPY)


def test_another_computer_names_the_folder(
    source: Path, copies: Path, s3: S3Server, tmp_path: Path
) -> None:
    hashes = content(source)
    sort_all(source, copies, Kind.MOVE)
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(FolderRefused, match="--source"):
        undo(elsewhere)
    folder = tmp_path / "photos"
    folder.mkdir()
    assert failed(list(store_sort(elsewhere).undo(folder))) == {}
    assert content(folder) == hashes
    assert s3.keys("bucket") == []


@pytest.mark.parametrize("path", ["../outside.jpg", "/outside.jpg"])
def test_a_forged_journal_writes_no_file(
    path: str, source: Path, copies: Path, s3: S3Server, tmp_path: Path
) -> None:
    sort_all(source, copies, Kind.MOVE)
    name = "bucket/sorted/.scene-sort/0001.jsonl"
    header, first, *rest = s3.objects[name].decode().splitlines()
    row = json.loads(first)
    row[1] = path
    s3.objects[name] = "\n".join([header, json.dumps(row), *rest]).encode()
    with pytest.raises(FolderRefused, match="not written by this computer"):
        undo(copies)
    with pytest.raises(JournalDamaged):
        list(store_sort(copies).undo(tmp_path))
    assert content(source) == Counter()
    assert not (tmp_path / "outside.jpg").exists()


def test_undo_leaves_what_changed_and_the_last_copy(
    source: Path, copies: Path, s3: S3Server
) -> None:
    sort_all(source, copies, Kind.COPY)
    changed = a_target(s3)
    s3.objects[changed] = b"edited in the store, with its metadata"
    last = source / "same.jpg"
    last.unlink()
    codes = failed(undo(copies))
    assert codes == {Path(changed).name: "changed_since", "same.jpg": "source_vanished"}
    assert sorted(photos_in(s3).values()) == [
        b"edited in the store, with its metadata",
        b"photo 0",
    ]


def test_undo_of_a_move_leaves_what_changed(source: Path, copies: Path, s3: S3Server) -> None:
    sort_all(source, copies, Kind.MOVE)
    changed = a_target(s3)
    s3.objects[changed] = b"edited in the store, with its metadata"
    occupied = source / "same.jpg"
    occupied.write_bytes(b"another photo")
    codes = failed(undo(copies))
    assert codes == {Path(changed).name: "changed_since", "same.jpg": "target_taken"}
    assert occupied.read_bytes() == b"another photo"
    assert b"photo 0" in photos_in(s3).values()
    assert changed in s3.objects


@pytest.mark.parametrize("fault", ["disk full", "removal denied", "read denied"])
def test_faults_of_an_undo(fault: str, source: Path, copies: Path, s3: S3Server) -> None:
    hashes, before = content(source), snapshot(source)
    sort_all(source, copies, Kind.MOVE)
    name = a_target(s3)
    disk = SortFileSystem()
    if fault == "disk full":
        disk = EditingDisk("flush", _raise_full)
    elif fault == "removal denied":
        s3.delete_faults.add(name)
    else:
        s3.faults_forever[name] = "403"
    codes = set(failed(undo(copies, disk)).values())
    assert codes == {"target_full" if fault == "disk full" else "target_read_only"}
    assert name in s3.objects
    assert set(content(source) + stored_content(s3)) == set(hashes)
    assert not list(source.rglob("*.part"))
    s3.delete_faults.clear()
    s3.faults_forever.clear()
    assert failed(undo(copies)) == {}
    assert snapshot(source) == before
    assert s3.keys("bucket") == []


def _raise_full(path: object) -> None:
    if str(path).endswith(".part"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_prefix_that_is_none_is_refused(copies: Path) -> None:
    for dest in ("s3://", "s3://bucket//photos", "s3://bucket/../other"):
        with pytest.raises(BatchError, match="no prefix"):
            StoreSort(dest, copies)
