"""How far the files of runs of rules are: copies in folders, and sidecars.

The files are written after the transaction of a run, so the run remembers what is to be done until
it is done; a program that is killed meanwhile goes on at its next start.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, exists, select, true, update

from scene_model.library.database.schema import edit_changes, photos, rule_runs
from scene_model.library.rules.rule_rows import Rule, write_pause
from scene_model.library.store import Library


class FileState(StrEnum):
    """How far the copies, or the sidecars, of a run are, see the table ``rule_runs``."""

    PENDING = "pending"
    FAILED = "failed"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True)
class RunFiles:
    """The files of one run. rule_id: None when the rule was deleted since."""

    run_id: int
    rule_id: int | None
    state: FileState


@dataclass(frozen=True)
class FileColumns:
    """The columns of ``rule_runs`` for one kind of files."""

    state: Column[Any]
    count: Column[Any]
    note: Column[Any]


COPIES = FileColumns(rule_runs.c.copy_state, rule_runs.c.copy_count, rule_runs.c.copy_note)
SIDECARS = FileColumns(
    rule_runs.c.sidecar_state, rule_runs.c.sidecar_count, rule_runs.c.sidecar_note
)


def is_field_changed(connection: Connection, edit_id: int, field: str) -> bool:
    """Whether an edit changes a field of any photo, within a transaction."""
    is_changed = exists().where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == field)
    return bool(connection.execute(select(is_changed)).scalar())


def unfinished_rows(library: Library, columns: FileColumns) -> list[Any]:
    """Return the rows of runs that have files to write or to remove, the earliest first."""
    query = select(rule_runs).where(columns.state.in_((FileState.PENDING, FileState.UNDOING)))
    with library.database.reader.begin() as connection:
        return list(connection.execute(query.order_by(rule_runs.c.id)))


def photos_with_files(library: Library, run_id: int, field: str) -> list[str]:
    """Return the ids of the photos for which a run writes files. field: of its changes."""
    edit_id = select(rule_runs.c.edit_id).where(rule_runs.c.id == run_id).scalar_subquery()
    query = (
        select(photos.c.id)
        .join(edit_changes, edit_changes.c.photo_id == photos.c.id)
        .where(edit_changes.c.edit_id == edit_id, edit_changes.c.field == field)
        .order_by(photos.c.number)
    )
    with library.database.reader.begin() as connection:
        return list(connection.execute(query).scalars())


def settle_files(
    library: Library,
    columns: FileColumns,
    run: RunFiles,
    state: FileState,
    count: int | None,
    note: str | None,
) -> None:
    """Record how writing or removing ended, unless the run was undone meanwhile.

    count: the number of files that there are; None leaves it. FAILED also pauses the rule, with
    the note as its reason.
    """
    with library.database.writer.begin() as connection:
        write_settled(connection, columns, run, state, count, note)


def write_settled(
    connection: Connection,
    columns: FileColumns,
    run: RunFiles,
    state: FileState,
    count: int | None,
    note: str | None,
) -> None:
    """Like `settle_files`, within a transaction."""
    values: dict[Column[Any], Any] = {columns.state: state, columns.note: note}
    if count is not None:
        values[columns.count] = count
    changed = connection.execute(
        update(rule_runs)
        .where(rule_runs.c.id == run.run_id, columns.state == run.state)
        .values(values)
    )
    if state is FileState.FAILED and changed.rowcount and run.rule_id is not None:
        write_pause(connection, run.rule_id, note)


def try_files_again(
    library: Library, columns: FileColumns, rule: Rule, where: ColumnElement[bool] | None = None
) -> None:
    """Mark the files that runs of a rule failed to write as pending. where: limits the runs."""
    is_failed = columns.state == FileState.FAILED
    with library.database.writer.begin() as connection:
        connection.execute(
            update(rule_runs)
            .where(rule_runs.c.rule_id == rule.id, is_failed, true() if where is None else where)
            .values({columns.state: FileState.PENDING, columns.note: None})
        )
