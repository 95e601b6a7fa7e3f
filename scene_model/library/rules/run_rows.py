"""The runs of standing rules: what each did, and when."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from scene_model.errors import RuleNotFound
from scene_model.library.database.schema import rule_runs
from scene_model.library.store import Library


@dataclass(frozen=True)
class RuleRun:
    """One run of a rule. rule_id: None when the rule was deleted since. words: what it did.

    at: ISO 8601 with offset. photo_count: number of photos it changed. can_undo: whether it stands.
    copy_state: of a run that copies into a folder, a `run_files.FileState`. copy_count: the copies
    that there are. copy_note: what could not be copied or removed, and why. sidecar_…: the same of
    a run that writes sidecars.
    """

    id: int
    rule_id: int | None
    rule_name: str
    words: str
    at: str
    is_on_all: bool
    photo_count: int
    can_undo: bool
    is_undone: bool
    copy_state: str | None = None
    copy_count: int | None = None
    copy_note: str | None = None
    sidecar_state: str | None = None
    sidecar_count: int | None = None
    sidecar_note: str | None = None


def copies_in_words(run: RuleRun) -> str:
    """Say what became of the copies of a run; "" for one that does not copy."""
    count = run.copy_count or 0
    copies = f"{count:,} {'copy' if count == 1 else 'copies'}"
    match run.copy_state:
        case None:
            return ""
        case "pending":
            return "not all copied yet"
        case "failed":
            return f"{copies} made, then stopped. {run.copy_note or ''}".rstrip()
        case "undoing":
            return run.copy_note or "its copies are not removed yet"
        case "undone":
            return run.copy_note or "its copies are removed"
        case _:
            return f"{copies} made. {run.copy_note}" if run.copy_note else f"{copies} made"


def sidecars_in_words(run: RuleRun) -> str:
    """Say what became of the sidecars of a run; "" for one that writes none."""
    count = run.sidecar_count or 0
    written = f"{count:,} {'sidecar' if count == 1 else 'sidecars'} written"
    match run.sidecar_state:
        case None:
            return ""
        case "pending":
            return "not all written yet"
        case "failed":
            return f"{written}, then stopped. {run.sidecar_note or ''}".rstrip()
        case "undoing":
            return run.sidecar_note or "its sidecars are not removed yet"
        case "undone":
            return run.sidecar_note or "its sidecars are removed"
        case _:
            return f"{written}. {run.sidecar_note}" if run.sidecar_note else written


def latest_runs(library: Library, limit: int) -> list[RuleRun]:
    """Return the latest runs of all rules, the newest first."""
    query = select(rule_runs).order_by(rule_runs.c.id.desc()).limit(limit)
    with library.database.reader.begin() as connection:
        return [rule_run(row) for row in connection.execute(query)]


def find_run(library: Library, run_id: int) -> RuleRun:
    """Return a run; raises RuleNotFound."""
    with library.database.reader.begin() as connection:
        row = connection.execute(select(rule_runs).where(rule_runs.c.id == run_id)).first()
    if row is None:
        raise RuleNotFound("There is no such run of a rule.")
    return rule_run(row)


def count_by_rule(library: Library, since: str = "") -> dict[int, int]:
    """Count the photos that runs of each rule changed and that were not undone.

    since: only those runs, ISO 8601.
    """
    query = (
        select(rule_runs.c.rule_id, func.sum(rule_runs.c.photo_count))
        .where(
            rule_runs.c.rule_id.is_not(None),
            rule_runs.c.undone_at.is_(None),
            rule_runs.c.at >= since,
        )
        .group_by(rule_runs.c.rule_id)
    )
    with library.database.reader.begin() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}


def can_undo(row: Any) -> bool:
    """Whether a run stands; its sidecars do also after its photos were deleted for ever."""
    return row.edit_id is not None or (row.sidecar_state is not None and row.undone_at is None)


def rule_run(row: Any) -> RuleRun:
    """Build a record from a row of ``rule_runs``."""
    return RuleRun(
        *(row.id, row.rule_id, row.rule_name, row.words, row.at, bool(row.is_on_all)),
        *(row.photo_count, can_undo(row), row.undone_at is not None),
        *(row.copy_state, row.copy_count, row.copy_note),
        *(row.sidecar_state, row.sidecar_count, row.sidecar_note),
    )
