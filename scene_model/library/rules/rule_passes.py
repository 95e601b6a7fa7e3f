"""Run rules on photos, in transactions that are completed or not begun.

A photo that came in awaits rules until all of them handled it, in one transaction; nothing else
makes it wait, so what a rule changes never starts another pass.
"""

import datetime
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from scene_model.errors import QueryError
from scene_model.library.database.connections import with_large_cache
from scene_model.library.database.schema import edit_changes, edits, photos, rule_runs
from scene_model.library.edits import apply_changes, begin_edit, count_photos
from scene_model.library.photo_query import filter_photos
from scene_model.library.rules.rule_actions import (
    copy_action,
    copy_folder_problem,
    missing_album,
)
from scene_model.library.rules.rule_changes import numbers_in, record_changes
from scene_model.library.rules.rule_rows import Rule, read_rule, read_rules, write_pause
from scene_model.library.rules.run_copies import new_copies
from scene_model.library.rules.run_rows import RuleRun, rule_run
from scene_model.library.rules.run_sidecars import new_sidecars
from scene_model.library.store import Library

ConditionOf = Callable[[str], ColumnElement[bool] | None]
"""Returns the condition of a query line; raises QueryError."""


# Those in the trash wait until they are restored.
_IS_NEW = photos.c.awaits_rules.is_not(None) & photos.c.trashed_at.is_(None)
# SQLite would rather take an index of all photos outside the trash.
_AWAITING = (photos, "INDEXED BY photos_awaiting_rules", "sqlite")
_NONE = "[]"
_MOST_AT_ONCE = 10_000


def has_new_photos(library: Library) -> bool:
    """Whether photos came in that rules have not handled."""
    query = select(photos.c.number).with_hint(*_AWAITING).where(_IS_NEW).limit(1)
    with library.database.reader.begin() as connection:
        return connection.execute(query).first() is not None


def run_on_new(
    library: Library, condition_of: ConditionOf, most: int = _MOST_AT_ONCE
) -> list[RuleRun]:
    """Run the active rules, in their order, on photos that came in; returns the runs.

    most: how many photos at once, since nobody else can write meanwhile. The others still wait.
    """
    with library.database.writer.begin() as connection, with_large_cache(connection):
        rules = [rule for rule in read_rules(connection) if rule.is_active]
        new = select(photos.c.number).with_hint(*_AWAITING).where(_IS_NEW)
        new = new.order_by(photos.c.number).limit(most)
        numbers = _listed(connection, new)
        # At most once, also where a rule fails.
        connection.execute(
            update(photos).where(photos.c.number.in_(numbers_in(numbers))).values(awaits_rules=None)
        )
        return _run(connection, rules, condition_of, numbers)


def run_on_all(library: Library, rule_id: int, condition_of: ConditionOf) -> RuleRun | None:
    """Run a rule on all photos that match now; returns the run, None where nothing changes.

    A rule that cannot run is paused. Raises RuleNotFound.
    """
    with library.database.writer.begin() as connection, with_large_cache(connection):
        runs = _run(connection, [read_rule(connection, rule_id)], condition_of, None)
    return runs[0] if runs else None


def failure_of(connection: Connection, rule: Rule, condition_of: ConditionOf) -> str | None:
    """Say why a rule cannot run; None if it can."""
    try:
        condition_of(rule.query)
    except QueryError as error:
        return f"Its query cannot be read: {error.message}"
    copying = copy_action(rule.actions)
    problem = None if copying is None else copy_folder_problem(Path(copying.value))
    return problem or missing_album(connection, rule.actions)


def matching_numbers(
    connection: Connection, rule: Rule, condition_of: ConditionOf, among: str | None = None
) -> str:
    """Return the numbers of the photos that match a rule now, a JSON list. among: only of these."""
    where = condition_of(rule.query)
    query = filter_photos(select(photos.c.number), where, trashed=False)
    if among is not None:
        query = query.where(photos.c.number.in_(numbers_in(among)))
    return _listed(connection, query)


def _run(
    connection: Connection, rules: Iterable[Rule], condition_of: ConditionOf, among: str | None
) -> list[RuleRun]:
    runs = []
    for rule in rules:
        reason = failure_of(connection, rule, condition_of)
        if reason is not None:
            write_pause(connection, rule.id, reason)
            continue
        numbers = matching_numbers(connection, rule, condition_of, among)
        run = _change(connection, rule, numbers, is_on_all=among is None)
        if run is not None:
            runs.append(run)
    return runs


def _change(connection: Connection, rule: Rule, numbers: str, is_on_all: bool) -> RuleRun | None:
    """Change the photos of a rule; without a change, no run is recorded."""
    if numbers == _NONE:
        return None
    edit_id = begin_edit(connection, f"Rule “{rule.name}”: {rule.words}")
    for action in rule.actions:
        record_changes(connection, edit_id, rule.id, action, numbers)
    photo_count = count_photos(connection, edit_id)
    if not photo_count:
        connection.execute(delete(edits).where(edits.c.id == edit_id))
        return None
    apply_changes(connection, edit_id, edit_changes.c.after)
    inserted = connection.execute(
        insert(rule_runs).values(
            rule_id=rule.id,
            rule_name=rule.name,
            words=rule.words,
            at=_now(),
            is_on_all=is_on_all,
            photo_count=photo_count,
            edit_id=edit_id,
            **new_copies(connection, edit_id, rule),
            **new_sidecars(connection, edit_id, rule),
        )
    )
    row = connection.execute(select(rule_runs).where(rule_runs.c.id == inserted.lastrowid)).one()
    return rule_run(row)


def _listed(connection: Connection, query: Any) -> str:
    return json.dumps(list(connection.execute(query).scalars()))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
