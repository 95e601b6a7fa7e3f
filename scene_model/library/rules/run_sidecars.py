"""What runs of rules have still to write as sidecars, and which sidecars each of them wrote.

The row of a sidecar is written before its file, so a kill leaves no file without a row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from scene_model.library.database.schema import rule_sidecars
from scene_model.library.rules.rule_actions import sidecar_action
from scene_model.library.rules.rule_changes import SIDECAR
from scene_model.library.rules.rule_rows import Rule
from scene_model.library.rules.run_files import (
    SIDECARS,
    FileState,
    RunFiles,
    is_field_changed,
    photos_with_files,
    try_files_again,
    unfinished_rows,
    write_settled,
)
from scene_model.library.store import Library


@dataclass(frozen=True)
class SidecarRow:
    """A sidecar that a run wrote, or was about to write. token: in the temporary file's name."""

    path: Path
    photo_id: str
    sha256: str
    token: str


def new_sidecars(connection: Connection, edit_id: int, rule: Rule) -> dict[str, Any]:
    """Return the columns of a run that is to write sidecars; none where it has none to write."""
    if sidecar_action(rule.actions) is None or not is_field_changed(connection, edit_id, SIDECAR):
        return {}
    return {"sidecar_state": FileState.PENDING}


def unfinished_sidecars(library: Library) -> list[RunFiles]:
    """Return the runs that have sidecars to write or to remove, the earliest first."""
    return [
        RunFiles(row.id, row.rule_id, FileState(row.sidecar_state))
        for row in unfinished_rows(library, SIDECARS)
    ]


def photos_with_sidecars(library: Library, run_id: int) -> list[str]:
    """Return the ids of the photos for which a run writes sidecars."""
    return photos_with_files(library, run_id, SIDECAR)


def sidecar_rows(library: Library, run_id: int) -> list[SidecarRow]:
    """Return the sidecars that a run wrote, or was about to write."""
    query = select(rule_sidecars).where(rule_sidecars.c.run_id == run_id)
    with library.database.reader.begin() as connection:
        return [
            SidecarRow(row.path, row.photo_id, row.sha256, row.token)
            for row in connection.execute(query.order_by(rule_sidecars.c.path))
        ]


def count_sidecars(library: Library, run_id: int) -> int:
    """Count the sidecars that a run wrote, or was about to write."""
    query = select(func.count()).where(rule_sidecars.c.run_id == run_id)
    with library.database.reader.begin() as connection:
        return int(connection.execute(query).scalar_one())


def note_sidecars(library: Library, run_id: int, rows: Sequence[SidecarRow]) -> None:
    """Record sidecars before they are written.

    A row of an earlier run with the same path goes: its file no longer exists.
    """
    values = [
        {
            "path": row.path,
            "run_id": run_id,
            "photo_id": row.photo_id,
            "sha256": row.sha256,
            "token": row.token,
        }
        for row in rows
    ]
    if values:
        with library.database.writer.begin() as connection:
            connection.execute(insert(rule_sidecars).prefix_with("OR REPLACE"), values)


def forget_sidecars(library: Library, run_id: int, paths: Iterable[Path]) -> None:
    """Delete the rows of sidecars that a run did not write, or removed again."""
    is_of_run = rule_sidecars.c.run_id == run_id
    with library.database.writer.begin() as connection:
        for path in paths:
            connection.execute(delete(rule_sidecars).where(is_of_run, rule_sidecars.c.path == path))


def settle_removed(library: Library, run: RunFiles, count: int, note: str | None) -> None:
    """Record that the sidecars of a run are removed. count, note: of those that stay for ever."""
    with library.database.writer.begin() as connection:
        connection.execute(delete(rule_sidecars).where(rule_sidecars.c.run_id == run.run_id))
        write_settled(connection, SIDECARS, run, FileState.UNDONE, count, note)


def try_sidecars_again(library: Library, rule: Rule) -> None:
    """Let the runs of a rule whose sidecars failed write them again."""
    if sidecar_action(rule.actions) is not None:
        try_files_again(library, SIDECARS, rule)
