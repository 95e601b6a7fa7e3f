"""What a standing rule does with a photo, and how that is stored."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from scene_model.errors import InvalidRule
from scene_model.library.schema import albums

MAX_ACTIONS = 12
_RATINGS = ("1", "2", "3", "4", "5")


class ActionKind(StrEnum):
    """The kinds of actions; all of them are edits of the library."""

    TAG = "tag"
    ALBUM = "album"
    CLASS = "class"
    FAVOURITE = "favourite"
    RATING = "rating"


_SINGLE_VALUED = (ActionKind.CLASS, ActionKind.FAVOURITE, ActionKind.RATING)


@dataclass(frozen=True)
class Action:
    """One action. value: a label, the id of an album, a number of stars; "" for a favourite."""

    kind: ActionKind
    value: str = ""


def check_actions(actions: Sequence[Action]) -> None:
    """Raise InvalidRule for actions that are none, too many, or contradict each other."""
    if not actions:
        raise InvalidRule("The rule does nothing. Choose a tag, an album or another action.")
    if len(actions) > MAX_ACTIONS:
        raise InvalidRule(f"The rule has {len(actions)} actions; the limit is {MAX_ACTIONS}.")
    for kind in _SINGLE_VALUED:
        values = {action.value for action in actions if action.kind is kind}
        if len(values) > 1:
            raise InvalidRule(
                f"A photo has one {kind}; the rule sets {len(values)}: {', '.join(sorted(values))}."
            )
    for action in actions:
        if action.kind is ActionKind.RATING and action.value not in _RATINGS:
            raise InvalidRule(f"A rating is a whole number from 1 to 5, not {action.value!r}.")
        if action.kind is ActionKind.ALBUM and not action.value.isdecimal():
            raise InvalidRule(f"{action.value!r} is not the id of an album.")


def actions_text(actions: Sequence[Action]) -> str:
    """Return actions as they are stored."""
    return json.dumps([[action.kind, action.value] for action in actions])


def read_actions(text: str) -> tuple[Action, ...]:
    """Return stored actions."""
    return tuple(Action(ActionKind(kind), value) for kind, value in json.loads(text))


def action_words(connection: Connection, actions: Sequence[Action]) -> str:
    """Say what is done: "add the tag “Dog”, put into the album “Pets”"."""
    return ", ".join(_words(connection, action) for action in actions)


def missing_album(connection: Connection, actions: Sequence[Action]) -> str | None:
    """Say which album of actions photos can no longer be put into; None for none."""
    for action in actions:
        if action.kind is ActionKind.ALBUM:
            row = connection.execute(select(albums).where(albums.c.id == int(action.value))).first()
            if row is None or row.deleted_at is not None:
                return f"The album {_named(connection, action)} no longer exists."
            if row.query is not None:
                return f"The album {_named(connection, action)} follows a search."
    return None


def _words(connection: Connection, action: Action) -> str:
    match action.kind:
        case ActionKind.TAG:
            return f"add the tag “{action.value}”"
        case ActionKind.ALBUM:
            return f"put into the album {_named(connection, action)}"
        case ActionKind.CLASS:
            return f"set the class to “{action.value}”"
        case ActionKind.FAVOURITE:
            return "mark as favourite"
        case ActionKind.RATING:
            return f"rate with {action.value} {'star' if action.value == '1' else 'stars'}"


def _named(connection: Connection, action: Action) -> str:
    query = select(albums.c.name).where(albums.c.id == int(action.value))
    name = connection.execute(query).scalar()
    return f"no. {action.value}" if name is None else f"“{name}”"
