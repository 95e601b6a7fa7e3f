"""What a standing rule does with a photo, and how that is stored."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, select

from scene_model.errors import InvalidRule
from scene_model.library.database.schema import albums

MAX_ACTIONS = 12
_RATINGS = ("1", "2", "3", "4", "5")


class ActionKind(StrEnum):
    """The kinds of actions; COPY and SIDECAR write files, the others are edits of the library."""

    TAG = "tag"
    ALBUM = "album"
    CLASS = "class"
    FAVOURITE = "favourite"
    RATING = "rating"
    COPY = "copy"
    SIDECAR = "sidecar"


_SINGLE_VALUED = (ActionKind.CLASS, ActionKind.FAVOURITE, ActionKind.RATING)


@dataclass(frozen=True)
class Action:
    """One action.

    value: a label, the id of an album, a number of stars, the path of a folder; "" for a favourite
    and for sidecars.
    layout: of the copies in the folder, see `export.sorting.layout`.
    """

    kind: ActionKind
    value: str = ""
    layout: str = ""


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
    if sum(action.kind is ActionKind.COPY for action in actions) > 1:
        raise InvalidRule("A rule copies into one folder. Make a second rule for another one.")
    for action in actions:
        if action.kind is ActionKind.RATING and action.value not in _RATINGS:
            raise InvalidRule(f"A rating is a whole number from 1 to 5, not {action.value!r}.")
        if action.kind is ActionKind.ALBUM and not action.value.isdecimal():
            raise InvalidRule(f"{action.value!r} is not the id of an album.")
        if action.kind is ActionKind.COPY and not Path(action.value).is_absolute():
            raise InvalidRule(
                f"{action.value!r} is not the full path of a folder, such as "
                f"{Path.home() / 'Pictures'}."
            )


def actions_text(actions: Sequence[Action]) -> str:
    """Return actions as they are stored."""
    return json.dumps(
        [
            [action.kind, action.value, *([action.layout] if action.layout else [])]
            for action in actions
        ]
    )


def read_actions(text: str) -> tuple[Action, ...]:
    """Return stored actions."""
    return tuple(Action(ActionKind(kind), *values) for kind, *values in json.loads(text))


def copy_action(actions: Sequence[Action]) -> Action | None:
    """Return the action that copies photos into a folder, if there is one."""
    return next((action for action in actions if action.kind is ActionKind.COPY), None)


def sidecar_action(actions: Sequence[Action]) -> Action | None:
    """Return the action that writes sidecars, if there is one."""
    return next((action for action in actions if action.kind is ActionKind.SIDECAR), None)


def copy_folder_problem(folder: Path) -> str | None:
    """Say why nothing can be copied into a folder; None if it can."""
    if not folder.exists():
        return (
            f"The folder {folder} does not exist. Connect its disk or make the folder, or choose "
            "another one."
        )
    if not folder.is_dir():
        return f"{folder} is a file, not a folder. Choose another folder."
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"The folder {folder} cannot be written to. Change that, or choose another folder."
    return None


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
        case ActionKind.COPY:
            return f"copy into the folder {action.value} as {action.layout}"
        case ActionKind.SIDECAR:
            return "write XMP sidecars"


def _named(connection: Connection, action: Action) -> str:
    query = select(albums.c.name).where(albums.c.id == int(action.value))
    name = connection.execute(query).scalar()
    return f"no. {action.value}" if name is None else f"“{name}”"
