"""Standing rules as people make and change them."""

import datetime
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from scene_model.classifier.vocabulary import fold
from scene_model.errors import InvalidRule, RuleNameTaken, RuleNotFound
from scene_model.library.database.schema import rules
from scene_model.library.rules.rule_actions import (
    Action,
    ActionKind,
    action_words,
    actions_text,
    check_actions,
    read_actions,
)
from scene_model.library.store import Library

MAX_NAME_LENGTH = 60


@dataclass(frozen=True)
class Rule:
    """A standing rule. words: what it does. pause_reason: None where a person paused it."""

    id: int
    name: str
    query: str
    actions: tuple[Action, ...]
    words: str
    is_active: bool
    pause_reason: str | None


def all_rules(library: Library) -> list[Rule]:
    """Return the rules of a library, in their order."""
    with library.database.reader.begin() as connection:
        return read_rules(connection)


def read_rules(connection: Connection) -> list[Rule]:
    """Like `all_rules`, within a transaction."""
    rows = connection.execute(select(rules).order_by(rules.c.position, rules.c.id)).all()
    return [_rule(connection, row) for row in rows]


def find_rule(library: Library, rule_id: int) -> Rule:
    """Return a rule; raises RuleNotFound."""
    with library.database.reader.begin() as connection:
        return read_rule(connection, rule_id)


def read_rule(connection: Connection, rule_id: int) -> Rule:
    """Like `find_rule`, within a transaction."""
    row = connection.execute(select(rules).where(rules.c.id == rule_id)).first()
    if row is None:
        raise RuleNotFound("This rule no longer exists.")
    return _rule(connection, row)


def create_rule(library: Library, name: str, query: str, actions: Sequence[Action]) -> int:
    """Store a rule after all others, paused; returns its id.

    The caller has checked the query. Raises InvalidRule or RuleNameTaken.
    """
    values = _values(name, query, actions)
    last = select(func.coalesce(func.max(rules.c.position), -1) + 1).scalar_subquery()
    try:
        with library.database.writer.begin() as connection:
            inserted = connection.execute(
                insert(rules).values(**values, position=last, created_at=_now())
            )
            return int(inserted.lastrowid)
    except IntegrityError as error:
        raise _taken(values) from error


def change_rule(
    library: Library, rule_id: int, name: str, query: str, actions: Sequence[Action]
) -> None:
    """Change a rule; if it now does something else, it is paused. Errors as `create_rule`."""
    values = _values(name, query, actions)
    try:
        with library.database.writer.begin() as connection:
            before = read_rule(connection, rule_id)
            if (before.query, before.actions) != (values["query"], tuple(actions)):
                values |= {"is_active": False, "pause_reason": None}
            connection.execute(update(rules).where(rules.c.id == rule_id).values(values))
    except IntegrityError as error:
        raise _taken(values) from error


def activate_rule(library: Library, dry_run_of: Rule) -> None:
    """Make a rule active as its dry run showed it.

    Raises RuleNotFound, or InvalidRule when the rule was changed since.
    """
    with library.database.writer.begin() as connection:
        rule = read_rule(connection, dry_run_of.id)
        if (rule.query, rule.actions) != (dry_run_of.query, dry_run_of.actions):
            raise InvalidRule("The rule was changed since you tried it. Look at it again.")
        connection.execute(
            update(rules).where(rules.c.id == rule.id).values(is_active=True, pause_reason=None)
        )


def pause_rule(library: Library, rule_id: int) -> None:
    """Pause a rule for a person; raises RuleNotFound."""
    with library.database.writer.begin() as connection:
        read_rule(connection, rule_id)
        write_pause(connection, rule_id, None)


def write_pause(connection: Connection, rule_id: int, reason: str | None) -> None:
    """Pause a rule within a transaction. reason: why it paused itself."""
    paused = {"is_active": False, "pause_reason": reason}
    connection.execute(update(rules).where(rules.c.id == rule_id).values(paused))


def move_rule(library: Library, rule_id: int, to: int) -> None:
    """Move a rule to a place in the order, from 0; raises RuleNotFound."""
    with library.database.writer.begin() as connection:
        read_rule(connection, rule_id)
        ids = [rule.id for rule in read_rules(connection) if rule.id != rule_id]
        ids.insert(max(0, to), rule_id)
        for position, moved_id in enumerate(ids):
            connection.execute(
                update(rules).where(rules.c.id == moved_id).values(position=position)
            )


def delete_rule(library: Library, rule_id: int) -> None:
    """Delete a rule; what it did stays, and can still be undone."""
    with library.database.writer.begin() as connection:
        connection.execute(delete(rules).where(rules.c.id == rule_id))


def rule_labels(library: Library) -> list[str]:
    """Return the tags and classes that rules give."""
    with library.database.reader.begin() as connection:
        texts = connection.execute(select(rules.c.actions)).scalars().all()
    kinds = (ActionKind.TAG, ActionKind.CLASS)
    actions = (action for text in texts for action in read_actions(text))
    return sorted({action.value for action in actions if action.kind in kinds})


def _rule(connection: Connection, row: Any) -> Rule:
    actions = read_actions(row.actions)
    words = action_words(connection, actions)
    state = (bool(row.is_active), row.pause_reason)
    return Rule(row.id, row.name, row.query, actions, words, *state)


def _values(name: str, query: str, actions: Sequence[Action]) -> dict[str, Any]:
    name = _clean_name(name)
    check_actions(actions)
    if not query.strip():
        raise InvalidRule(
            "The rule has no query, so it would match every photo. Type which photos it is for."
        )
    text = actions_text(actions)
    return {"name": name, "folded_name": fold(name), "query": query, "actions": text}


def _clean_name(typed: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not fold(name):
        raise InvalidRule("A rule needs a name with at least one letter or digit.")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidRule(f"The name has {len(name)} characters; the limit is {MAX_NAME_LENGTH}.")
    unprintable = [character for character in name if not character.isprintable()]
    if unprintable:
        raise InvalidRule(f"The name contains an unprintable character ({unprintable[0]!r}).")
    return name


def _taken(values: dict[str, Any]) -> RuleNameTaken:
    return RuleNameTaken(f"There is already a rule “{values['name']}”. Choose another name.")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).astimezone().isoformat(timespec="milliseconds")
