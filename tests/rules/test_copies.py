"""Rules copy photos into folders: never twice, never over a file, and undone with their run."""

import contextlib
import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scene_model.classifier.model import CurrentModel
from scene_model.errors import InvalidLayout, InvalidRule, NotForVisitors, SceneError
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.transaction import sort_files, undo_sort
from scene_model.jobs.lock_file import acquire_lock
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import delete_rule, find_rule
from scene_model.library.rules.run_copies import copied_photos, unfinished_copies
from scene_model.library.rules.run_files import FileState
from scene_model.library.rules.run_rows import RuleRun, find_run, latest_runs
from scene_model.library.store import Library
from scene_model.maintenance.row_check import row_problems
from scene_model.rules.rule_runner import RuleRunner
from scene_model.rules.undo import undo_with_files
from tests.export.sorting.faults import Crash, CrashingDisk, mounted
from tests.export.sorting.source_photos import files_below, plan_of, write
from tests.library.rows import Row, add
from tests.rules.crashes import Crash as DatabaseCrash
from tests.rules.crashes import crash_at

TAG_DOG = Action(ActionKind.TAG, "Rex")
LAYOUT = "{taken:%Y}/{class}/{name}"
# A photo that came in, of which `verify` finds nothing wrong.
NEW = {
    "awaits_rules": True,
    "confidence": 0.9,
    "fallback_class": "unsure",
    "fallback_class_source": "none",
    "fallback_class_score": 0.0,
}
TAKEN = "2024-07-05T10:11:12"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sorted"
    made.mkdir()
    return made


def add_photo(library: Library, name: str, reference: Path | None = None) -> str:
    """Add a photo whose content is its name."""
    row = Row(name, taken_at=TAKEN, more=NEW | {"reference": reference})
    path = reference or library.files.copy_location(row.id, "JPEG")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(name.encode())
    os.utime(path, ns=(10**18, 10**18))
    add(library, row)
    return row.id


def copy_into(folder: Path, layout: str = LAYOUT) -> Action:
    return Action(ActionKind.COPY, str(folder), layout)


def make(runner: RuleRunner, name: str, query: str, *actions: Action) -> int:
    rule_id = runner.create(name, query, actions)
    runner.activate(runner.dry_run(rule_id))
    return rule_id


def copies(folder: Path) -> dict[str, str]:
    """The content of each file by its path below a folder."""
    files = sorted(files_below(folder))
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def state(library: Library, run: RuleRun) -> tuple[str | None, int | None, str | None]:
    now = find_run(library, run.id)
    return now.copy_state, now.copy_count, now.copy_note


def test_photos_that_come_in_are_copied_by_layout(
    library: Library, runner: RuleRunner, folder: Path, tmp_path: Path
) -> None:
    make(runner, "Dogs", "name:dog", TAG_DOG, copy_into(folder))
    referenced = tmp_path / "elsewhere" / "file.jpg"
    for name, reference in (("dog 1.jpg", None), ("dog 2.jpg", referenced), ("cat.jpg", None)):
        add_photo(library, name, reference)
    (run,) = runner.run_new()
    assert run.words == f"add the tag “Rex”, copy into the folder {folder} as {LAYOUT}"
    assert (run.photo_count, run.copy_state, run.copy_count, run.copy_note) == (2, "done", 2, None)
    expected = {"2024/sea/dog 1.jpg": "dog 1.jpg", "2024/sea/dog 2.jpg": "dog 2.jpg"}
    assert copies(folder) == expected
    assert referenced.read_text() == "dog 2.jpg"
    assert (folder / "2024/sea/dog 1.jpg").stat().st_mtime_ns == 10**18
    assert runner.run_new() == []
    assert copies(folder) == expected
    undone = undo_with_files(library, run.id)
    assert (undone.photo_count, undone.run.copy_state, undone.run.copy_count) == (2, "undone", 0)
    assert list(folder.rglob("*")) == []
    assert referenced.exists()


def test_originals_at_urls_are_not_fetched_for_a_copy(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Dogs", "name:dog", copy_into(folder))
    add_photo(library, "dog 1.jpg")
    more = NEW | {"remote_url": "https://photos.example/dog 2.jpg"}
    add(library, Row("dog 2.jpg", taken_at=TAKEN, more=more))
    (run,) = runner.run_new()
    assert (run.copy_state, run.copy_count) == ("done", 1)
    assert run.copy_note is not None
    assert "1 photo was not copied: The original of dog 2.jpg is at https://photos" in run.copy_note


def test_no_file_is_overwritten(library: Library, runner: RuleRunner, folder: Path) -> None:
    (folder / "dog.jpg").write_text("of a person")
    make(runner, "Dogs", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    assert copies(folder) == {"dog.jpg": "of a person", "dog (2).jpg": "dog.jpg"}
    runner.undo(run.id)
    assert copies(folder) == {"dog.jpg": "of a person"}


def test_what_is_there_already_is_not_copied(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    (folder / "dog.jpg").write_text("dog.jpg")
    make(runner, "Dogs", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    assert (run.copy_state, run.copy_count) == ("done", 0)
    runner.undo(run.id)
    assert copies(folder) == {"dog.jpg": "dog.jpg"}


def test_a_dry_run_says_how_many_files_go_where(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    for name in ("dog 1.jpg", "dog 2.jpg", "dog 3.jpg"):
        photo_id = add_photo(library, name)
    library.files.copy_location(photo_id, "JPEG").unlink()
    rule_id = runner.create("Dogs", "name:dog", [copy_into(folder)])
    shown = runner.dry_run(rule_id)
    assert (shown.matching, shown.changed, shown.folders) == (3, 3, (("2024/sea", 2),))
    assert (shown.in_place, shown.not_copied) == (0, 1)
    assert shown.first_reason is not None
    assert "is missing from the library folder" in shown.first_reason
    assert list(folder.iterdir()) == []
    (run,) = runner.run_all([rule_id])
    assert (run.copy_state, run.copy_count) == ("done", 2)
    assert run.copy_note is not None
    assert run.copy_note.startswith("1 photo was not copied: The original of")
    assert runner.dry_run(rule_id).changed == 0, "each photo once"
    assert runner.run_all([rule_id]) == []


def test_runs_are_undone_in_any_order(library: Library, runner: RuleRunner, folder: Path) -> None:
    make(runner, "Dogs", "name:dog", copy_into(folder))
    runs = []
    for name in ("dog 1.jpg", "dog 2.jpg", "dog 3.jpg"):
        add_photo(library, name)
        runs += runner.run_new()
    runner.undo(runs[1].id)
    assert list(copies(folder)) == ["2024/sea/dog 1.jpg", "2024/sea/dog 3.jpg"]
    runner.undo(runs[0].id)
    runner.undo(runs[2].id)
    assert copies(folder) == {}


def test_an_undo_leaves_the_copies_of_a_person(
    library: Library, runner: RuleRunner, folder: Path, tmp_path: Path
) -> None:
    make(runner, "Dogs", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    (tmp_path / "source").mkdir()
    write(tmp_path / "source" / "a.jpg", b"a")
    list(sort_files(plan_of(tmp_path / "source", folder, "{name}"), Kind.COPY))
    runner.undo(run.id)
    assert copies(folder) == {"a.jpg": "a"}
    list(undo_sort(folder))
    assert copies(folder) == {}


def test_a_changed_copy_stays(library: Library, runner: RuleRunner, folder: Path) -> None:
    make(runner, "Dogs", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog 1.jpg")
    add_photo(library, "dog 2.jpg")
    (run,) = runner.run_new()
    (folder / "dog 1.jpg").write_text("edited")
    runner.undo(run.id)
    assert copies(folder) == {"dog 1.jpg": "edited"}
    kind, count, note = state(library, run)
    assert (kind, count) == ("undone", 1)
    assert note is not None
    assert note.startswith("1 photo was not removed: ")
    assert "changed after it was sorted" in note


def test_a_missing_folder_pauses_the_rule_and_the_others_go_on(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    rule_id = make(runner, "Copies", "name:dog", TAG_DOG, copy_into(folder))
    make(runner, "Heart", "name:dog", Action(ActionKind.FAVOURITE))
    folder.rmdir()
    photo_id = add_photo(library, "dog.jpg")
    assert [run.rule_name for run in runner.run_new()] == ["Heart"]
    assert library.photo(photo_id).shown_tags == ()
    paused = find_rule(library, rule_id)
    assert not paused.is_active
    assert paused.pause_reason is not None
    assert f"The folder {folder} does not exist." in paused.pause_reason
    assert not folder.exists()


class _Failing(SortFileSystem):
    """Fails to write copies with an error, while there is one."""

    error = 0

    def before_step(self, step: str, path: Path | str) -> None:
        if step == "copy" and self.error:
            raise OSError(self.error, os.strerror(self.error), str(path))


@pytest.fixture
def disk() -> _Failing:
    return _Failing()


@pytest.fixture
def failing(library: Library, model: CurrentModel, disk: _Failing) -> RuleRunner:
    return RuleRunner(library, model, file_system=disk)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(errno.ENOSPC, "No space left for"), (errno.EACCES, "No permission"), (errno.EIO, "error")],
)
def test_copies_that_fail_wait_until_the_rule_is_active_again(
    library: Library, failing: RuleRunner, disk: _Failing, folder: Path, error: int, reason: str
) -> None:
    rule_id = make(failing, "Copies", "name:dog", copy_into(folder, "{name}"))
    other = folder.with_name("other")
    other.mkdir()
    make(failing, "Heart", "name:dog", Action(ActionKind.FAVOURITE))
    add_photo(library, "dog 1.jpg")
    add_photo(library, "dog 2.jpg")
    disk.error = error
    run, heart = failing.run_new()
    assert (run.copy_state, run.copy_count, heart.photo_count) == ("failed", 0, 2)
    paused = find_rule(library, rule_id)
    assert (paused.is_active, paused.pause_reason) == (False, run.copy_note)
    assert run.copy_note is not None
    assert reason in run.copy_note
    assert copies(folder) == {}
    failing.run_new()
    assert state(library, run)[0] == FileState.FAILED, "it waits for a person"
    disk.error = 0
    failing.activate(failing.dry_run(rule_id))
    assert copies(folder) == {"dog 1.jpg": "dog 1.jpg", "dog 2.jpg": "dog 2.jpg"}
    assert state(library, run) == ("done", 2, None)
    failing.undo(run.id)
    assert copies(folder) == {}


def test_a_full_disk(library: Library, runner: RuleRunner, tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=64k") as small:
        rule_id = make(runner, "Copies", "name:dog", copy_into(small, "{name}"))
        (small / "large").write_bytes(bytes(56_000))
        add_photo(library, "dog" * 5000 + ".jpg")
        (run,) = runner.run_new()
        assert run.copy_state == FileState.FAILED
        assert not find_rule(library, rule_id).is_active
        (small / "large").unlink()
        runner.activate(runner.dry_run(rule_id))
        assert state(library, run) == ("done", 1, None)


def test_a_failed_run_does_not_fail_a_rule_with_another_folder(
    library: Library, failing: RuleRunner, disk: _Failing, folder: Path
) -> None:
    rule_id = make(failing, "Copies", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    disk.error = errno.ENOSPC
    (run,) = failing.run_new()
    other = folder.with_name("other")
    other.mkdir()
    failing.change(rule_id, "Copies", "name:dog", [copy_into(other, "{name}")])
    failing.activate(failing.dry_run(rule_id))
    assert find_rule(library, rule_id).is_active
    assert state(library, run)[0] == FileState.FAILED
    disk.error = 0
    failing.run_all([rule_id])
    assert copies(other) == {"dog.jpg": "dog.jpg"}


@pytest.mark.parametrize("with_folder", [True, False])
def test_an_undo_without_the_folder_waits_for_it(
    library: Library, runner: RuleRunner, folder: Path, with_folder: bool
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    away = folder.with_name("away")
    folder.rename(away)
    undone = undo_with_files(library, run.id)
    assert undone.run.copy_state == FileState.UNDOING
    assert undone.run.copy_note is not None
    assert "does not exist. Connect its disk." in undone.run.copy_note
    if with_folder:
        away.rename(folder)
        runner.run_new()
        assert state(library, run) == ("undone", 0, None)
        assert copies(folder) == {}


def test_copies_that_another_process_writes_are_left_to_it(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    lock = acquire_lock(library.folder / "rule-copies")
    assert lock is not None
    (run,) = runner.run_new()
    assert (run.copy_state, copies(folder)) == ("pending", {})
    runner.undo(run.id)
    assert state(library, run)[0] == FileState.UNDOING
    lock.release()
    runner.run_new()
    assert state(library, run) == ("undone", 0, None)
    assert copies(folder) == {}


def test_a_sort_that_runs_in_the_folder_is_waited_for(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    rule_id = make(runner, "Copies", "name:dog", copy_into(folder, "{name}"))
    lock = acquire_lock(folder / ".scene-sort")
    assert lock is not None
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    assert (run.copy_state, find_rule(library, rule_id).is_active) == ("pending", True)
    lock.release()
    runner.run_new()
    assert state(library, run) == ("done", 1, None)


def test_copies_that_a_person_takes_back_stay_away(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    assert len(list(undo_sort(folder))) == 1
    undone = undo_with_files(library, run.id)
    assert (undone.run.copy_state, undone.run.copy_count, copies(folder)) == ("undone", 0, {})


def test_a_deleted_rule_leaves_copies_that_can_be_undone(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    rule_id = make(runner, "Copies", "name:dog", copy_into(folder, "{name}"))
    add_photo(library, "dog.jpg")
    (run,) = runner.run_new()
    delete_rule(library, rule_id)
    assert list(copies(folder)) == ["dog.jpg"]
    runner.undo(run.id)
    assert copies(folder) == {}


def test_folders_and_layouts_that_are_refused(
    library: Library, runner: RuleRunner, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    library.files.copy_location("ab" * 32, "JPEG").parent.mkdir(exist_ok=True)
    refused: list[tuple[Action, type[SceneError], str]] = [
        (copy_into(folder / "missing"), InvalidRule, "does not exist"),
        (copy_into(tmp_path / "file"), InvalidRule, "is a file"),
        (Action(ActionKind.COPY, "", LAYOUT), InvalidRule, "not the full path"),
        (Action(ActionKind.COPY, "photos", LAYOUT), InvalidRule, "not the full path"),
        (copy_into(library.folder / "originals"), InvalidRule, "belongs to the library"),
        (copy_into(folder, "{klass}/{name}"), InvalidLayout, "there is no field"),
        (copy_into(folder, "{class}"), InvalidLayout, "must contain"),
        (copy_into(folder, "../{name}"), InvalidLayout, "has no name"),
    ]
    for action, error, message in refused:
        with pytest.raises(error, match=message):
            runner.create("Copies", "name:dog", [action])
    with pytest.raises(InvalidRule, match="copies into one folder"):
        runner.create("Copies", "dog", [copy_into(folder), copy_into(folder, "{name}")])


def test_visitors_copy_nothing(library: Library, model: CurrentModel, folder: Path) -> None:
    def refuse(action: str) -> NoReturn:
        raise NotForVisitors(f"Visitors cannot {action}.")

    runner = RuleRunner(library, model, require_personal=refuse)
    with pytest.raises(NotForVisitors, match="copy photos into folders"):
        runner.create("Copies", "name:dog", [copy_into(folder)])


def test_rules_of_a_library_that_a_server_shares_copy_nothing(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    def refuse(action: str) -> NoReturn:
        raise NotForVisitors(f"Visitors cannot {action}.")

    rule_id = make(runner, "Copies", "name:dog", copy_into(folder))
    add_photo(library, "dog.jpg")
    (run,) = RuleRunner(library, model, require_personal=refuse).run_new()
    assert (run.copy_state, copies(folder)) == ("failed", {})
    assert not find_rule(library, rule_id).is_active


def _kills(library: Library, model: CurrentModel) -> Iterator[tuple[int, RuleRunner]]:
    for at in range(1, 200):
        disk = CrashingDisk(at)
        yield at, RuleRunner(library, model, file_system=disk)
        if not disk.is_dead:
            assert at > 12
            return


def _is_clean(library: Library) -> bool:
    with contextlib.closing(sqlite3.connect(library.folder / "library.db")) as connection:
        return row_problems(connection) == [] and unfinished_copies(library) == []


@pytest.mark.slow
def test_a_kill_at_any_step_of_the_disk_is_completed_at_the_next_start(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder))
    expected: dict[str, str] = {}
    for at, killed in _kills(library, model):
        for name in (f"dog {at} a.jpg", f"dog {at} b.jpg"):
            add_photo(library, name)
            expected[f"2024/sea/{name}"] = name
        lost = add_photo(library, f"dog {at} lost.jpg")
        library.files.copy_location(lost, "JPEG").unlink()
        try:
            killed.run_new()
        except Crash:
            (run, *_) = latest_runs(library, 1)
            assert run.copy_state == FileState.PENDING
            runner.run_new()
        assert copies(folder) == expected
        (run, *_) = latest_runs(library, 1)
        assert (run.copy_state, run.copy_count) == ("done", 2)
        assert run.copy_note is not None
        assert run.copy_note.startswith("1 photo was not copied: The original of")
        assert not [path for path in folder.rglob("*.part")]
    assert _is_clean(library)


def test_an_undo_before_another_run_is_completed_removes_none_of_its_folders(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder))
    add_photo(library, "dog 1.jpg")
    (run,) = runner.run_new()
    add_photo(library, "dog 2.jpg")
    with pytest.raises(Crash):
        RuleRunner(library, model, file_system=CrashingDisk(5)).run_new()
    undo_with_files(library, run.id)
    assert not (folder / "2024").exists()
    runner.run_new()
    assert list(copies(folder)) == ["2024/sea/dog 2.jpg"]


@pytest.mark.slow
def test_a_kill_at_any_step_of_an_undo_is_completed_at_the_next_start(
    library: Library, model: CurrentModel, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder))
    for at in range(1, 60):
        add_photo(library, f"dog {at}.jpg")
        (run,) = runner.run_new()
        disk = CrashingDisk(at)
        try:
            undo_with_files(library, run.id, disk)
        except Crash:
            assert state(library, run)[0] == FileState.UNDOING
            runner.run_new()
        assert copies(folder) == {}
        assert not (folder / "2024").exists()
        assert state(library, run) == ("undone", 0, None)
        if not disk.is_dead:
            break
    assert at > 4
    assert _is_clean(library)


@pytest.mark.slow
def test_a_kill_at_any_step_of_the_database_copies_each_photo_once(
    library: Library, runner: RuleRunner, folder: Path
) -> None:
    make(runner, "Copies", "name:dog", copy_into(folder, "{name}"))
    at, is_done = 0, False
    while not is_done:
        at += 1
        name = f"dog {at}.jpg"
        add_photo(library, name)
        with crash_at(library, at) as steps:
            try:
                runner.run_new()
                is_done = len(steps) < at
            except DatabaseCrash:
                runner.run_new()
        assert copies(folder) == {f"dog {n}.jpg": f"dog {n}.jpg" for n in range(1, at + 1)}
    assert at > 10
    assert _is_clean(library)
    assert {run.copy_count for run in latest_runs(library, 99)} == {1}
    for run in latest_runs(library, 99):
        runner.undo(run.id)
    assert copies(folder) == {}


@pytest.mark.slow
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["add", "undo", "start"]),
            st.one_of(st.none(), st.integers(1, 25)),
            st.integers(0, 9),
        ),
        max_size=14,
    )
)
def test_the_copies_are_those_of_the_runs_that_stand(
    steps: list[tuple[str, int | None, int]], model: CurrentModel, tmp_path: Path
) -> None:
    """In whatever order runs are made, undone and killed."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        folder = Path(place) / "sorted"
        folder.mkdir()
        with Library(Path(place) / "library") as library:
            runner = RuleRunner(library, model)
            make(runner, "Copies", "name:dog", copy_into(folder))
            for number, (act, kill_at, choice) in enumerate(steps):
                disk = CrashingDisk(10**9 if kill_at is None else kill_at)
                killed = RuleRunner(library, model, file_system=disk)
                runs = latest_runs(library, 99)
                with contextlib.suppress(Crash):
                    if act == "add":
                        add_photo(library, f"dog {number}.jpg")
                        killed.run_new()
                    elif act == "undo" and runs:
                        undo_with_files(library, runs[choice % len(runs)].id, disk)
                    else:
                        killed.run_new()
            runner.run_new()
            runs = latest_runs(library, 99)
            standing = {name for run in runs if run.can_undo for name in _names(library, run)}
            assert set(copies(folder).values()) == standing
            assert {run.copy_state for run in runs} <= {"done", "undone"}
            assert _is_clean(library)
            for run in runs:
                runner.undo(run.id)
            assert copies(folder) == {}


def _names(library: Library, run: RuleRun) -> set[str]:
    return {photo.name for photo in library.records(copied_photos(library, run.id))}
