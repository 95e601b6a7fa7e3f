"""What runs of rules have still to copy into folders, and the copies that they have to remove.

The files are written after the transaction of a run, so the run remembers what is to be done until
it is done; a program that is killed meanwhile goes on at its next start.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, exists, select, update

from scene_model.library.rules.rule_actions import copy_action
from scene_model.library.rules.rule_changes import COPIED
from scene_model.library.rules.rule_rows import Rule, write_pause
from scene_model.library.schema import edit_changes, photos, rule_runs
from scene_model.library.store import Library


class CopyState(StrEnum):
    """How far the copies of a run are, see the table ``rule_runs``."""

    PENDING = "pending"
    FAILED = "failed"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True)
class RunCopies:
    """The copies of one run. token: the name of their journal in the folder."""

    run_id: int
    rule_id: int | None
    state: CopyState
    folder: Path
    layout: str
    token: str


def new_copies(connection: Connection, edit_id: int, rule: Rule) -> dict[str, Any]:
    """Return the columns of a run that is to copy; none where it has nothing to copy."""
    action = copy_action(rule.actions)
    is_copied = exists().where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == COPIED)
    if action is None or not connection.execute(select(is_copied)).scalar():
        return {}
    return {
        "copy_state": CopyState.PENDING,
        "copy_folder": action.value,
        "copy_layout": action.layout,
        "copy_token": secrets.token_hex(8),
    }


def unfinished_copies(library: Library) -> list[RunCopies]:
    """Return the runs that have files to copy or to remove, the earliest first."""
    open_states = (CopyState.PENDING, CopyState.UNDOING)
    query = select(rule_runs).where(rule_runs.c.copy_state.in_(open_states))
    with library.database.reader.begin() as connection:
        return [
            RunCopies(
                row.id,
                row.rule_id,
                CopyState(row.copy_state),
                Path(row.copy_folder),
                row.copy_layout,
                row.copy_token,
            )
            for row in connection.execute(query.order_by(rule_runs.c.id))
        ]


def copied_photos(library: Library, run_id: int) -> list[str]:
    """Return the ids of the photos that a run copies."""
    edit_id = select(rule_runs.c.edit_id).where(rule_runs.c.id == run_id).scalar_subquery()
    query = (
        select(photos.c.id)
        .join(edit_changes, edit_changes.c.photo_id == photos.c.id)
        .where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == COPIED)
        .order_by(photos.c.number)
    )
    with library.database.reader.begin() as connection:
        return list(connection.execute(query).scalars())


def settle_copies(
    library: Library, run: RunCopies, state: CopyState, count: int | None, note: str | None
) -> None:
    """Record how copying or removing ended, unless the run was undone meanwhile.

    count: the number of copies that there are; None leaves it. FAILED also pauses the rule, with
    the note as its reason.
    """
    values: dict[str, Any] = {"copy_state": state, "copy_note": note}
    if count is not None:
        values["copy_count"] = count
    with library.database.writer.begin() as connection:
        changed = connection.execute(
            update(rule_runs)
            .where(rule_runs.c.id == run.run_id, rule_runs.c.copy_state == run.state)
            .values(values)
        )
        if state is CopyState.FAILED and changed.rowcount and run.rule_id is not None:
            write_pause(connection, run.rule_id, note)


def try_copies_again(library: Library, rule: Rule) -> None:
    """Let the runs of a rule whose copies failed copy again, unless it has another folder now."""
    action = copy_action(rule.actions)
    if action is None:
        return
    is_failed = and_(
        rule_runs.c.copy_state == CopyState.FAILED, rule_runs.c.copy_folder == action.value
    )
    with library.database.writer.begin() as connection:
        connection.execute(
            update(rule_runs)
            .where(rule_runs.c.rule_id == rule.id, is_failed)
            .values(copy_state=CopyState.PENDING, copy_note=None)
        )
