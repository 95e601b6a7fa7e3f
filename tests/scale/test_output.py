"""The output of a batch: what is done, resumed, replaced, and refused."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from scene_model.errors import BatchError, StoreUnavailable
from scene_model.library.files.file_system import FileSystem
from scene_model.scale.done_items import ItemState
from scene_model.scale.items import Chunk, SourceItem
from scene_model.scale.object_parts import ObjectParts
from scene_model.scale.output import Output
from scene_model.scale.part_store import FolderParts, PartStore, open_parts
from scene_model.scale.read_batch import open_manifest, read_rows
from tests.s3_server import S3Server
from tests.scale.outputs import MODEL, Crash, CrashingParts, write_part


def items(names: str, version: str = "1") -> list[SourceItem]:
    return [SourceItem(name, version) for name in names]


def finish(store: PartStore, listed: list[SourceItem]) -> int:
    """A run: what is new or changed is written as one part. Returns how many items it read."""
    output = Output(store, MODEL)
    try:
        states = [(item, output.done.state(item)) for item in listed]
        output.take_out(item.location for item, state in states if state is ItemState.CHANGED)
        to_do = [item for item, state in states if state is not ItemState.DONE]
        if to_do:
            output.add(write_part(store, to_do))
        output.finish(is_complete=True)
        return len(to_do)
    finally:
        output.close()


def versions(out: str) -> dict[str, str]:
    """The version of each file, by the manifest; fails where one has two rows."""
    rows = [(row.record["file"], row.version) for row in read_rows(out)]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


@pytest.fixture(params=["folder", "store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PartStore]:
    """Both kinds of outputs keep the same contract."""
    if request.param == "store":
        request.getfixturevalue("s3")
        yield open_parts("s3://bucket/some/out")
    else:
        yield open_parts(str(tmp_path / "out"))


def test_files_are_written_whole_read_listed_and_removed(store: PartStore) -> None:
    assert store.names() == []
    assert store.read("a") is None
    store.remove("a")
    store.write("b", b"2")
    store.write("a", b"1")
    store.write("a", b"new")
    assert (store.names(), store.read("a")) == (["a", "b"], b"new")
    store.remove("a")
    with store.open("b") as file:
        file.seek(-1, 2)
        assert file.read() == b"2"
    assert store.names() == ["b"]


def test_done_is_what_the_manifest_lists(store: PartStore) -> None:
    assert finish(store, items("abc")) == 3
    assert finish(store, items("abcd")) == 1
    assert versions(store.location) == dict.fromkeys("abcd", "1")
    manifest = open_manifest(store.location)
    assert (manifest.rows, manifest.is_complete) == (4, True)


def test_part_that_no_manifest_lists_is_taken_over(store: PartStore) -> None:
    finish(store, items("abc"))
    write_part(store, items("de"))
    assert finish(store, items("abcdef")) == 1
    assert sorted(versions(store.location)) == list("abcdef")


def test_leftover_that_shares_a_file_with_a_listed_part_is_removed(store: PartStore) -> None:
    finish(store, items("abc"))
    leftover = write_part(store, items("cd"))
    assert finish(store, items("abcd")) == 1
    assert leftover.part_name not in store.names()
    assert sorted(versions(store.location)) == list("abcd")


def test_part_of_a_worker_that_outlived_its_run_is_removed_in_the_end(store: PartStore) -> None:
    output = Output(store, MODEL)
    output.add(write_part(store, items("abc")))
    write_part(store, items("ab"))
    output.finish(is_complete=True)
    output.close()
    assert store.names() == ["_manifest.json", Chunk(tuple(items("abc"))).part_name]


def test_changed_item_and_one_that_was_not_fetched_are_read_again(store: PartStore) -> None:
    output = Output(store, MODEL)
    codes = {"b": "timed_out", "c": "truncated_photo"}
    output.add(write_part(store, items("abcd"), codes))
    output.finish(is_complete=True)
    output.close()
    listed = [*items("bc"), *items("a", "2"), SourceItem("d")]
    assert finish(store, listed) == 2
    assert versions(store.location) == {"a": "2", "b": "1", "c": "1", "d": "1"}
    assert open_manifest(store.location).errors_by_code == {"truncated_photo": 1}


def test_file_that_was_missing_is_read_when_it_is_there(store: PartStore) -> None:
    output = Output(store, MODEL)
    codes = {"a": "path_not_found", "b": "not_found"}
    output.add(write_part(store, [SourceItem("a"), SourceItem("b"), SourceItem("c")], codes))
    output.finish(is_complete=True)
    output.close()
    assert finish(store, [SourceItem("a"), SourceItem("b"), SourceItem("c", "1")]) == 0
    assert finish(store, [SourceItem("a", "1"), SourceItem("b"), SourceItem("c", "1")]) == 1
    assert open_manifest(store.location).errors_by_code == {"not_found": 1}


@pytest.mark.parametrize("changed", ["be", "abc"])
def test_program_that_ends_at_any_step_loses_and_repeats_nothing(
    tmp_path: Path, changed: str
) -> None:
    step = 0
    while True:
        step += 1
        out = tmp_path / f"out{step}"
        finish(FolderParts(out), items("abc"))
        finish(FolderParts(out), items("abcdef"))
        listed = [SourceItem(name, "2" if name in changed else "1") for name in "abcdefg"]
        try:
            finish(CrashingParts(out, step), listed)
        except Crash:
            pass
        else:
            break
        unread = {name for name in "abcdef" if name not in versions(str(out))}
        assert unread <= set(changed)
        finish(FolderParts(out), listed)
        assert versions(str(out)) == {item.location: item.version for item in listed}
        # Programs that read all the files find the same rows.
        table = pd.read_parquet(out, columns=["file", "version"])
        assert dict(zip(table["file"], table["version"], strict=True)) == versions(str(out))
        assert len(table) == len(listed)
    assert step > 5


def test_second_run_into_an_output_is_refused(store: PartStore) -> None:
    output = Output(store, MODEL)
    if isinstance(store, ObjectParts):
        # Of another process that is running.
        owner = json.loads(store.read("_owner.json") or b"")
        store.write("_owner.json", json.dumps(owner | {"process": os.getppid()}).encode())
    with pytest.raises(BatchError, match="Another process") as refused:
        Output(open_parts(store.location), MODEL)
    assert refused.value.code == "batch_running"
    output.close()
    Output(open_parts(store.location), MODEL).close()


def test_lock_of_a_killed_run_on_a_store_is_taken_over(s3: S3Server) -> None:
    store = ObjectParts("s3://bucket/out")
    s3.objects["bucket/out/_owner.json"] = b'{"host": "other", "process": 1, "time": 1}'
    Output(store, MODEL).close()
    s3.objects["bucket/out/_owner.json"] = b'{"host": "other", "process": 1, "time": 9e9}'
    with pytest.raises(BatchError, match=r"process \(1 on other\)"):
        Output(store, MODEL)


def test_full_disk_is_named(tmp_path: Path) -> None:
    class FullDisk(FileSystem):
        def before_step(self, step: str, path: Path) -> None:
            if step == "write":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreUnavailable, match="is full. Free some space") as full:
        FolderParts(tmp_path / "out", FullDisk()).write("a", b"1")
    assert full.value.code == "output_full"


def test_damaged_part_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(FolderParts(out), items("abc"))
    part = next(out.glob("part-*"))
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(BatchError, match=part.name) as damaged:
        finish(FolderParts(out), items("abc"))
    assert damaged.value.code == "batch_damaged"
    with pytest.raises(BatchError, match=part.name):
        list(read_rows(str(out)))


def test_no_batch(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="no output of `batch`") as missing:
        open_manifest(str(tmp_path))
    assert missing.value.code == "batch_missing"
    with pytest.raises(BatchError, match="https://x.test/out cannot be written to"):
        open_parts("https://x.test/out")
