"""Whatever people, rules and crashes do in whatever order, each value is whose it should be.

The model of the test knows two things: what people decided, as a stack of edits, and what the runs
of rules that stand have set. A person's value counts before one of a rule.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from scene_model.classifier.model import CurrentModel
from scene_model.library import edits
from scene_model.library.albums.album_edits import (
    Step,
    add_to_album,
    create_album,
    move_in_album,
    remove_from_album,
)
from scene_model.library.database.schema import (
    album_photos,
    class_decisions,
    photos,
    tag_decisions,
)
from scene_model.library.rules.rule_actions import Action, ActionKind
from scene_model.library.rules.rule_rows import all_rules, move_rule, pause_rule
from scene_model.library.rules.run_rows import latest_runs
from scene_model.library.rules.run_undo import undo_run
from scene_model.library.store import Library
from scene_model.maintenance.row_check import row_problems
from scene_model.rules.rule_runner import RuleRunner
from tests.library.rows import Row, add
from tests.rules.crashes import Crash, crash_at

pytestmark = pytest.mark.slow

Key = tuple[str, str, str]  # photo, kind of action, tag or album
Values = dict[Key, str]
MOVED = "moved in the album"
SINGLE = ("class", "favourite", "rating")
EXAMPLES = int(os.environ.get("RULE_EXAMPLES", "4"))
# A photo that came in, of which `verify` finds nothing wrong.
NEW = {
    "awaits_rules": True,
    "confidence": 0.9,
    "fallback_class": "unsure",
    "fallback_class_source": "none",
    "fallback_class_score": 0.0,
}
NAMES = ["a", "abc", "bc"]


@dataclass
class PersonEdit:
    values: Values
    is_undone: bool = False


@dataclass
class MadeRule:
    """matches: whether the rule is for a photo, by its name and its tags."""

    query: str
    matches: Callable[[str, set[str]], bool]
    actions: tuple[tuple[str, str], ...]


RULES = {
    "first": MadeRule("name:a", lambda name, tags: "a" in name, (("tag", "X"), ("rating", "3"))),
    "by tag": MadeRule(
        "tag:X", lambda name, tags: "X" in tags, (("class", "one"), ("album", ""), ("tag", "Y"))
    ),
    "loop": MadeRule(
        "tag:Y OR name:c",
        lambda name, tags: "Y" in tags or "c" in name,
        (("tag", "X"), ("class", "two"), ("favourite", "")),
    ),
    "against": MadeRule(
        "name:b -tag:Y",
        lambda name, tags: "b" in name and "Y" not in tags,
        (("class", "two"), ("tag", "Y"), ("album", ""), ("rating", "5")),
    ),
}


@dataclass
class Expected:
    """What the library should hold."""

    people: list[PersonEdit] = field(default_factory=list)
    runs: dict[int, tuple[str, Values]] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)

    def value(self, key: Key) -> str | None:
        standing = [e.values[key] for e in self.people if not e.is_undone and key in e.values]
        if standing:
            return "in" if standing[-1] == MOVED else standing[-1] or None
        return next((values[key] for _, values in self.runs.values() if key in values), None)

    def tags(self, photo: str) -> set[str]:
        return {tag for tag in "XY" if self.value((photo, "tag", tag)) == "added"}

    def is_by_rule(self, key: Key, of: str | None = None) -> bool:
        return any(key in values for name, values in self.runs.values() if of in (None, name))

    def is_touched(self, key: Key) -> bool:
        return any(key in edit.values for edit in self.people)

    def decide(self, values: Values) -> None:
        """A person sets values; "" takes one away."""
        changed = {
            key: value
            for key, value in values.items()
            if (value or None) != self.value(key) or (value and self.is_by_rule(key))
        }
        if changed:
            self.people = [edit for edit in self.people if not edit.is_undone]
            self.people.append(PersonEdit(changed))

    def run(self, name: str, matched: list[str]) -> Values:
        """A rule runs on the photos that match; returns what it sets."""
        made, values = RULES[name], Values()
        for photo in matched:
            for kind, value in made.actions:
                key, new = _key_and_value(photo, kind, value)
                current = self.value(key)
                is_free = current is None or (current == new and self.is_by_rule(key))
                if is_free and not self.is_touched(key) and not self.is_by_rule(key, of=name):
                    values[key] = new
        return values

    def undo_run(self, run_id: int) -> None:
        _, values = self.runs.pop(run_id)
        for key in values:
            if key[1] == "album" and not self.is_by_rule(key):
                for edit in [e for e in self.people if key in e.values]:
                    if edit.values[key] == "in":
                        break
                    del edit.values[key]
        self.people = [edit for edit in self.people if edit.values]


def _key_and_value(photo: str, kind: str, value: str) -> tuple[Key, str]:
    if kind == "tag":
        return (photo, kind, value), "added"
    return (photo, kind, ""), "in" if kind == "album" else value or "1"


class Rules(RuleBasedStateMachine):
    """Three photos, four rules, a person, and crashes."""

    model: CurrentModel
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(self.template, self.folder / "library")
        self.library = Library(self.folder / "library")
        self.runner = RuleRunner(self.library, self.model)
        self.expected = Expected()
        self.album_id = create_album(self.library, "Album")
        self.rule_ids = {}
        for name, made in RULES.items():
            actions = [
                Action(ActionKind(kind), str(self.album_id) if kind == "album" else value)
                for kind, value in made.actions
            ]
            self.rule_ids[name] = self.runner.create(name, made.query, actions)
        self.present: list[str] = []

    def teardown(self) -> None:
        self.library.close()
        shutil.rmtree(self.folder)

    @initialize(active=st.sets(st.sampled_from(sorted(RULES)), min_size=1))
    def begin(self, active: set[str]) -> None:
        for name in sorted(active):
            self.runner.activate(self.runner.dry_run(self.rule_ids[name]))

    @precondition(lambda self: len(self.present) < len(NAMES))
    @rule(count=st.integers(1, 3))
    def come_in(self, count: int) -> None:
        names = NAMES[len(self.present) :][:count]
        add(self.library, *(Row(name, more=NEW) for name in names))
        self.present += names
        self.expected.new += names

    @rule(at=st.one_of(st.none(), st.integers(1, 60)))
    def run_new(self, at: int | None) -> None:
        active = [rule.name for rule in all_rules(self.library) if rule.is_active]
        if self._crashes(at, self.runner.run_new):
            return
        self._expect_runs(active, self.expected.new)
        self.expected.new = []

    @rule(
        names=st.one_of(st.none(), st.sets(st.sampled_from(sorted(RULES)), min_size=1)),
        at=st.one_of(st.none(), st.integers(1, 60)),
    )
    def run_all(self, names: set[str] | None, at: int | None) -> None:
        in_order = [
            rule.name
            for rule in all_rules(self.library)
            if (rule.is_active if names is None else rule.name in names)
        ]
        rule_ids = None if names is None else [self.rule_ids[name] for name in names]
        has_crashed = self._crashes(at, lambda: self.runner.run_all(rule_ids))
        self._expect_runs(in_order, self.present, has_crashed)

    @precondition(lambda self: self.expected.runs)
    @rule(data=st.data(), at=st.one_of(st.none(), st.integers(1, 14)))
    def undo_a_run(self, data: st.DataObject, at: int | None) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.expected.runs)))
        if not self._crashes(at, lambda: undo_run(self.library, run_id)):
            self.expected.undo_run(run_id)
            assert undo_run(self.library, run_id) == 0

    @precondition(lambda self: self.present)
    @rule(
        data=st.data(),
        tag=st.sampled_from("XY"),
        kind=st.sampled_from(["tag", "class", "favourite", "rating", "album"]),
        takes_away=st.booleans(),
        value=st.sampled_from(["1", "3", "5"]),
    )
    def decide(
        self, data: st.DataObject, tag: str, kind: str, takes_away: bool, value: str
    ) -> None:
        names = data.draw(st.lists(st.sampled_from(self.present), min_size=1, unique=True))
        ids = [Row(name).id for name in names]
        new = {"tag": "added", "class": "one", "favourite": "1", "rating": value, "album": "in"}
        keys = [(name, kind, tag if kind == "tag" else "") for name in names]
        self.expected.decide(dict.fromkeys(keys, "" if takes_away else new[kind]))
        match kind, takes_away:
            case "tag", False:
                edits.add_tag(self.library, ids, tag)
            case "tag", True:
                edits.remove_tag(self.library, ids, tag)
            case "class", _:
                edits.set_class(self.library, ids, None if takes_away else "one")
            case "favourite", _:
                edits.set_favourite(self.library, ids, not takes_away)
            case "rating", _:
                edits.set_rating(self.library, ids, 0 if takes_away else int(value))
            case "album", False:
                add_to_album(self.library, self.album_id, ids)
            case "album", True:
                remove_from_album(self.library, self.album_id, ids)

    @rule(data=st.data(), step=st.sampled_from(list(Step)))
    def move(self, data: st.DataObject, step: Step) -> None:
        before = self._positions()
        if not before:
            return
        names = data.draw(st.lists(st.sampled_from(sorted(before)), min_size=1, unique=True))
        move_in_album(self.library, self.album_id, [Row(name).id for name in names], step)
        after = self._positions()
        moved = [name for name in before if before[name] != after[name]]
        if moved:
            self.expected.people = [e for e in self.expected.people if not e.is_undone]
            values = {(name, "album", ""): MOVED for name in moved}
            self.expected.people.append(PersonEdit(values))

    @precondition(lambda self: self.expected.people)
    @rule(is_redo=st.booleans())
    def undo_or_redo(self, is_redo: bool) -> None:
        people = self.expected.people
        if is_redo:
            edit = next((edit for edit in people if edit.is_undone), None)
            assert (edits.redo(self.library) is None) == (edit is None)
        else:
            edit = next((edit for edit in reversed(people) if not edit.is_undone), None)
            if edit is not None:
                assert edits.undo(self.library) is not None
        if edit is not None:
            edit.is_undone = not is_redo

    @rule(name=st.sampled_from(sorted(RULES)), to=st.integers(0, 3), pauses=st.booleans())
    def change_rules(self, name: str, to: int, pauses: bool) -> None:
        move_rule(self.library, self.rule_ids[name], to)
        if pauses:
            pause_rule(self.library, self.rule_ids[name])
        elif not self.expected.new:
            self.runner.activate(self.runner.dry_run(self.rule_ids[name]))

    @invariant()
    def each_value_is_whose_it_should_be(self) -> None:
        keys = [
            (name, kind, label)
            for name in self.present
            for kind, label in (
                *(("tag", "X"), ("tag", "Y"), ("album", "")),
                *((kind, "") for kind in SINGLE),
            )
        ]
        expected = {key: self.expected.value(key) for key in keys}
        assert {key: self._stored()[key] for key in keys} == expected

    @invariant()
    def verify_is_clean(self) -> None:
        with self.library.database.reader.connect() as connection:
            driver: Any = connection.connection.driver_connection
            assert row_problems(driver) == []

    def _expect_runs(
        self, in_order: list[str], among: list[str], has_crashed: bool = False
    ) -> None:
        """Expect what the rules do one after another; each sees what those before it did.

        After a crash some of them, the first ones.
        """
        ids = sorted(run.id for run in latest_runs(self.library, 1000))
        new_ids = [run_id for run_id in ids if run_id > self._last_run_id]
        for name in in_order:
            tags = {photo: self.expected.tags(photo) for photo in among}
            matched = [photo for photo in among if RULES[name].matches(photo, tags[photo])]
            values = self.expected.run(name, matched)
            if values and has_crashed and not new_ids:
                return
            if values:
                self.expected.runs[new_ids.pop(0)] = (name, values)
        assert new_ids == []

    def _crashes(self, at: int | None, act: Callable[[], object]) -> bool:
        """Act, until a crash at a step; returns whether it crashed."""
        self._last_run_id = max((run.id for run in latest_runs(self.library, 1)), default=0)
        with crash_at(self.library, at):
            try:
                act()
            except Crash:
                return True
        return False

    def _stored(self) -> dict[Key, str | None]:
        with self.library.database.reader.begin() as connection:
            rows = connection.execute(select(photos)).all()
            tags = {
                (r.photo_id, r.label): r.verdict for r in connection.execute(select(tag_decisions))
            }
            classes = dict(
                connection.execute(
                    select(class_decisions.c.photo_id, class_decisions.c.label)
                ).all()
            )
        placed = self._positions()
        stored: dict[Key, str | None] = {}
        for row in rows:
            for tag in "XY":
                stored[row.name, "tag", tag] = tags.get((row.id, tag))
            stored[row.name, "class", ""] = classes.get(row.id)
            stored[row.name, "favourite", ""] = "1" if row.favourite else None
            stored[row.name, "rating", ""] = str(row.human_rating) if row.human_rating else None
            stored[row.name, "album", ""] = "in" if row.name in placed else None
        return stored

    def _positions(self) -> dict[str, int]:
        query = select(photos.c.name, album_photos.c.position).join(
            album_photos, album_photos.c.photo == photos.c.number
        )
        with self.library.database.reader.begin() as connection:
            rows = connection.execute(query.where(album_photos.c.album_id == self.album_id))
            return {row.name: row.position for row in rows}


def test_laws(model: CurrentModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few examples of many steps; RULE_EXAMPLES asks for more."""
    monkeypatch.setattr("scene_model.library.database.connections.SYNCHRONOUS", "OFF")
    Library(tmp_path / "template").close()
    machine = type("RulesOfModel", (Rules,), {"model": model, "template": tmp_path / "template"})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None),
    )
