"""Copies that runs of rules still have to make in folders, or to remove."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from scene_model.library.database.schema import rule_runs
from scene_model.library.rules.rule_actions import copy_action
from scene_model.library.rules.rule_changes import COPIED
from scene_model.library.rules.rule_rows import Rule
from scene_model.library.rules.run_files import (
    COPIES,
    FileState,
    RunFiles,
    is_field_changed,
    photos_with_files,
    try_files_again,
    unfinished_rows,
)
from scene_model.library.store import Library


@dataclass(frozen=True)
class RunCopies(RunFiles):
    """The copies of one run. token: the name of their journal in the folder."""

    folder: Path
    layout: str
    token: str


def new_copies(connection: Connection, edit_id: int, rule: Rule) -> dict[str, Any]:
    """Return the columns of a run that is to copy; none where it has nothing to copy."""
    action = copy_action(rule.actions)
    if action is None or not is_field_changed(connection, edit_id, COPIED):
        return {}
    return {
        "copy_state": FileState.PENDING,
        "copy_folder": action.value,
        "copy_layout": action.layout,
        "copy_token": secrets.token_hex(8),
    }


def unfinished_copies(library: Library) -> list[RunCopies]:
    """Return the runs that have files to copy or to remove, the earliest first."""
    return [
        RunCopies(
            row.id,
            row.rule_id,
            FileState(row.copy_state),
            Path(row.copy_folder),
            row.copy_layout,
            row.copy_token,
        )
        for row in unfinished_rows(library, COPIES)
    ]


def copied_photos(library: Library, run_id: int) -> list[str]:
    """Return the ids of the photos that a run copies."""
    return photos_with_files(library, run_id, COPIED)


def try_copies_again(library: Library, rule: Rule) -> None:
    """Let the runs of a rule whose copies failed copy again, unless it has another folder now."""
    action = copy_action(rule.actions)
    if action is not None:
        try_files_again(library, COPIES, rule, rule_runs.c.copy_folder == action.value)
