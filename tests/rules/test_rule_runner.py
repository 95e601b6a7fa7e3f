"""Rules are made, tried, run on photos that come in, and pause themselves when they cannot run."""

from pathlib import Path

import pytest

from scene_model.errors import (
    InvalidRule,
    InvalidTag,
    QueryError,
    RuleNameTaken,
    RuleNotFound,
    SceneError,
)
from scene_model.library.albums.album_edits import (
    Step,
    add_to_album,
    create_album,
    create_query_album,
    delete_album,
    move_in_album,
    remove_from_album,
    rename_album,
)
from scene_model.library.albums.own_albums import own_albums
from scene_model.library.database.schema import photos
from scene_model.library.edits import (
    add_tag,
    latest_edit,
    move_to_trash,
    restore,
    set_class,
    undo,
)
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_passes import has_new_photos, run_on_new
from scene_model.library.rules.rule_rows import (
    all_rules,
    delete_rule,
    find_rule,
    move_rule,
    pause_rule,
)
from scene_model.library.rules.run_rows import count_by_rule, find_run, latest_runs
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.sort_order import Sort, SortKey
from scene_model.library.store import Library
from scene_model.library.trash import empty_trash
from scene_model.rules.rule_runner import RuleRunner
from scene_model.search.own_albums import is_placed
from tests.library.rows import Row, add, put
from tests.rules.crashes import Crash, crash_at

TAG_DOG = Action(ActionKind.TAG, "Rex")
TODAY = "2024-07-15"


def new(name: str, **values: object) -> Row:
    return Row(name, more={"awaits_rules": True, **values})


def make(runner: RuleRunner, name: str, query: str, *actions: Action) -> int:
    rule_id = runner.create(name, query, actions)
    runner.activate(runner.dry_run(rule_id))
    return rule_id


def tags(library: Library, name: str) -> set[str]:
    return set(library.photo(Row(name).id).shown_tags)


def test_a_rule_is_for_photos_that_come_in_after_it(library: Library, runner: RuleRunner) -> None:
    add(library, new("dog before.jpg"))
    make(runner, "Our dog", "name:dog", TAG_DOG)
    add(library, new("dog after.jpg"), new("cat.jpg"))
    (run,) = runner.run_new()
    assert (run.rule_name, run.words, run.photo_count) == ("Our dog", "add the tag “Rex”", 1)
    assert [tags(library, name) for name in ("dog before.jpg", "dog after.jpg", "cat.jpg")] == [
        set(),
        {"Rex"},
        set(),
    ]
    assert runner.run_new() == []
    assert latest_edit(library) is None, "Ctrl+Z undoes what a person did"


def test_many_new_photos_are_handled_in_parts(library: Library, runner: RuleRunner) -> None:
    make(runner, "Our dog", "name:dog", TAG_DOG)
    add(library, *(new(f"dog {number}.jpg") for number in range(5)))
    (run,) = run_on_new(library, lambda _: photos.c.folded_name.contains("dog"), most=2)
    assert (run.photo_count, has_new_photos(library)) == (2, True)
    assert [run.photo_count for run in runner.run_new()] == [3]
    assert not has_new_photos(library)


def test_each_rule_handles_each_photo_once(library: Library, runner: RuleRunner) -> None:
    make(runner, "Our dog", "name:dog", TAG_DOG)
    add(library, new("dog.jpg"))
    (run,) = runner.run_new()
    undo_run(library, run.id)
    make(runner, "More", "name:dog", Action(ActionKind.FAVOURITE))
    assert runner.run_new() == []
    assert tags(library, "dog.jpg") == set()


def test_today_is_the_day_of_the_run(library: Library, runner: RuleRunner) -> None:
    make(runner, "Today", "taken:today", TAG_DOG)
    add(library, new("a.jpg", auto_taken_at=f"{TODAY}T10:00:00"), new("b.jpg"))
    runner.run_new()
    assert (tags(library, "a.jpg"), tags(library, "b.jpg")) == ({"Rex"}, set())


def test_rules_run_in_their_order_and_see_what_earlier_ones_did(
    library: Library, runner: RuleRunner
) -> None:
    second = make(runner, "Second", "tag:rex", Action(ActionKind.CLASS, "pets"))
    make(runner, "First", "name:dog", TAG_DOG, Action(ActionKind.CLASS, "dogs"))
    third = make(runner, "Third", "class:dogs", Action(ActionKind.FAVOURITE))
    add(library, new("dog 1.jpg"))
    assert [run.rule_name for run in runner.run_new()] == ["First", "Third"]
    move_rule(library, second, 1)
    add(library, new("dog 2.jpg"))
    assert [run.rule_name for run in runner.run_new()] == ["First", "Third"]
    photo = library.photo(Row("dog 2.jpg").id)
    assert (photo.photo_class, photo.favourite) == ("dogs", True), "the first in order decides"
    assert [rule.id for rule in all_rules(library)][-1] == third


def test_a_person_decides_before_a_rule(library: Library, runner: RuleRunner) -> None:
    put(library, [Row("dog 1.jpg", rejected=["Rex"]), Row("dog 2.jpg"), Row("dog 3.jpg")])
    ids = [Row(f"dog {number}.jpg").id for number in (1, 2, 3)]
    set_class(library, ids[1:2], "Grandma")
    set_class(library, ids[2:], "Grandma")
    undo(library)  # it can still be redone
    rule_id = runner.create("Dogs", "name:dog", [TAG_DOG, Action(ActionKind.CLASS, "dogs")])
    shown = runner.dry_run(rule_id)
    counts = [(a.count.changed, a.count.by_person, a.count.by_rules) for a in shown.actions]
    assert (shown.matching, shown.changed, counts) == (3, 3, [(2, 1, 0), (1, 2, 0)])
    (run,) = runner.run_all([rule_id])
    assert run.photo_count == 3
    classes = [photo.photo_class for photo in library.records(ids)]
    assert classes == ["dogs", "Grandma", "sea"]
    assert tags(library, "dog 1.jpg") == set()
    counts = [
        (a.count.changed, a.count.by_person, a.count.by_rules)
        for a in runner.dry_run(rule_id).actions
    ]
    assert counts == [(0, 1, 2), (0, 2, 1)]


def test_ratings_of_other_programs_are_of_people(library: Library, runner: RuleRunner) -> None:
    put(library, [Row("a.jpg", more={"imported_rating": 2}), Row("b.jpg")])
    runner.run_all([runner.create("Best", "name:jpg", [Action(ActionKind.RATING, "5")])])
    assert [library.photo(Row(name).id).rating for name in ("a.jpg", "b.jpg")] == [2, 5]


def test_what_a_person_confirms_outlives_the_run(library: Library, runner: RuleRunner) -> None:
    put(library, [Row("dog 1.jpg"), Row("dog 2.jpg")])
    (run,) = runner.run_all([runner.create("Dogs", "name:dog", [TAG_DOG])])
    assert add_tag(library, [Row("dog 1.jpg").id], "Rex").photo_count == 1
    assert undo_run(library, run.id) == 1
    assert (tags(library, "dog 1.jpg"), tags(library, "dog 2.jpg")) == ({"Rex"}, set())
    undo(library)
    assert tags(library, "dog 1.jpg") == set()


def test_undoing_a_run_leaves_what_another_run_did(library: Library, runner: RuleRunner) -> None:
    put(library, [Row("dog.jpg"), Row("dog house.jpg")])
    first = runner.create("Dogs", "name:dog", [TAG_DOG])
    second = runner.create("Houses", "name:house", [TAG_DOG])
    runs = runner.run_all([first, second])
    assert [run.photo_count for run in runs] == [2, 1]
    assert undo_run(library, runs[0].id) == 1
    assert (tags(library, "dog.jpg"), tags(library, "dog house.jpg")) == (set(), {"Rex"})
    assert undo_run(library, runs[1].id) == 1
    assert tags(library, "dog house.jpg") == set()
    assert count_by_rule(library) == {}
    with pytest.raises(RuleNotFound):
        undo_run(library, 99)


def test_photos_that_a_rule_put_into_an_album(library: Library, runner: RuleRunner) -> None:
    rows = [Row(f"dog {number}.jpg") for number in range(4)]
    put(library, rows)
    album_id = create_album(library, "Pets")
    ids = [row.id for row in rows]

    def placed() -> list[str]:
        (album,) = [album for album in own_albums(library) if album.id == album_id]
        return library.find(is_placed(album_id), sort=Sort(SortKey.ALBUM, album=album.id))

    rule_id = runner.create("Dogs", "name:dog", [Action(ActionKind.ALBUM, str(album_id))])
    (run,) = runner.run_all([rule_id])
    assert placed() == ids
    move_in_album(library, album_id, ids[3:], Step.FIRST)
    remove_from_album(library, album_id, ids[:2])
    add_to_album(library, album_id, ids[1:2])
    assert placed() == [ids[3], ids[2], ids[1]]
    assert undo_run(library, run.id) == 3
    assert placed() == [ids[1]], "moving a photo does not put it there"
    assert undo(library) is not None
    assert placed() == []
    assert latest_edit(library) == "Album “Pets” made", "taking out and moving are undone with it"


def test_a_rule_without_its_album_pauses_and_the_others_go_on(
    library: Library, runner: RuleRunner
) -> None:
    album_id = create_album(library, "Pets")
    rule_id = make(runner, "Album", "name:dog", Action(ActionKind.ALBUM, str(album_id)))
    make(runner, "Tag", "name:dog", TAG_DOG)
    rename_album(library, album_id, "Our pets")
    assert find_rule(library, rule_id).words == "put into the album “Our pets”"
    delete_album(library, album_id)
    add(library, new("dog.jpg"))
    assert [run.rule_name for run in runner.run_new()] == ["Tag"]
    paused = find_rule(library, rule_id)
    assert (paused.is_active, paused.pause_reason) == (
        False,
        "The album “Our pets” no longer exists.",
    )
    shown = runner.dry_run(rule_id)
    assert shown.failure == paused.pause_reason
    with pytest.raises(InvalidRule, match="cannot run"):
        runner.activate(shown)
    undo(library)
    runner.activate(runner.dry_run(rule_id))
    assert find_rule(library, rule_id).pause_reason is None


def test_a_query_that_cannot_be_read_any_more_pauses_its_rule(
    library: Library, runner: RuleRunner
) -> None:
    album_id = create_query_album(library, "Dogs", "name:dog")
    rule_id = make(runner, "Rule", "album:Dogs", TAG_DOG)
    delete_album(library, album_id)
    add(library, new("dog.jpg"))
    assert runner.run_new() == []
    reason = find_rule(library, rule_id).pause_reason
    assert reason is not None
    assert reason.startswith("Its query cannot be read: There is no album 'Dogs'.")


def test_an_album_that_follows_a_search_takes_no_photos(
    library: Library, runner: RuleRunner
) -> None:
    album_id = create_query_album(library, "Dogs", "name:dog")
    rule_id = runner.create("Rule", "name:dog", [Action(ActionKind.ALBUM, str(album_id))])
    assert runner.dry_run(rule_id).failure == "The album “Dogs” follows a search."


def test_a_changed_rule_is_tried_again(library: Library, runner: RuleRunner) -> None:
    rule_id = make(runner, "Dogs", "name:dog", TAG_DOG)
    shown = runner.dry_run(rule_id)
    runner.change(rule_id, "Our dogs", "name:dog", [TAG_DOG])
    assert find_rule(library, rule_id).is_active, "only its name changed"
    runner.change(rule_id, "Our dogs", "name:hound", [TAG_DOG])
    assert not find_rule(library, rule_id).is_active
    with pytest.raises(InvalidRule, match="was changed since"):
        runner.activate(shown)


@pytest.mark.parametrize(
    ("name", "query", "actions", "error"),
    [
        ("", "dog", [TAG_DOG], InvalidRule),
        ("x" * 61, "dog", [TAG_DOG], InvalidRule),
        ("a", " ", [TAG_DOG], InvalidRule),
        ("a", "(dog", [TAG_DOG], QueryError),
        ("a", "dog", [], InvalidRule),
        ("a", "dog", [Action(ActionKind.TAG, 'a "b"')], InvalidTag),
        ("a", "dog", [Action(ActionKind.CLASS, n) for n in ("x", "y")], InvalidRule),
        ("a", "dog", [Action(ActionKind.RATING, "6")], InvalidRule),
        ("a", "dog", [Action(ActionKind.ALBUM, "one")], InvalidRule),
        ("a", "dog", [Action(ActionKind.TAG, f"t{n}") for n in range(13)], InvalidRule),
        ("TAKEN", "dog", [TAG_DOG], RuleNameTaken),
    ],
)
def test_rules_that_are_refused(
    library: Library,
    runner: RuleRunner,
    name: str,
    query: str,
    actions: list[Action],
    error: type[SceneError],
) -> None:
    runner.create("taken", "dog", [TAG_DOG])
    with pytest.raises(error):
        runner.create(name, query, actions)
    assert [rule.name for rule in all_rules(library)] == ["taken"]


def test_a_paused_rule_does_nothing(library: Library, runner: RuleRunner) -> None:
    rule_id = make(runner, "Dogs", "name:dog", TAG_DOG)
    pause_rule(library, rule_id)
    add(library, new("dog 1.jpg"))
    assert runner.run_new() == []
    runner.activate(runner.dry_run(rule_id))
    add(library, new("dog 2.jpg"))
    runner.run_new()
    assert (tags(library, "dog 1.jpg"), tags(library, "dog 2.jpg")) == (set(), {"Rex"})


def test_photos_in_the_trash_wait(library: Library, runner: RuleRunner) -> None:
    make(runner, "Dogs", "name:dog", TAG_DOG)
    add(library, new("dog.jpg"))
    move_to_trash(library, [Row("dog.jpg").id])
    assert runner.run_new() == []
    restore(library, [Row("dog.jpg").id])
    assert len(runner.run_new()) == 1


def test_runs_of_a_deleted_rule_can_be_undone(library: Library, runner: RuleRunner) -> None:
    rule_id = make(runner, "Dogs", "name:dog", TAG_DOG)
    add(library, new("dog.jpg"))
    (run,) = runner.run_new()
    delete_rule(library, rule_id)
    kept = find_run(library, run.id)
    assert (kept.rule_id, kept.rule_name, kept.can_undo) == (None, "Dogs", True)
    assert undo_run(library, run.id) == 1
    assert tags(library, "dog.jpg") == set()
    assert [(r.can_undo, r.is_undone) for r in latest_runs(library, 5)] == [(False, True)]


def test_a_run_on_photos_that_were_deleted_for_ever(library: Library, runner: RuleRunner) -> None:
    make(runner, "Dogs", "name:dog", TAG_DOG)
    add(library, new("dog.jpg"))
    (run,) = runner.run_new()
    move_to_trash(library, [Row("dog.jpg").id])
    empty_trash(library, [Row("dog.jpg").id])
    assert not find_run(library, run.id).can_undo
    assert undo_run(library, run.id) == 0


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_all_or_nothing(
    tmp_path: Path, library: Library, runner: RuleRunner
) -> None:
    make(runner, "Dogs", "name:dog", TAG_DOG, Action(ActionKind.FAVOURITE))
    make(runner, "Rex", "tag:Rex", Action(ActionKind.CLASS, "dogs"))
    at, is_done = 0, False
    while not is_done:
        at += 1
        names = [f"dog {at} {number}.jpg" for number in range(2)]
        add(library, *map(new, names))
        with crash_at(library, at) as steps:
            try:
                runs = runner.run_new()
                is_done = len(steps) < at
            except Crash:
                assert all(tags(library, name) == set() for name in names)
                assert steps[-1] in ("statement", "commit")
                runs = runner.run_new()
        for name in names:
            photo = library.photo(Row(name).id)
            assert (photo.shown_tags, photo.favourite) == (("Rex",), True)
            assert photo.photo_class == "dogs"
        assert [run.photo_count for run in runs] == [2, 2]
    assert at > 15
    (newest, *_) = latest_runs(library, 1)
    with crash_at(library, 3), pytest.raises(Crash):
        undo_run(library, newest.id)
    assert find_run(library, newest.id).can_undo
    assert undo_run(library, newest.id) == 2
