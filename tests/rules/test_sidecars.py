"""Rules write sidecars: never over another one, nothing twice, and removed with their run."""

import contextlib
import errno
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_model.classifier.model import CurrentModel
from scene_model.errors import NotForVisitors
from scene_model.export.sidecar import read_imported_rating, read_keywords
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.library.edits import add_tag, move_to_trash, set_rating
from scene_model.library.rules.dry_run import SidecarCounts
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import delete_rule, find_rule
from scene_model.library.rules.run_files import FileState
from scene_model.library.rules.run_rows import RuleRun, find_run, latest_runs
from scene_model.library.rules.run_sidecars import sidecar_rows, unfinished_sidecars
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash
from scene_model.maintenance.backup import write_backup
from scene_model.maintenance.restore import restore_backup
from scene_model.maintenance.row_check import row_problems
from scene_model.rules.rule_runner import RuleRunner
from scene_model.rules.undo import undo_with_files
from tests.export.sorting.faults import Crash, CrashingDisk, mounted
from tests.library.rows import Row, add
from tests.rules.crashes import Crash as DatabaseCrash
from tests.rules.crashes import crash_at

TAG, SIDECAR = Action(ActionKind.TAG, "Rex"), Action(ActionKind.SIDECAR)
# A photo that came in, of which `verify` finds nothing wrong.
NEW = {
    "awaits_rules": True,
    "confidence": 0.9,
    "fallback_class": "unsure",
    "fallback_class_source": "none",
    "fallback_class_score": 0.0,
}
OTHER = b"of another program"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    return made


def add_photo(library: Library, name: str, folder: Path | None = None) -> str:
    """Add a photo whose original is in a folder outside the library, or else inside."""
    reference = None if folder is None else folder / name
    row = Row(name, more=NEW | {"reference": reference})
    path = reference or library.files.copy_location(row.id, "JPEG")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(name.encode())
    add(library, row)
    return row.id


def make(runner: RuleRunner, *actions: Action, name: str = "Sidecars", query: str = "dog") -> int:
    rule_id = runner.create(name, f"name:{query}", actions)
    runner.activate(runner.dry_run(rule_id))
    return rule_id


def sidecars(folder: Path) -> list[str]:
    """Names of the sidecars and of temporary files in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".jpg")


def state(library: Library, run: RuleRun) -> tuple[str | None, int | None, str | None]:
    now = find_run(library, run.id)
    return now.sidecar_state, now.sidecar_count, now.sidecar_note


def is_clean(library: Library) -> bool:
    with contextlib.closing(sqlite3.connect(library.folder / "library.db")) as connection:
        return row_problems(connection) == [] and unfinished_sidecars(library) == []


def refuse(action: str) -> NoReturn:
    raise NotForVisitors(f"Visitors cannot {action}.")


def test_photos_outside_the_library_get_sidecars(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR, Action(ActionKind.RATING, "4"))
    add_photo(library, "dog 1.jpg", folder)
    stored = add_photo(library, "dog 2.jpg")
    add_photo(library, "cat.jpg", folder)
    (run,) = runner.run_new()
    assert run.words == "add the tag “Rex”, write XMP sidecars, rate with 4 stars"
    assert state(library, run) == ("done", 1, None)
    assert sidecars(folder) == ["dog 1.jpg.xmp"]
    written = folder / "dog 1.jpg.xmp"
    assert read_keywords(b"", written.read_bytes()) == ["Rex"]
    assert read_imported_rating(b"", written.read_bytes()) == 4
    if sys.platform != "win32":
        (folder / "new").write_bytes(b"")
        assert written.stat().st_mode == (folder / "new").stat().st_mode
        (folder / "new").unlink()
    inside = library.files.copy_location(stored, "JPEG").parent
    assert sidecars(inside) == []
    assert runner.run_new() == []
    assert is_clean(library)
    undone = undo_with_files(library, run.id)
    assert (undone.photo_count, undone.sidecar_count) == (2, 1)
    assert state(library, run) == ("undone", 0, None)
    assert sidecars(folder) == []
    assert is_clean(library)


@pytest.mark.parametrize("name", ["dog 1.jpg.xmp", "dog 1.jpg.XMP", "dog 1.xmp", "dog 1.XMP"])
def test_a_sidecar_that_exists_stays_byte_for_byte(
    library: Library, runner: RuleRunner, folder: Path, name: str
) -> None:
    (folder / name).write_bytes(OTHER)
    make(runner, TAG, SIDECAR)
    add_photo(library, "dog 1.jpg", folder)
    add_photo(library, "dog 2.jpg", folder)
    (run,) = runner.run_new()
    assert state(library, run) == ("done", 1, "1 photo has a sidecar already; it stays.")
    assert sidecars(folder) == sorted([name, "dog 2.jpg.xmp"])
    runner.undo(run.id)
    assert sidecars(folder) == [name]
    assert (folder / name).read_bytes() == OTHER


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_is_not_followed(library: Library, runner: RuleRunner, folder: Path) -> None:
    make(runner, TAG, SIDECAR)
    (folder / "dog.jpg.xmp").symlink_to(folder / "nothing")
    add_photo(library, "dog.jpg", folder)
    (run,) = runner.run_new()
    assert state(library, run) == ("done", 0, "1 photo has a sidecar already; it stays.")
    assert sidecars(folder) == ["dog.jpg.xmp"]


def test_a_sidecar_that_comes_meanwhile_stays(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    class Slow(SortFileSystem):
        def before_step(self, step: str, path: Path | str) -> None:
            if step == "rename":
                Path(path).write_bytes(OTHER)

    make(runner, TAG, SIDECAR)
    add_photo(library, "dog.jpg", folder)
    (run,) = RuleRunner(library, model, file_system=Slow()).run_new()
    assert state(library, run) == ("done", 0, "1 photo has a sidecar already; it stays.")
    assert sidecar_rows(library, run.id) == []
    assert sidecars(folder) == ["dog.jpg.xmp"]
    assert (folder / "dog.jpg.xmp").read_bytes() == OTHER


def test_a_photo_without_tags_gets_none(library: Library, runner: RuleRunner, folder: Path) -> None:
    make(runner, SIDECAR)
    add_photo(library, "dog 1.jpg", folder)
    rated = add_photo(library, "dog 2.jpg", folder)
    set_rating(library, [rated], 3)
    (run,) = runner.run_new()
    assert state(library, run) == ("done", 1, "1 photo has no tags to write.")
    assert sidecars(folder) == ["dog 2.jpg.xmp"]


def test_a_changed_sidecar_stays_and_a_missing_one_is_no_matter(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR)
    for number in range(3):
        add_photo(library, f"dog {number}.jpg", folder)
    (run,) = runner.run_new()
    (folder / "dog 0.jpg.xmp").write_bytes(OTHER)
    (folder / "dog 1.jpg.xmp").unlink()
    runner.undo(run.id)
    note = "1 sidecar was changed since the run, and not removed."
    assert state(library, run) == ("undone", 1, note)
    assert sidecars(folder) == ["dog 0.jpg.xmp"]
    assert is_clean(library)


def test_an_undo_without_the_folder_waits_for_it(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR)
    add_photo(library, "dog 1.jpg", folder)
    other = folder.with_name("other")
    other.mkdir()
    add_photo(library, "dog 2.jpg", other)
    (run,) = runner.run_new()
    away = folder.with_name("away")
    folder.rename(away)
    undone = undo_with_files(library, run.id)
    assert (undone.run.sidecar_state, undone.sidecar_count) == ("undoing", 1)
    assert undone.run.sidecar_note is not None
    assert "its folder does not exist. Connect its disk." in undone.run.sidecar_note
    away.rename(folder)
    runner.run_new()
    assert state(library, run) == ("undone", 0, None)
    assert sidecars(folder) + sidecars(other) == []


def test_a_dry_run_says_how_many_sidecars_would_be_written(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    ids = [add_photo(library, f"dog {number}.jpg", folder) for number in range(4)]
    add_photo(library, "dog 4.jpg")
    add_tag(library, ids[:3], "Rex")
    (folder / "dog 0.xmp").write_bytes(OTHER)
    (folder / "dog 1.jpg").unlink()
    rule_id = runner.create("Sidecars", "name:dog", [SIDECAR])
    shown = runner.dry_run(rule_id)
    assert (shown.matching, shown.changed) == (5, 4)
    (action,) = shown.actions
    assert (action.count.changed, action.count.by_person, action.count.by_rules) == (4, 0, 0)
    assert shown.sidecars is not None
    assert shown.sidecars.first_reason is not None
    assert "dog 1.jpg" in shown.sidecars.first_reason
    reason = shown.sidecars.first_reason
    assert shown.sidecars == SidecarCounts(1, 1, 1, 1, 1, reason)
    assert sidecars(folder) == ["dog 0.xmp"]
    (run,) = runner.run_all([rule_id])
    assert sidecars(folder) == ["dog 0.xmp", "dog 2.jpg.xmp"]
    assert state(library, run)[:2] == ("done", 1)
    assert f"1 sidecar was not written: {reason}" in str(run.sidecar_note)
    again = runner.dry_run(rule_id)
    assert again.changed == 0, "each photo once"
    assert again.actions[0].count.by_rules == 4


def test_the_sidecar_belongs_to_the_run_that_wrote_it(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR, name="First")
    make(runner, SIDECAR, name="Second")
    add_photo(library, "dog.jpg", folder)
    first, second = runner.run_new()
    assert state(library, first) == ("done", 1, None)
    assert state(library, second) == ("done", 0, "1 photo has a sidecar already; it stays.")
    runner.undo(second.id)
    assert sidecars(folder) == ["dog.jpg.xmp"]
    runner.undo(first.id)
    assert sidecars(folder) == []


def test_runs_are_undone_in_any_order(library: Library, runner: RuleRunner, folder: Path) -> None:
    make(runner, TAG, SIDECAR)
    runs = []
    for number in range(3):
        add_photo(library, f"dog {number}.jpg", folder)
        runs += runner.run_new()
    runner.undo(runs[1].id)
    assert sidecars(folder) == ["dog 0.jpg.xmp", "dog 2.jpg.xmp"]
    runner.undo(runs[0].id)
    runner.undo(runs[2].id)
    assert sidecars(folder) == []


@pytest.mark.parametrize("deletes_rule", [True, False])
def test_the_sidecars_of_photos_that_were_deleted_for_ever_can_be_removed(
    library: Library, runner: RuleRunner, folder: Path, deletes_rule: bool
) -> None:
    rule_id = make(runner, TAG, SIDECAR)
    photo_id = add_photo(library, "dog.jpg", folder)
    (run,) = runner.run_new()
    if deletes_rule:
        delete_rule(library, rule_id)
    move_to_trash(library, [photo_id])
    empty_trash(library, [photo_id])
    assert is_clean(library)
    assert find_run(library, run.id).can_undo
    runner.undo(run.id)
    assert sidecars(folder) == []
    now = find_run(library, run.id)
    assert (now.can_undo, now.is_undone, now.sidecar_state) == (False, True, "undone")
    assert is_clean(library)


class _Failing(SortFileSystem):
    """Raises `error`, once it is set, for files with `name` in their path."""

    error, name = 0, ""

    def before_step(self, step: str, path: Path | str) -> None:
        if step == "rename" and self.error and self.name in str(path):
            raise OSError(self.error, os.strerror(self.error), str(path))


@pytest.mark.parametrize(
    ("error", "reason"),
    [(errno.ENOSPC, "No space left for"), (errno.EROFS, "cannot be written: ")],
)
def test_a_disk_that_cannot_be_written_pauses_the_rule(
    library: Library, model: CurrentModel, folder: Path, error: int, reason: str
) -> None:
    disk = _Failing()
    runner = RuleRunner(library, model, file_system=disk)
    rule_id = make(runner, TAG, SIDECAR)
    make(runner, Action(ActionKind.FAVOURITE), name="Heart")
    for number in range(3):
        add_photo(library, f"dog {number}.jpg", folder)
    disk.error, disk.name = error, "dog 1"
    run, heart = runner.run_new()
    assert state(library, run)[:2] == ("failed", 1)
    assert heart.photo_count == 3
    paused = find_rule(library, rule_id)
    assert (paused.is_active, paused.pause_reason) == (False, run.sidecar_note)
    assert reason in str(run.sidecar_note)
    assert str(folder / "dog 1.jpg.xmp") in str(run.sidecar_note)
    assert sidecars(folder) == ["dog 0.jpg.xmp"]
    assert is_clean(library)
    runner.run_new()
    assert state(library, run)[0] == FileState.FAILED, "it waits for a person"
    disk.error = 0
    runner.activate(runner.dry_run(rule_id))
    assert state(library, run) == ("done", 3, None)
    assert len(sidecars(folder)) == 3
    runner.undo(run.id)
    assert sidecars(folder) == []


def test_a_full_disk(library: Library, runner: RuleRunner, tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=64k") as small:
        rule_id = make(runner, TAG, SIDECAR)
        add_photo(library, "dog.jpg", small)
        with contextlib.suppress(OSError), (small / "large").open("wb", buffering=0) as large:
            while large.write(bytes(4096)):
                pass
        (run,) = runner.run_new()
        assert state(library, run)[:2] == ("failed", 0)
        assert not find_rule(library, rule_id).is_active
        assert sidecars(small) == ["large"]
        (small / "large").unlink()
        runner.activate(runner.dry_run(rule_id))
        assert state(library, run) == ("done", 1, None)


def test_the_error_of_a_file_fails_no_other(
    library: Library, model: CurrentModel, folder: Path
) -> None:
    disk = _Failing()
    runner = RuleRunner(library, model, file_system=disk)
    rule_id = make(runner, TAG, SIDECAR)
    for number in range(3):
        add_photo(library, f"dog {number}.jpg", folder)
    disk.error, disk.name = errno.EACCES, "dog 1"
    (run,) = runner.run_new()
    assert state(library, run)[:2] == ("done", 2)
    assert str(run.sidecar_note).startswith("1 sidecar was not written: ")
    assert "dog 1.jpg.xmp: Permission denied." in str(run.sidecar_note)
    assert find_rule(library, rule_id).is_active
    assert sidecars(folder) == ["dog 0.jpg.xmp", "dog 2.jpg.xmp"]
    assert len(sidecar_rows(library, run.id)) == 2


def test_visitors_write_no_sidecars(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    shared = RuleRunner(library, model, require_personal=refuse)
    with pytest.raises(NotForVisitors, match="write sidecars"):
        shared.create("Sidecars", "name:dog", [SIDECAR])
    rule_id = make(runner, TAG, SIDECAR)
    add_photo(library, "dog.jpg", folder)
    (run,) = shared.run_new()
    assert (run.sidecar_state, sidecars(folder)) == ("failed", [])
    assert not find_rule(library, rule_id).is_active


def test_a_restored_backup_touches_no_sidecar_before_somebody_says_so(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path, tmp_path: Path
) -> None:
    rule_id = make(runner, TAG, SIDECAR)
    runs = []
    for number in range(3):
        add_photo(library, f"dog {number}.jpg", folder)
        with contextlib.suppress(Crash):
            disk = CrashingDisk(0 if number == 2 else 99)
            RuleRunner(library, model, file_system=disk).run_new()
        runs += latest_runs(library, 1)
    with pytest.raises(Crash):
        undo_with_files(library, runs[0].id, CrashingDisk(0))
    assert [state(library, run)[0] for run in runs] == ["undoing", "done", "pending"]
    write_backup(library, tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "restored", accept_references=True)
    with Library(tmp_path / "restored") as restored:
        restored_runner = RuleRunner(restored, model)
        restored_runner.run_new()
        assert [state(restored, run)[0] for run in runs] == ["undone", "done", "failed"]
        assert "restored from a backup" in str(state(restored, runs[0])[2])
        paused = find_rule(restored, rule_id)
        assert not paused.is_active
        assert "restored from a backup" in str(paused.pause_reason)
        assert sidecars(folder) == ["dog 0.jpg.xmp", "dog 1.jpg.xmp"]
        assert is_clean(restored)
        restored_runner.activate(restored_runner.dry_run(rule_id))
        restored_runner.undo(runs[1].id)
        assert sidecars(folder) == ["dog 0.jpg.xmp", "dog 2.jpg.xmp"]
        assert is_clean(restored)


def _kills(library: Library, model: CurrentModel) -> Iterator[tuple[int, RuleRunner]]:
    for at in range(60):
        disk = CrashingDisk(at)
        yield at, RuleRunner(library, model, file_system=disk)
        if not disk.is_dead:
            assert at > 6
            return


@pytest.mark.slow
def test_a_kill_at_any_step_of_the_disk_is_completed_at_the_next_start(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR)
    expected = []
    for at, killed in _kills(library, model):
        for name in (f"dog {at} a", f"dog {at} b"):
            add_photo(library, f"{name}.jpg", folder)
        add_photo(library, f"dog {at} other.jpg", folder)
        (folder / f"dog {at} other.xmp").write_bytes(OTHER)
        expected += [f"dog {at} a.jpg.xmp", f"dog {at} b.jpg.xmp", f"dog {at} other.xmp"]
        try:
            killed.run_new()
        except Crash:
            (run, *_) = latest_runs(library, 1)
            assert run.sidecar_state == FileState.PENDING
            runner.run_new()
        assert sidecars(folder) == sorted(expected)
        (run, *_) = latest_runs(library, 1)
        assert state(library, run) == ("done", 2, "1 photo has a sidecar already; it stays.")
    assert is_clean(library)
    for run in latest_runs(library, 99):
        runner.undo(run.id)
    assert sidecars(folder) == sorted(name for name in expected if "other" in name)
    assert {(folder / name).read_bytes() for name in sidecars(folder)} == {OTHER}


@pytest.mark.slow
def test_a_kill_at_any_step_of_an_undo_is_completed_at_the_next_start(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR)
    for at in range(20):
        for name in ("a", "b", "changed"):
            add_photo(library, f"dog {at} {name}.jpg", folder)
        (run,) = runner.run_new()
        changed = folder / f"dog {at} changed.jpg.xmp"
        changed.write_bytes(OTHER)
        disk = CrashingDisk(at)
        try:
            undo_with_files(library, run.id, disk)
        except Crash:
            assert state(library, run)[0] == FileState.UNDOING
            runner.run_new()
        assert sidecars(folder) == [changed.name]
        assert changed.read_bytes() == OTHER
        assert state(library, run)[:2] == ("undone", 1)
        changed.unlink()
        if not disk.is_dead:
            break
    assert at > 3
    assert is_clean(library)


@pytest.mark.slow
def test_a_kill_at_any_step_of_the_database_loses_no_sidecar(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, TAG, SIDECAR)
    at, is_done = 0, False
    while not is_done:
        at += 1
        add_photo(library, f"dog {at}.jpg", folder)
        with crash_at(library, at) as steps:
            try:
                runner.run_new()
                is_done = len(steps) < at
            except DatabaseCrash:
                runner.run_new()
        assert sidecars(folder) == sorted(f"dog {n}.jpg.xmp" for n in range(1, at + 1))
    assert at > 10
    assert is_clean(library)
    assert {run.sidecar_count for run in latest_runs(library, 99)} == {1}
    runs = latest_runs(library, 99)
    for at, run in enumerate(runs, 1):
        with crash_at(library, at):
            try:
                runner.undo(run.id)
            except DatabaseCrash:
                runner.run_new()
        runner.undo(run.id)
        assert is_clean(library)
    assert sidecars(folder) == []


@pytest.mark.slow
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["add", "undo", "start", "other", "edit", "delete", "purge"]),
            st.one_of(st.none(), st.integers(0, 14)),
            st.integers(0, 9),
        ),
        max_size=16,
    )
)
def test_the_sidecars_are_those_of_the_runs_that_stand(
    steps: list[tuple[str, int | None, int]], model: CurrentModel, tmp_path: Path
) -> None:
    """In whatever order runs are made, undone and killed, and other programs write and delete."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        others: set[str] = set()
        with Library(Path(place) / "library") as library:
            make(RuleRunner(library, model), TAG, SIDECAR)
            make(RuleRunner(library, model), SIDECAR, name="Second")
            for number, (act, kill_at, choice) in enumerate(steps):
                disk = CrashingDisk(10**9 if kill_at is None else kill_at)
                killed = RuleRunner(library, model, file_system=disk)
                _act(library, killed, disk, folder, others, act, choice, number)
                assert {n for n in others if (folder / n).read_bytes() != OTHER} == set()
            _check(library, RuleRunner(library, model), folder, others)


def _act(
    library: Library,
    killed: RuleRunner,
    disk: CrashingDisk,
    folder: Path,
    others: set[str],
    act: str,
    choice: int,
    number: int,
) -> None:
    names = [name for name in sidecars(folder) if name.endswith(".xmp")]
    runs = latest_runs(library, 99)
    name = names[choice % len(names)] if names else ""
    with contextlib.suppress(Crash):
        match act:
            case "other":
                others.add(f"dog {number + choice % 3}.jpg.xmp")
                (folder / f"dog {number + choice % 3}.jpg.xmp").write_bytes(OTHER)
            case "edit" if name:
                others.add(name)
                (folder / name).write_bytes(OTHER)
            case "delete" if name:
                others.discard(name)
                (folder / name).unlink()
            case "undo" if runs:
                undo_with_files(library, runs[choice % len(runs)].id, disk)
            case "purge" if library.count():
                photo_id = Row(f"dog {choice}.jpg").id
                move_to_trash(library, [photo_id])
                empty_trash(library, [photo_id])
            case "add":
                add_photo(library, f"dog {number}.jpg", folder)
                killed.run_new()
            case _:
                killed.run_new()


def _check(library: Library, runner: RuleRunner, folder: Path, others: set[str]) -> None:
    runner.run_new()
    assert is_clean(library)
    runs = latest_runs(library, 99)
    assert {run.sidecar_state for run in runs} <= {"done", "undone"}
    written = {row.path.name for run in runs for row in sidecar_rows(library, run.id)}
    assert set(sidecars(folder)) - others <= written, "no file without a row"
    for run in runs:
        runner.undo(run.id)
    assert set(sidecars(folder)) == others
    assert is_clean(library)
